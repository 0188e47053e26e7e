"""Probabilities of relations in annotated documents, between their mentions or identifiers, by one head of a model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from litmine.corpora.documents import AnnotatedDocument
from litmine.errors import ModelError
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.relations.judge import head_probabilities, is_judged
from litmine.tasks.relations.metrics import RelationKey, relation_key
from litmine.tasks.relations.pairs import identifier_pairs, sentence_spans
from litmine.tasks.relations.relation_model import RelationModel
from litmine.tasks.relations.settings import RelationHead

# Documents that are judged at a time.
_DOCUMENTS = 512


@dataclass(frozen=True, slots=True)
class ScoredKey:
    """The best relation type of a pair of mentions or identifiers, and its probability."""

    key: RelationKey
    score: float


def score_documents(
    model: RelationModel, head: RelationHead, documents: Sequence[AnnotatedDocument], taught: frozenset[str]
) -> list[ScoredKey]:
    """The best of the relation types `taught` for each pair that the head judges, whatever its probability.

    Of the pairs of mentions of two identifiers, the one with the highest probability counts. Raises ModelError when the
    model fails on a document.
    """
    found: list[ScoredKey] = []
    for start in range(0, len(documents), _DOCUMENTS):
        some = documents[start : start + _DOCUMENTS]
        judged = model.judge(
            [one.text for one in some],
            [one.entities for one in some],
            sentences=[sentence_spans(one) for one in some],
        )
        for document, one in zip(some, judged, strict=True):
            if isinstance(one, FailedItem):
                raise ModelError(f"{model.name} fails on {document.identifier} ({one.why}); leave it out")
            chosen = [number for number, pair in enumerate(one.pairs) if is_judged(head, pair)]
            if chosen:
                pairs = [one.pairs[number] for number in chosen]
                probabilities = head_probabilities(model.settings, head, one.logits[chosen], pairs)
                of_taught = [relation.name in taught for relation in head.relations]
                best = np.where(of_taught, probabilities[:, 1:], -1.0)
                found += _keys(document, head, pairs, best)
    return found


def _keys(
    document: AnnotatedDocument, head: RelationHead, pairs: Sequence[object], scores: np.ndarray
) -> list[ScoredKey]:
    """scores: (pairs, relations of the head), -1 for a relation that does not count."""
    symmetric = {one.name for one in head.relations if one.symmetric}
    if head.level == "identifiers":
        place = {id(pair): number for number, pair in enumerate(pairs)}
        groups = {key: [place[id(one)] for one in of] for key, of in identifier_pairs(pairs).items()}  # type: ignore[arg-type]
    else:
        groups = {(one.subject.entity_id, one.object.entity_id): [n] for n, one in enumerate(pairs)}  # type: ignore[attr-defined]
    found = []
    for (first, second), members in groups.items():
        best = scores[members].max(axis=0)
        winner = int(best.argmax())
        key = relation_key(document.identifier, head.relations[winner].name, first, second, symmetric)
        found.append(ScoredKey(key, float(best[winner])))
    return found

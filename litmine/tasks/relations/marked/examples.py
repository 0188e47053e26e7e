"""Training examples of a classifier of marked texts, and which of them an epoch reads.

An example is a pair of mentions with its label or, where a corpus relates the identifiers of an article, a pair of
identifiers with its pairs of mentions.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litmine.corpora.documents import AnnotatedDocument
from litmine.corpora.relation_corpus import RelationCorpus
from litmine.corpora.relation_declarations import RelationDeclaration
from litmine.tasks.relations.marked.input import PairReader, group_by_identifiers, judged_pairs
from litmine.tasks.relations.pairs import candidate_pairs, default_rule, sentence_spans
from litmine.training.batching import make_batches

# Label 0 of every classifier: the two are not related.
NONE = "none"


@dataclass(frozen=True, slots=True)
class MarkedExample:
    """What is judged together: the token ids (tokens) of each pair of mentions, and the label."""

    ids: tuple[NDArray[np.int64], ...]
    label: int

    @property
    def tokens(self) -> int:
        """Number of tokens of all its pairs, special tokens included."""
        return sum(len(one) for one in self.ids)


def make_marked_examples(
    corpus: RelationCorpus, labels: Sequence[str], nearest: int, reader: PairReader
) -> list[MarkedExample]:
    """The examples of a declared corpus, by its `default_rule`.

    labels: relation types, `NONE` first; a relation of another type counts as `NONE`.

    Of a pair with several types, the first in `labels` counts. nearest: as in `judged_pairs`.
    """
    assert corpus.declaration is not None
    rule = default_rule(corpus.declaration)
    numbers = {name: i for i, name in enumerate(labels)}
    examples: list[MarkedExample] = []
    for document in corpus.documents:
        sentences = sentence_spans(document)
        pairs = candidate_pairs(document.entities, sentences, rule)
        gold = _labels_by_pair(document, corpus.declaration, numbers)
        if corpus.declaration.level == "identifiers":
            pairs = judged_pairs(pairs, nearest)
            groups = group_by_identifiers(pairs)
        else:
            groups = {(one.subject.entity_id, one.object.entity_id): [i] for i, one in enumerate(pairs)}
        ids = [one.ids for one in reader.read(document.text, pairs, sentences)]
        for (first, second), places in groups.items():
            label = gold.get(frozenset((first, second)), 0)
            examples.append(MarkedExample(tuple(ids[i] for i in places), label))
    return examples


def _labels_by_pair(
    document: AnnotatedDocument, declaration: RelationDeclaration, numbers: dict[str, int]
) -> dict[frozenset[str], int]:
    found: dict[frozenset[str], int] = {}
    for one in document.relations:
        number = numbers.get(one.relation_type, 0)
        if number and one.of_identifiers == (declaration.level == "identifiers"):
            key = frozenset((one.arg1, one.arg2))
            found[key] = min(number, found.get(key, number))
    return found


def sampled_share(examples: Sequence[MarkedExample], negatives: float) -> float:
    """The share of the negative examples that an epoch reads; 1 for all.

    negatives: number of negative examples for each positive one; 0 for all.
    """
    without = sum(not one.label for one in examples)
    related = len(examples) - without
    return min(1.0, negatives * related / without) if negatives and related and without else 1.0


def plan_marked_epoch(
    examples: Sequence[MarkedExample], share: float, batch_tokens: int, seed: int, epoch: int
) -> list[list[int]]:
    """The batches of an epoch as indices of examples: all related ones and a random `share` of the others.

    Batches have examples of similar length in random order, and the classes in about the proportions of the epoch.
    """
    rng = random.Random(f"{seed} {epoch}")
    chosen = [i for i, one in enumerate(examples) if one.label or share >= 1 or rng.random() < share]
    # Two special tokens are already in the ids.
    batches = make_batches([examples[i].tokens - 2 for i in chosen], batch_tokens, rng)
    return [[chosen[i] for i in batch] for batch in batches]


def pad_ids(ids: Iterable[NDArray[np.int64]], padding: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Ids and mask, both (pairs, longest); the mask is true at tokens."""
    rows = list(ids)
    lengths = np.array([len(one) for one in rows])
    padded = np.full((len(rows), lengths.max()), padding, dtype=np.int64)
    for row, one in enumerate(rows):
        padded[row, : len(one)] = one
    return padded, np.arange(lengths.max()) < lengths[:, None]

"""Examples of relations to learn from: marked texts, and groups of pairs with the relations that they have.

Where a corpus relates mentions, a group is one pair. Where it relates identifiers, a group is all pairs of mentions of
two identifiers: at least one of them must say that they are related, and nobody says which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity
from litmine.nn.tokenizer import TokenizedText
from litmine.tasks.relations.pairs import CandidatePair, candidate_pairs, identifier_pairs, sentence_spans
from litmine.tasks.relations.rows import Ints, MarkedText, mark_text
from litmine.tasks.relations.settings import RelationHead


@dataclass(frozen=True, slots=True)
class PairGroup:
    """Pairs that stand for one relation, by their numbers, and the numbers of its relation types (0: none).

    arguments: ids of the two mentions, or the two identifiers. kinds: their entity types.
    """

    pairs: tuple[int, ...]
    labels: tuple[int, ...]
    arguments: tuple[str, str]
    kinds: tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class RelationExample:
    """A document of a corpus. own: number of its own mentions; marks of further ones follow them.

    missed: gold relations that no group stands for.
    """

    head: str
    corpus: str
    document: str
    marked: MarkedText = field(repr=False)
    groups: tuple[PairGroup, ...] = field(repr=False)
    own: int = 0
    missed: int = 0

    @property
    def without_further_marks(self) -> MarkedText:
        """The text with the marks of the corpus' own mentions only."""
        marks = self.marked.marks.copy()
        marks[self.own :] = -1
        return replace(self.marked, marks=marks)


def make_example(
    document: AnnotatedDocument,
    text: TokenizedText,
    head: RelationHead,
    corpus: str,
    type_numbers: Mapping[str, int],
    max_tokens: int,
    further: Sequence[AnnotatedEntity] = (),
) -> RelationExample:
    """The example of a document for a head. further: mentions to mark that are in no pair.

    max_tokens: of a stretch.
    """
    sentences = sentence_spans(document)
    pairs = candidate_pairs(document.entities, sentences, head.rule)
    mentions = [*document.entities, *further]
    marked = mark_text(text, sentences, mentions, pairs, dict(type_numbers), max_tokens)
    read = {number for stretch in marked.stretches for number in stretch.pairs}
    groups = [
        replace(one, pairs=kept)
        for one in _groups(document, pairs, head)
        if (kept := tuple(number for number in one.pairs if number in read))
    ]
    found = sum(len(one.labels) for one in groups if one.labels != (0,))
    wanted = sum(one.relation_type in {kind.name for kind in head.relations} for one in document.relations)
    return RelationExample(
        head.name,
        corpus,
        document.identifier,
        marked,
        tuple(groups),
        len(document.entities),
        max(0, wanted - found),
    )


def _groups(document: AnnotatedDocument, pairs: Sequence[CandidatePair], head: RelationHead) -> list[PairGroup]:
    numbers = {one.name: number for number, one in enumerate(head.relations, 1)}
    related: dict[frozenset[str], list[int]] = {}
    for one in document.relations:
        if one.relation_type in numbers:
            labels = related.setdefault(frozenset((one.arg1, one.arg2)), [])
            if numbers[one.relation_type] not in labels:
                labels.append(numbers[one.relation_type])
    place = {id(pair): number for number, pair in enumerate(pairs)}
    if head.level == "identifiers":
        grouped = {key: [place[id(one)] for one in of] for key, of in identifier_pairs(pairs).items()}
    else:
        grouped = {(pair.subject.entity_id, pair.object.entity_id): [number] for number, pair in enumerate(pairs)}
    found = []
    for arguments, members in grouped.items():
        first = pairs[members[0]]
        kinds = first.subject.entity_type, first.object.entity_type
        found.append(PairGroup(tuple(members), tuple(related.get(frozenset(arguments), [0])), arguments, kinds))
    return found


def allowed_outputs(head: RelationHead) -> dict[tuple[str, str], tuple[bool, ...]]:
    """For each pair of entity types that the head judges, which of its logits count: none, and those that fit."""
    return {pair: (True, *(pair in one.pairs for one in head.relations)) for pair in head.rule.type_pairs}


def group_index(groups: Sequence[PairGroup], place: Mapping[int, int]) -> tuple[Ints, Ints]:
    """The rows of the pairs of each group, and the number of the group of each: (members,), (members,).

    place: the row of each pair, by its number.
    """
    members = [place[number] for one in groups for number in one.pairs]
    owners = [number for number, one in enumerate(groups) for _ in one.pairs]
    return np.array(members, dtype=np.int64), np.array(owners, dtype=np.int64)

"""The relations that a model finds in a text, and the rows of the `relations` table that they become."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from litmine.corpora.documents import AnnotatedEntity
from litmine.errors import ModelError
from litmine.lake.articles import NewTexts
from litmine.lake.targets import TargetRow
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.relations.pairs import CandidatePair
from litmine.text.assertion import assert_pair

# Part of the digest of every relation model: increases whenever the same scored pairs would become other rows, because
# mentions are joined, sentences are split or assertions are told in another way.
ROWS_VERSION = 3
# Relations that say harm. A sentence that gives the subject for the object, as a treatment, does not say them.
HARMS = frozenset({"adverse_effect", "induces"})
_SEPARATOR = "|"


class FoundRelation(NamedTuple):
    """A relation in the columns of `relations` after pmid and text_hash; offsets are code points, end exclusive."""

    relation_type: str
    subject_start: int
    subject_end: int
    subject: str
    subject_type: str
    subject_id: str | None
    object_start: int
    object_end: int
    object: str
    object_type: str
    object_id: str | None
    evidence_start: int
    evidence_end: int
    negated: bool
    speculated: bool
    score: float


class ScoredPair(NamedTuple):
    """A candidate pair with a relation type, and the model's probability of it, 0 to 1."""

    pair: CandidatePair
    relation_type: str
    score: float


def found_relations(
    text: str, sentences: Sequence[tuple[int, int]], scored: Iterable[ScoredPair]
) -> list[FoundRelation]:
    """The relations of a text, with evidence and what the evidence says of each (`litmine.text.assertion`).

    sentences: start and end of each, in order, at least one. The evidence reaches from the sentence in which the first
    of the two mentions begins to the one in which the last one ends. A pair of `HARMS` that the evidence gives as an
    indication is left out, and a comparison may negate it.
    """
    starts = [start for start, _ in sentences]
    found = []
    for pair, relation_type, score in scored:
        subject, object_ = pair.subject, pair.object
        first = _sentence_at(starts, min(subject.start, object_.start))
        last = _sentence_at(starts, max(subject.end, object_.end) - 1)
        start = min(sentences[first][0], subject.start, object_.start)
        end = max(sentences[last][1], subject.end, object_.end)
        said = assert_pair(
            text[start:end],
            (subject.start - start, subject.end - start),
            (object_.start - start, object_.end - start),
            [sentences[number][0] - start for number in range(first + 1, last + 1)],
            harm=relation_type in HARMS,
        )
        if said.indication:
            continue
        found.append(
            FoundRelation(
                relation_type,
                *_columns(text, subject),
                *_columns(text, object_),
                start,
                end,
                said.negated,
                said.speculated,
                score,
            )
        )
    return found


def relations_or_error(model: str, results: Iterable[list[FoundRelation] | FailedItem]) -> list[list[FoundRelation]]:
    """The relations of each text. Raises ModelError when the model failed on one."""
    found = []
    for number, one in enumerate(results):
        if isinstance(one, FailedItem):
            raise ModelError(f"{model} fails on text {number} ({one.why}); leave it out")
        found.append(one)
    return found


def relation_rows(texts: NewTexts, results: Sequence[Sequence[FoundRelation] | FailedItem]) -> list[TargetRow]:
    """The rows of the `relations` table: by PMID and text hash, then by subject, object and relation type."""
    keyed = [
        ((pmid, text_hash), one)
        for pmid, text_hash, found in zip(texts.pmids, texts.text_hashes, results, strict=True)
        if not isinstance(found, FailedItem)
        for one in found
    ]
    keyed.sort(key=lambda row: (row[0], _order(row[1])))
    return [(*key, *one) for key, one in keyed]


def _order(one: FoundRelation) -> tuple[int | str, ...]:
    """The order of a text's relations, which leaves out the identifiers, because some are None."""
    spans = one.subject_start, one.subject_end, one.object_start, one.object_end
    return (*spans, one.subject_type, one.object_type, one.relation_type)


def _sentence_at(starts: Sequence[int], offset: int) -> int:
    """The number of the sentence at an offset; of the one before it for white space between two."""
    return max(0, bisect_right(starts, offset) - 1)


def _columns(text: str, mention: AnnotatedEntity) -> tuple[int, int, str, str, str | None]:
    words, identifiers = text[mention.start : mention.end], _SEPARATOR.join(mention.identifiers) or None
    return mention.start, mention.end, words, mention.entity_type, identifiers

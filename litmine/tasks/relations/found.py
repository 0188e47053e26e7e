"""The relations that a model finds in a text, and the rows of the `relations` table that they become."""

from collections.abc import Sequence
from typing import NamedTuple

from litmine.lake.articles import NewTexts
from litmine.lake.targets import TargetRow
from litmine.nn.failure_isolation import FailedItem


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


def relation_rows(texts: NewTexts, results: Sequence[Sequence[FoundRelation] | FailedItem]) -> list[TargetRow]:
    """The rows of the `relations` table: by PMID and text hash, then in the order of the subjects."""
    return sorted(
        (pmid, text_hash, *one)
        for pmid, text_hash, found in zip(texts.pmids, texts.text_hashes, results, strict=True)
        if not isinstance(found, FailedItem)
        for one in found
    )

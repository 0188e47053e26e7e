"""The labels that a model gives to a text and its sentences, and the rows of the `labels` table that they become."""

from collections.abc import Sequence
from typing import NamedTuple

from litmine.lake.articles import NewTexts
from litmine.lake.targets import TargetRow
from litmine.nn.failure_isolation import FailedItem

# Part of the digest of every classifier: increases whenever the same logits would become other rows, because sentences
# are split or labels are chosen in another way.
ROWS_VERSION = 1


class FoundLabel(NamedTuple):
    """A label in the columns of `labels` after pmid and text_hash.

    Offsets are code points, end exclusive; both are None for a label of the whole text.
    """

    scheme: str
    label: str
    score: float
    start_char: int | None = None
    end_char: int | None = None


def label_rows(texts: NewTexts, results: Sequence[Sequence[FoundLabel] | FailedItem]) -> list[TargetRow]:
    """The rows of the `labels` table: by PMID and text hash, then by scheme, place and label."""
    keyed = [
        ((pmid, text_hash), one)
        for pmid, text_hash, found in zip(texts.pmids, texts.text_hashes, results, strict=True)
        if not isinstance(found, FailedItem)
        for one in found
    ]
    keyed.sort(key=lambda row: (row[0], row[1].scheme, -1 if row[1].start_char is None else row[1].start_char, *row[1]))
    return [(*key, *one) for key, one in keyed]

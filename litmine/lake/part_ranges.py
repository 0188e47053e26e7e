"""Which article parts can have some PMIDs, so that a query about a few articles opens few files.

DuckDB skips the row groups of other PMIDs, but it opens every file first: 1 to 2 ms a file and query.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from litmine.errors import LakeError
from litmine.lake.parquet import read_pmid_range
from litmine.lake.paths import LakePath

# A range without an end, for a part that cannot be read here; its reader reports it.
_ALL = (0, 2**63 - 1)


class PartRanges:
    """The least and the greatest PMID of article parts, of which each is read once. Threads may share it."""

    def __init__(self) -> None:
        self._ranges: dict[LakePath, tuple[int, int]] = {}

    def parts_with(self, pmids: Iterable[int]) -> Callable[[LakePath], bool]:
        """A function that says whether an article part can have a row of one of these PMIDs."""
        wanted = sorted(pmids)
        return lambda part: may_have(self._range(part), wanted)

    def forget_others(self, parts: Sequence[LakePath]) -> None:
        """Keep the ranges of these parts only."""
        kept = set(parts)
        for part in [part for part in list(self._ranges) if part not in kept]:
            self._ranges.pop(part, None)

    def _range(self, part: LakePath) -> tuple[int, int]:
        if part not in self._ranges:
            found = _ALL
            with suppress(LakeError):
                found = read_pmid_range(part)
            self._ranges[part] = found
        return self._ranges[part]


def may_have(pmid_range: tuple[int, int], pmids: Sequence[int]) -> bool:
    """Whether a part with these least and greatest PMIDs may have one of the sorted PMIDs."""
    least, greatest = pmid_range
    place = bisect_left(pmids, least)
    return place < len(pmids) and pmids[place] <= greatest

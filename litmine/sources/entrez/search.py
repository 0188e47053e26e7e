"""Find every PMID of a query, however many: split the query into slices that PubMed lists completely.

ESearch lists only the first 9,999 hits of a search but always counts all of them. A larger search is split by creation
date, and by PMID where a few days hold too many records. Both are single-valued (publication dates are not), so that
the slices neither overlap nor leave gaps. The PMIDs found are compared with PubMed's own count of the query.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from litmine.errors import SourceError
from litmine.sources.entrez.responses import MAX_SEARCH_HITS, EsearchResult

EsearchFunction = Callable[[str], EsearchResult]

# Before the oldest record and after every future one.
_FIRST_DAY, _LAST_DAY = date(1800, 1, 1), date(3000, 12, 31)
_MIN_PMID, _MAX_PMID = 1, 999_999_999
# Intended hits per slice; the difference to 9,999 allows for a wrong estimate.
_TARGET_HITS = 7_500
_MAX_SHARE = 0.75
# A range of fewer days that still has too many hits is split by PMID: most of them are from one day.
_NARROW_RANGE = timedelta(days=92)
# PubMed grows by about 4 % a year. The first split points follow that, later ones the counts of the slices.
_GROWTH_PER_DAY = 0.04 / 365


@dataclass(frozen=True, slots=True)
class PubmedSearchResult:
    """All hits of a query: `count` is PubMed's own figure, `pmids` the distinct PMIDs that it listed."""

    pmids: frozenset[int]
    count: int
    translation: str
    notes: tuple[str, ...]

    @property
    def unlisted(self) -> int:
        """The number of records that PubMed counts but no slice lists; negative when the slices list more."""
        return self.count - len(self.pmids)


def search_pubmed(query: str, esearch: EsearchFunction, today: date) -> PubmedSearchResult:
    """Find every PMID of `query` with as few searches as possible. Raises what `esearch` raises."""
    whole = esearch(query)
    if whole.count <= MAX_SEARCH_HITS:
        return PubmedSearchResult(frozenset(whole.pmids), whole.count, whole.translation, whole.notes)
    pmids = frozenset(_SlicedSearch(query, esearch, today).run(whole.count))
    if len(pmids) != whole.count:
        # Records are added and removed during the search: only a difference from the current count is real.
        whole = esearch(query)
    return PubmedSearchResult(pmids, whole.count, whole.translation, whole.notes)


class _SlicedSearch:
    """Searches one query slice by slice and collects the PMIDs."""

    def __init__(self, query: str, esearch: EsearchFunction, today: date) -> None:
        self._query, self._esearch, self._today = query, esearch, today
        self._pmids: set[int] = set()

    def run(self, count: int) -> set[int]:
        """The PMIDs of all slices of a query with `count` hits."""
        self._collect_days(_FIRST_DAY, _LAST_DAY, count)
        return self._pmids

    def _collect_days(self, first: date, last: date, expected: int) -> int:
        """Collect records created from `first` to `last`, newest first; returns the sum of the slices' counts.

        `expected` only determines the split points: the slices cover every day.
        """
        counted, step = 0, 1.0
        while expected - counted > MAX_SEARCH_HITS and first < last:
            split = self._split_day(first, last, min(step * _TARGET_HITS / (expected - counted), _MAX_SHARE))
            slice_count = self._collect_days(split + timedelta(days=1), last, 0)
            counted += slice_count
            last = split
            # If the slice holds few records of the query, take larger steps back until more appear.
            step = step * 2 if slice_count < _TARGET_HITS / 4 else 1.0
        days = f'("{first:%Y/%m/%d}"[crdt] : "{last:%Y/%m/%d}"[crdt])'
        hits = self._search_slice(days)
        if hits.count <= MAX_SEARCH_HITS:
            self._pmids.update(hits.pmids)
            return counted + hits.count
        if first == last or min(last, self._today) - first < _NARROW_RANGE:
            return counted + self._collect_pmid_range(days, _MIN_PMID, _MAX_PMID, hits)
        return counted + self._collect_days(first, last, hits.count)

    def _collect_pmid_range(self, days: str, least: int, greatest: int, hits: EsearchResult) -> int:
        """Collect the PMIDs from `least` to `greatest` of some days, for which PubMed returned `hits`.

        Returns the sum of the slices' counts.
        """
        counted = 0
        while hits.count > MAX_SEARCH_HITS:
            if least >= greatest:
                raise SourceError(
                    f"PubMed counts {hits.count:,} records for the single PMID {least}; run the command again"
                )
            # ESearch lists the newest first, so that no PMIDs are missing between the greatest ones that it lists.
            listed = sorted(pmid for pmid in hits.pmids if least < pmid <= greatest)
            split = listed[-min(_TARGET_HITS, len(listed))] if listed else (least + greatest + 1) // 2
            upper = self._search_slice(f"{days} AND {split}:{greatest}[uid]")
            counted += self._collect_pmid_range(days, split, greatest, upper)
            greatest = split - 1
            hits = self._search_slice(f"{days} AND {least}:{greatest}[uid]")
        self._pmids.update(hits.pmids)
        return counted + hits.count

    def _search_slice(self, slice_: str) -> EsearchResult:
        return self._esearch(f"({self._query}) AND {slice_}")

    def _split_day(self, first: date, last: date, share: float) -> date:
        """The day in `first`..`last` after which about that share of the records was created; never `last`."""
        least, most = self._relative_size(first), self._relative_size(last)
        if most == least:  # both days are in the future
            return first + (last - first) // 2
        level = most - share * (most - least)
        estimate = self._today.toordinal() + math.floor(math.log(level) / _GROWTH_PER_DAY)
        return date.fromordinal(min(max(estimate, first.toordinal()), last.toordinal() - 1))

    def _relative_size(self, day: date) -> float:
        """PubMed's estimated size at the end of a day, relative to today."""
        return math.exp(_GROWTH_PER_DAY * min(0, day.toordinal() - self._today.toordinal()))

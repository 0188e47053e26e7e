"""Every PMID of a query, however many: the query is cut into slices that PubMed answers whole.

ESearch names only the first 9,999 hits of a search, but always counts all. So a search with more is cut by creation
date, and by PMID where a few days hold too many. Both are single-valued (publication dates are not), so the slices
share no record, and they leave no gap: what they name is held against PubMed's own count of the query.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from litmine.errors import SourceError
from litmine.sources.entrez.responses import MOST_HITS, Hits

Search = Callable[[str], Hits]

# Before the oldest record, and after all that are to come.
_FIRST_DAY, _LAST_DAY = date(1800, 1, 1), date(3000, 12, 31)
_LEAST_PMID, _GREATEST_PMID = 1, 999_999_999
# Hits that a slice is cut to hold: the rest of the 9,999 is room for a wrong guess.
_AIM = 7_500
_LARGEST_SHARE = 0.75
# So few days that are still too many are cut by PMID: most of them are one day's.
_NARROW = timedelta(days=92)
# PubMed grows by about 4 % a year: where to cut is guessed by that, and then by what the slices counted.
_GROWTH_A_DAY = 0.04 / 365


@dataclass(frozen=True, slots=True)
class Found:
    """What a query finds: `count` is PubMed's own figure, `pmids` what its answers name, each once."""

    pmids: frozenset[int]
    count: int
    translation: str
    notes: tuple[str, ...]

    @property
    def unnamed(self) -> int:
        """Records that PubMed counts and no slice names; negative when the slices name more."""
        return self.count - len(self.pmids)


def find(query: str, search: Search, today: date) -> Found:
    """Every PMID of `query`, over as many searches as it takes. Raises what `search` raises."""
    whole = search(query)
    if whole.count <= MOST_HITS:
        return Found(frozenset(whole.pmids), whole.count, whole.translation, whole.notes)
    pmids = frozenset(_Slices(query, search, today).collect(whole.count))
    if len(pmids) != whole.count:
        # Records come and go while the slices are asked for; only what the count says afterwards is a difference.
        whole = search(query)
    return Found(pmids, whole.count, whole.translation, whole.notes)


class _Slices:
    """The slices of one query, and the PMIDs they named so far."""

    def __init__(self, query: str, search: Search, today: date) -> None:
        self._query, self._search, self._today = query, search, today
        self._pmids: set[int] = set()

    def collect(self, count: int) -> set[int]:
        """The PMIDs of all slices, of a query with `count` hits."""
        self._days(_FIRST_DAY, _LAST_DAY, count)
        return self._pmids

    def _days(self, first: date, last: date, expected: int) -> int:
        """Collect what was created from `first` to `last`, the newest first; returns how many the slices counted.

        `expected` only steers where the cuts are made: every day is asked for.
        """
        counted, reach = 0, 1.0
        while expected - counted > MOST_HITS and first < last:
            cut = self._cut(first, last, min(reach * _AIM / (expected - counted), _LARGEST_SHARE))
            slice_ = self._days(cut + timedelta(days=1), last, 0)
            counted += slice_
            last = cut
            # The query's records do not lie as PubMed's do: further back in larger steps, until they begin.
            reach = reach * 2 if slice_ < _AIM / 4 else 1.0
        days = f'("{first:%Y/%m/%d}"[crdt] : "{last:%Y/%m/%d}"[crdt])'
        hits = self._ask(days)
        if hits.count <= MOST_HITS:
            self._pmids.update(hits.pmids)
            return counted + hits.count
        if first == last or min(last, self._today) - first < _NARROW:
            return counted + self._numbers(days, _LEAST_PMID, _GREATEST_PMID, hits)
        return counted + self._days(first, last, hits.count)

    def _numbers(self, days: str, least: int, greatest: int, hits: Hits) -> int:
        """Collect the PMIDs from `least` to `greatest` of some days, where PubMed found `hits`; returns their count."""
        counted = 0
        while hits.count > MOST_HITS:
            if least >= greatest:
                raise SourceError(
                    f"PubMed counts {hits.count:,} records under one PMID, {least}; run the command again"
                )
            # ESearch names the newest first, so that the greatest of those it names stand at their true distance.
            named = sorted(pmid for pmid in hits.pmids if least < pmid <= greatest)
            cut = named[-min(_AIM, len(named))] if named else (least + greatest + 1) // 2
            upper = self._ask(f"{days} AND {cut}:{greatest}[uid]")
            counted += self._numbers(days, cut, greatest, upper)
            greatest = cut - 1
            hits = self._ask(f"{days} AND {least}:{greatest}[uid]")
        self._pmids.update(hits.pmids)
        return counted + hits.count

    def _ask(self, slice_: str) -> Hits:
        return self._search(f"({self._query}) AND {slice_}")

    def _cut(self, first: date, last: date, share: float) -> date:
        """The day in `first`..`last` after which about that share of the records was created; never `last`."""
        least, most = self._grown(first), self._grown(last)
        if most == least:  # what is yet to come
            return first + (last - first) // 2
        level = most - share * (most - least)
        guess = self._today.toordinal() + math.floor(math.log(level) / _GROWTH_A_DAY)
        return date.fromordinal(min(max(guess, first.toordinal()), last.toordinal() - 1))

    def _grown(self, day: date) -> float:
        """PubMed's size at the end of a day, today's being 1."""
        return math.exp(_GROWTH_A_DAY * min(0, day.toordinal() - self._today.toordinal()))

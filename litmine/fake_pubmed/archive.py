"""The records that the server holds: originals and renumbered copies, which may grow, change and go while served."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from litmine.errors import SettingError
from litmine.fake_pubmed.originals import OriginalRecord, read_originals

FIRST_DAY = date(1965, 1, 1)
# Beyond PubMed's own numbers, so that nobody takes a copy for another article.
FIRST_COPY_PMID = 90_000_001
_REVISED_WITHIN = 400
_NEVER = -1

Days = NDArray[np.int32]
Result = TypeVar("Result")


@dataclass(slots=True)
class _Record:
    """Which original it shows, and its own dates; `revised` also stands in its XML."""

    original: int
    created: date
    entered: date
    revised: date
    revision: int = 0


@dataclass(frozen=True, slots=True)
class ArchiveColumns:
    """The archive as search sees it, most recent record first, one row a record.

    Days are ordinals, -1 where a record has none; `original` is the row's place in `originals`.
    """

    pmid: NDArray[np.int64]
    original: NDArray[np.int32]
    created: Days
    entered: Days
    revised: Days
    print_date: Days
    electronic_date: Days
    originals: Sequence[OriginalRecord]


class RecordArchive:
    """Records made from real ones: the originals first, then copies of them under fresh PMIDs, the same for each seed.

    `records` is how many there are, by default the originals alone. Copies are created between `first` and `last`,
    few long ago and many lately; `busy` says on which days exactly how many records were created. Originals keep
    their dates. All of it may be changed while it is served. Raises SourceError when the paths hold no records, and
    SettingError when the numbers do not fit together.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        records: int | None = None,
        *,
        first: date = FIRST_DAY,
        last: date | None = None,
        busy: Mapping[date, int] | None = None,
        seed: int = 0,
    ) -> None:
        self.last = last or eastern_today()
        self._lock = RLock()
        self._random = random.Random(seed)
        self._originals = read_originals(paths)
        self._records: dict[int, _Record] = {}
        self._withdrawn: set[int] = set()
        self._columns: ArchiveColumns | None = None
        self._next_pmid = FIRST_COPY_PMID
        count = len(self._originals) if records is None else records
        for place, original in enumerate(self._originals[:count]):
            created = original.created or original.entered or original.revised or self.last
            self._records[original.pmid] = _Record(
                place, created, original.entered or created, original.revised or created
            )
        for day in sorted(self._days(count, first, dict(busy or {}))):
            self._copy(day)

    def __len__(self) -> int:
        return len(self._records)

    @property
    def pmids(self) -> frozenset[int]:
        """Every PMID that search finds, withdrawn ones included."""
        with self._lock:
            return frozenset(self._records)

    @property
    def copies(self) -> int:
        """How many records are copies."""
        return sum(pmid >= FIRST_COPY_PMID for pmid in self.pmids)

    @property
    def withdrawn(self) -> frozenset[int]:
        """The PMIDs that search finds and EFetch never gives."""
        with self._lock:
            return frozenset(self._withdrawn)

    def add(self, count: int, day: date | None = None) -> list[int]:
        """Add so many copies, created and revised on that day (default the last); their PMIDs."""
        with self._lock:
            self._columns = None
            return [self._copy(day or self.last, day or self.last) for _ in range(count)]

    def revise(self, pmids: Iterable[int], day: date | None = None) -> None:
        """Give each a new text and that day (default the last) as its date of revision."""
        with self._lock:
            self._columns = None
            for pmid in pmids:
                record = self._records[pmid]
                record.revision += 1
                record.revised = day or self.last

    def withdraw(self, pmids: Iterable[int]) -> None:
        """Search goes on to find and count them; EFetch gives them no more."""
        with self._lock:
            self._withdrawn.update(pmid for pmid in pmids if pmid in self._records)

    def delete(self, pmids: Iterable[int]) -> None:
        """Neither search nor EFetch knows them any more."""
        with self._lock:
            self._columns = None
            for pmid in pmids:
                self._records.pop(pmid, None)
                self._withdrawn.discard(pmid)

    def xml(self, pmid: int) -> bytes | None:
        """The record's element; None when there is none or it is withdrawn."""
        with self._lock:
            record = self._records.get(pmid)
            if record is None or pmid in self._withdrawn:
                return None
            original, revised, revision = self._originals[record.original], record.revised, record.revision
        if pmid == original.pmid and not revision:
            return original.xml()
        return original.copy(pmid, revised, revision)

    def search(self, find: Callable[[ArchiveColumns], Result]) -> Result:
        """What a search finds in the archive as it stands."""
        with self._lock:
            if self._columns is None:
                self._columns = self._as_columns()
            columns = self._columns
        return find(columns)

    def _days(self, count: int, first: date, busy: dict[date, int]) -> list[date]:
        """The days on which copies are created."""
        there = Counter(record.created for record in self._records.values())
        days = [day for day, wanted in busy.items() for _ in range(wanted - there[day])]
        left = count - len(self._records) - len(days)
        span = (self.last - first).days
        if left < 0 or span < 0:
            raise SettingError(
                f"{count:,} records from {first} to {self.last} cannot have {sum(busy.values()):,} on busy days:"
                " ask for more records or fewer busy days."
            )
        for _ in range(left):
            day = self.last - timedelta(days=int((span + 1) * self._random.random() ** 2))
            while day in busy:
                day -= timedelta(days=1)
            days.append(day)
        return days

    def _copy(self, created: date, revised: date | None = None) -> int:
        if revised is None:
            revised = min(created + timedelta(days=self._random.randrange(_REVISED_WITHIN)), max(self.last, created))
        pmid = self._next_pmid
        self._next_pmid += self._random.randint(1, 3)
        self._records[pmid] = _Record(self._random.randrange(len(self._originals)), created, created, revised)
        return pmid

    def _as_columns(self) -> ArchiveColumns:
        rows = sorted(self._records.items(), key=lambda row: (row[1].created, row[0]), reverse=True)
        original = np.array([record.original for _, record in rows], np.int32)
        return ArchiveColumns(
            np.array([pmid for pmid, _ in rows], np.int64),
            original,
            _ordinals(record.created for _, record in rows),
            _ordinals(record.entered for _, record in rows),
            _ordinals(record.revised for _, record in rows),
            _ordinals(it.print_date for it in self._originals)[original],
            _ordinals(it.electronic_date for it in self._originals)[original],
            self._originals,
        )


def eastern_today() -> date:
    """The day in the Eastern United States, by which PubMed dates."""
    return datetime.now(ZoneInfo("America/New_York")).date()


def _ordinals(days: Iterable[date | None]) -> Days:
    return np.array([day.toordinal() if day else _NEVER for day in days], np.int32)

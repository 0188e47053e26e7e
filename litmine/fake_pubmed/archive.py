"""The records of the fake server: real records and renumbered copies, which can be changed while they are served."""

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
# Beyond PubMed's own PMIDs, so that a copy is never taken for a real article.
FIRST_COPY_PMID = 90_000_001
_MAX_DAYS_TO_REVISION = 400
_NO_DATE = -1

Days = NDArray[np.int32]
Result = TypeVar("Result")


@dataclass(slots=True)
class _ArchivedRecord:
    """A record: the position of the original whose content it has, and its own dates; `revised` is also in its XML."""

    original: int
    created: date
    entered: date
    revised: date
    revision: int = 0


@dataclass(frozen=True, slots=True)
class ArchiveColumns:
    """The archive as arrays for searching: one row per record, newest first.

    Dates are proleptic ordinals, -1 for none. `original` is the record's position in `originals`.
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
    """Real records, then copies of them under new PMIDs; equal seeds give equal archives.

    `records` is the number of records, by default that of the originals. The creation dates of copies lie between
    `first` and `last`, with more in recent years; `busy_days` sets the exact number of records created on some days.
    Originals keep their dates. The archive can be changed while it is served. Raises SourceError when the paths have no
    records, SettingError when `records` is too small for `busy_days`.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        records: int | None = None,
        *,
        first: date = FIRST_DAY,
        last: date | None = None,
        busy_days: Mapping[date, int] | None = None,
        seed: int = 0,
    ) -> None:
        self.last = last or eastern_today()
        self._lock = RLock()
        self._random = random.Random(seed)
        self._originals = read_originals(paths)
        self._records: dict[int, _ArchivedRecord] = {}
        self._withdrawn: set[int] = set()
        self._columns: ArchiveColumns | None = None
        self._next_pmid = FIRST_COPY_PMID
        count = len(self._originals) if records is None else records
        for position, original in enumerate(self._originals[:count]):
            created = original.created or original.entered or original.revised or self.last
            self._records[original.pmid] = _ArchivedRecord(
                position, created, original.entered or created, original.revised or created
            )
        for day in sorted(self._copy_days(count, first, dict(busy_days or {}))):
            self._add_copy(day)

    def __len__(self) -> int:
        return len(self._records)

    @property
    def pmids(self) -> frozenset[int]:
        """All PMIDs that search finds, including withdrawn ones."""
        with self._lock:
            return frozenset(self._records)

    @property
    def copies(self) -> int:
        """The number of copies."""
        return sum(pmid >= FIRST_COPY_PMID for pmid in self.pmids)

    @property
    def withdrawn(self) -> frozenset[int]:
        """The PMIDs that search finds but EFetch never returns."""
        with self._lock:
            return frozenset(self._withdrawn)

    def add(self, count: int, day: date | None = None) -> list[int]:
        """Add copies that are created and revised on `day`, by default the last day; returns their PMIDs."""
        with self._lock:
            self._columns = None
            return [self._add_copy(day or self.last, day or self.last) for _ in range(count)]

    def revise(self, pmids: Iterable[int], day: date | None = None) -> None:
        """Change the text of each record and set its revision date to `day`, by default the last day."""
        with self._lock:
            self._columns = None
            for pmid in pmids:
                record = self._records[pmid]
                record.revision += 1
                record.revised = day or self.last

    def withdraw(self, pmids: Iterable[int]) -> None:
        """From now on EFetch does not return these records, though search still finds and counts them."""
        with self._lock:
            self._withdrawn.update(pmid for pmid in pmids if pmid in self._records)

    def delete(self, pmids: Iterable[int]) -> None:
        """Remove these records from search and EFetch."""
        with self._lock:
            self._columns = None
            for pmid in pmids:
                self._records.pop(pmid, None)
                self._withdrawn.discard(pmid)

    def xml(self, pmid: int) -> bytes | None:
        """The record as an XML element; None if it does not exist or is withdrawn."""
        with self._lock:
            record = self._records.get(pmid)
            if record is None or pmid in self._withdrawn:
                return None
            original, revised, revision = self._originals[record.original], record.revised, record.revision
        if pmid == original.pmid and not revision:
            return original.xml()
        return original.copy(pmid, revised, revision)

    def search(self, find: Callable[[ArchiveColumns], Result]) -> Result:
        """The result of `find` on the current state of the archive."""
        with self._lock:
            if self._columns is None:
                self._columns = self._as_columns()
            columns = self._columns
        return find(columns)

    def _copy_days(self, count: int, first: date, busy_days: dict[date, int]) -> list[date]:
        """The creation dates of the copies."""
        existing = Counter(record.created for record in self._records.values())
        days = [day for day, wanted in busy_days.items() for _ in range(wanted - existing[day])]
        remaining = count - len(self._records) - len(days)
        span = (self.last - first).days
        if remaining < 0 or span < 0:
            raise SettingError(
                f"{count:,} records from {first} to {self.last} are too few for {sum(busy_days.values()):,} on busy"
                " days; use more records or fewer busy days"
            )
        for _ in range(remaining):
            day = self.last - timedelta(days=int((span + 1) * self._random.random() ** 2))
            while day in busy_days:
                day -= timedelta(days=1)
            days.append(day)
        return days

    def _add_copy(self, created: date, revised: date | None = None) -> int:
        if revised is None:
            revised = min(
                created + timedelta(days=self._random.randrange(_MAX_DAYS_TO_REVISION)), max(self.last, created)
            )
        pmid = self._next_pmid
        self._next_pmid += self._random.randint(1, 3)
        self._records[pmid] = _ArchivedRecord(self._random.randrange(len(self._originals)), created, created, revised)
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
            _ordinals(record.print_date for record in self._originals)[original],
            _ordinals(record.electronic_date for record in self._originals)[original],
            self._originals,
        )


def eastern_today() -> date:
    """The current day in US Eastern time, in which PubMed dates its records."""
    return datetime.now(ZoneInfo("America/New_York")).date()


def _ordinals(days: Iterable[date | None]) -> Days:
    return np.array([day.toordinal() if day else _NO_DATE for day in days], np.int32)

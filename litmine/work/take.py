"""One file at a time into a lake, beside other processes that may be at the same files.

A dated file, which bulk files are by their name and others by `--as-of`, is taken by one process, and once: the same
bytes say the same. An undated file is read every time, since it says what it says now: the version of a record that it
holds may have been current, been superseded, and come back.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from litmine.errors import LakeLockedError, SourceError
from litmine.lake.add import Added
from litmine.lake.files import utf8
from litmine.lake.imported import ImportedFile
from litmine.lake.lake import Lake
from litmine.lake.lock import exclusive
from litmine.lake.place import Place
from litmine.lake.runs import Gap
from litmine.sources.checksum import Checksum, checksum, declared_md5
from litmine.sources.files import READER, read_file
from litmine.sources.released import released
from litmine.types import Deletion, Observed, Unreadable

# Records between two calls of `watch`.
_PACE = 100


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked of an import: `as_of` is None when files date themselves, or not at all."""

    lake: Place
    as_of: datetime | None
    part_size: int


@dataclass(slots=True)
class Taken:
    """What became of a file, and what of it could not be read.

    read: as far as it could be; skipped: it was in already; refused: it is not what its `.md5` says; claimed: another
    process is at it.
    """

    file: Path
    became: Literal["read", "skipped", "refused", "claimed"]
    added: Added = field(default_factory=Added)
    gaps: list[Gap] = field(default_factory=list)
    recorded: bool = False


class Taker:
    """Takes one file after another as a job asks."""

    def __init__(self, job: Job, watch: Callable[[int], None]) -> None:
        """`watch` is told, now and then, how many records more have been read."""
        self._job = job
        self._lake = Lake(job.lake)
        self._importer = self._lake.importer()
        self._watch = watch

    def take(self, file: Path, wait: bool = False) -> Taken:
        """Import a file; with `wait` one that another process is at is waited for, to be skipped or taken over.

        A file that is in is known by the `.md5` beside it, without being read: that it was damaged since goes unseen.
        Nothing of a file is imported before its bytes have been held against its `.md5`. Raises LakeError when the lake
        cannot be written, or is damaged.
        """
        as_of = self._job.as_of or released(file.name)
        try:
            declared = declared_md5(file)
            if declared is not None and as_of is not None and self._lake.is_imported(declared, as_of, READER):
                return Taken(file, "skipped")
            # What is no file, a pipe say, can be read only once.
            sum_ = checksum(file, declared) if file.is_file() and (declared or as_of) else None
        except SourceError as error:
            return Taken(file, "refused", gaps=[Gap(str(file), str(error))])
        if as_of is None or sum_ is None:
            return self._read(file, as_of)
        # Not by the whole sum, so that lock files stay few: at worst a file waits for another one.
        with suppress(LakeLockedError), exclusive(self._lake.place, f"file-{sum_.md5[:3]}", wait=wait):
            if self._lake.is_imported(sum_.md5, as_of, READER):
                return Taken(file, "skipped")
            return self._read(file, as_of, sum_)
        return Taken(file, "claimed")

    def _read(self, file: Path, as_of: datetime | None, checksum: Checksum | None = None) -> Taken:
        """Read the file into the lake and, when it has a `checksum`, record that it is in.

        A file with single records that cannot be read is in: they are reported once, and the same bytes and the same
        reader would say the same again. A file that is damaged, or could not be read to its end, is not in.
        """
        taken = Taken(file, "read")
        tally = _Tally(taken.gaps, self._watch)
        taken.added = self._importer.add(
            tally.good(read_file(file, as_of or datetime.now(UTC))),
            source=utf8(file.name),
            dated=as_of is not None,
            part_size=self._job.part_size,
        )
        if checksum is not None and as_of is not None and all(gap != Gap(str(file), gap.why) for gap in taken.gaps):
            self._lake.record_file(
                ImportedFile(
                    name=file.name,
                    size=checksum.size,
                    md5=checksum.md5,
                    as_of=as_of,
                    reader=READER,
                    records=taken.added.read,
                    deletions=tally.deletions,
                    unreadable=len(taken.gaps),
                    parts=taken.added.parts,
                    finished=datetime.now(UTC),
                )
            )
            taken.recorded = True
        return taken


@dataclass(slots=True)
class _Tally:
    """Counts what goes by, and keeps what could not be read."""

    gaps: list[Gap]
    watch: Callable[[int], None]
    deletions: int = 0

    def good(self, records: Iterator[Observed | Unreadable]) -> Iterator[Observed]:
        count = 0
        for record in records:
            count += 1
            if count % _PACE == 0:
                self.watch(_PACE)
            if isinstance(record, Unreadable):
                self.gaps.append(Gap(record.where, record.why))
                continue
            self.deletions += isinstance(record.record, Deletion)
            yield record
        self.watch(count % _PACE)

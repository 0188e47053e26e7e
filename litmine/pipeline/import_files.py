"""`import`: files to article parts, by one process or several, and the log of what could not be read.

One file at a time into a lake, beside other processes that may be at the same files.

A dated file, which bulk files are by their name and others by `--as-of`, is taken by one process, and once: the same
bytes say the same. An undated file is read every time, since it says what it says now: the version of a record that it
holds may have been current, been superseded, and come back.

Files shared out among processes of this machine, each of which takes one after another until none is left.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from litmine.errors import LakeLockedError, LitmineError, SourceError
from litmine.lake.article_writer import PART_SIZE, Added
from litmine.lake.file_writer import utf8
from litmine.lake.import_log import ImportedFile
from litmine.lake.lake import Lake
from litmine.lake.lock import exclusive
from litmine.lake.paths import Place
from litmine.lake.runs import Gap
from litmine.pipeline.run_log import log_run
from litmine.runtime.process_pool import ProcessPool
from litmine.sources.files import (
    READER_VERSION,
    Checksum,
    compute_checksum,
    estimate_release_time,
    find_files,
    read_declared_md5,
    read_file,
)
from litmine.types import Deletion, SourceRecord, UnreadableRecord

# Records between two calls of `watch`.
_PACE = 100


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What is asked of an import: `as_of` is None when files date themselves, or not at all."""

    lake: Place
    as_of: datetime | None
    part_size: int


@dataclass(slots=True)
class FileImport:
    """What became of a file, and what of it could not be read.

    read: as far as it could be; skipped: it was in already; refused: it is not what its `.md5` says; claimed: another
    process is at it.
    """

    file: Path
    became: Literal["read", "skipped", "refused", "claimed"]
    added: Added = field(default_factory=Added)
    gaps: list[Gap] = field(default_factory=list)
    recorded: bool = False


class FileImporter:
    """Takes one file after another as a job asks."""

    def __init__(self, job: ImportRequest, watch: Callable[[int], None]) -> None:
        """`watch` is told, now and then, how many records more have been read."""
        self._job = job
        self._lake = Lake(job.lake)
        self._importer = self._lake.importer()
        self._watch = watch

    def take(self, file: Path, wait: bool = False) -> FileImport:
        """Import a file; with `wait` one that another process is at is waited for, to be skipped or taken over.

        A file that is in is known by the `.md5` beside it, without being read: that it was damaged since goes unseen.
        Nothing of a file is imported before its bytes have been held against its `.md5`. Raises LakeError when the lake
        cannot be written, or is damaged.
        """
        as_of = self._job.as_of or estimate_release_time(file.name)
        try:
            declared = read_declared_md5(file)
            if declared is not None and as_of is not None and self._lake.is_imported(declared, as_of, READER_VERSION):
                return FileImport(file, "skipped")
            # What is no file, a pipe say, can be read only once.
            sum_ = compute_checksum(file, declared) if file.is_file() and (declared or as_of) else None
        except SourceError as error:
            return FileImport(file, "refused", gaps=[Gap(str(file), str(error))])
        if as_of is None or sum_ is None:
            return self._read(file, as_of)
        # Not by the whole sum, so that lock files stay few: at worst a file waits for another one.
        with suppress(LakeLockedError), exclusive(self._lake.place, f"file-{sum_.md5[:3]}", wait=wait):
            if self._lake.is_imported(sum_.md5, as_of, READER_VERSION):
                return FileImport(file, "skipped")
            return self._read(file, as_of, sum_)
        return FileImport(file, "claimed")

    def _read(self, file: Path, as_of: datetime | None, checksum: Checksum | None = None) -> FileImport:
        """Read the file into the lake and, when it has a `checksum`, record that it is in.

        A file with single records that cannot be read is in: they are reported once, and the same bytes and the same
        reader would say the same again. A file that is damaged, or could not be read to its end, is not in.
        """
        taken = FileImport(file, "read")
        tally = _RecordCounter(taken.gaps, self._watch)
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
                    reader=READER_VERSION,
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
class _RecordCounter:
    """Counts what goes by, and keeps what could not be read."""

    gaps: list[Gap]
    watch: Callable[[int], None]
    deletions: int = 0

    def good(self, records: Iterator[SourceRecord | UnreadableRecord]) -> Iterator[SourceRecord]:
        count = 0
        for record in records:
            count += 1
            if count % _PACE == 0:
                self.watch(_PACE)
            if isinstance(record, UnreadableRecord):
                self.gaps.append(Gap(record.where, record.why))
                continue
            self.deletions += isinstance(record.record, Deletion)
            yield record
        self.watch(count % _PACE)


def take_spread(
    job: ImportRequest, files: Sequence[Path], workers: int, watch: Callable[[int], None]
) -> Generator[FileImport]:
    """Take the files, in their order, on several processes; one that another command is at is come back to at the end.

    `watch` is told how many records more have been read. Raises LitmineError when a process dies, and what ends one.
    """
    waiting = deque((file, False) for file in files)
    remedy = "run the command again, with fewer --workers if memory is short"
    with ProcessPool(min(workers, len(files)), _work, [job], "one of the import's processes", remedy) as crew:
        idle, busy = crew.hands, list[Connection]()
        while waiting or busy:
            while waiting and idle:
                busy.append(idle.pop())
                crew.give(busy[-1], *waiting.popleft())
            for hand, said in crew.hear(busy):
                if isinstance(said, int):
                    watch(said)
                    continue
                busy.remove(hand)
                idle.append(hand)
                if said.became == "claimed":
                    waiting.append((said.file, True))
                else:
                    yield said


def _work(job: ImportRequest, parent: Connection) -> None:
    """What a process does, until its parent is gone or ends it."""
    with suppress(EOFError, BrokenPipeError):
        taker = FileImporter(job, parent.send)
        while True:
            file, patiently = parent.recv()
            try:
                parent.send(taker.take(file, patiently))
            except LitmineError as error:
                parent.send(error)


@dataclass(slots=True)
class ImportResult:
    """What became of the files: counts that add up, and what could not be read.

    files: those that were read, as far as they could be; skipped: those that were in already; refused: those that are
    not what their `.md5` says. `added` is of the files that were read; `new_gaps` are those that no run reported yet.
    """

    files: int = 0
    skipped: int = 0
    refused: int = 0
    recorded: int = 0
    added: Added = field(default_factory=Added)
    gaps: list[Gap] = field(default_factory=list)
    new_gaps: list[Gap] = field(default_factory=list)

    def add(self, taken: FileImport) -> None:
        self.files += taken.became == "read"
        self.skipped += taken.became == "skipped"
        self.refused += taken.became == "refused"
        self.recorded += taken.recorded
        self.added += taken.added
        self.gaps += taken.gaps

    @property
    def news(self) -> bool:
        """Whether the lake says something now that it did not say before."""
        return bool(self.added.new or self.added.revised or self.added.deletions)

    def account(self) -> list[str]:
        """What became of the files, in sentences."""
        added, said = self.added, []
        if self.files or not self.skipped:
            said.append(
                f"{added.read:,} records read from {_files(self.files)}: {added.new:,} new, {added.revised:,} revised,"
                f" {added.deletions:,} deletions, {added.repeated:,} seen again, {added.unchanged:,} unchanged,"
                f" {added.superseded:,} superseded in their file; {added.texts:,} new texts"
            )
        if self.skipped:
            said.append(f"{_files(self.skipped)} already imported, skipped")
        if added.mended:
            said.append(f"{added.mended:,} lone surrogates became U+FFFD")
        for gap in dict.fromkeys(self.gaps):
            known = "" if gap in self.new_gaps else " (as an earlier import said)"
            said.append(f"could not be read{known}: {gap}")
        return said

    def counts(self) -> dict[str, int]:
        """The figures of the log."""
        added = self.added
        return {
            "files": self.files,
            "skipped": self.skipped,
            "refused": self.refused,
            "read": added.read,
            "new": added.new,
            "revised": added.revised,
            "repeated": added.repeated,
            "deletions": added.deletions,
            "unchanged": added.unchanged,
            "superseded": added.superseded,
            "mended": added.mended,
            "texts": added.texts,
            "parts": len(added.parts),
        }


def ingest(
    lake: Place,
    paths: Sequence[Path],
    as_of: datetime | None = None,
    part_size: int = PART_SIZE,
    watch: Callable[[int], None] | None = None,
    workers: int = 1,
) -> ImportResult:
    """Import files and folders of files into the lake at `lake`, which is made if need be.

    A record is dated by `as_of` if given, else by its file's release if the name tells it, else by the time of the
    import. `watch` is told how many records have been read. Other commands may import at the same time, the same files
    too. Raises SourceError for a path that does not exist, LakeError when the lake cannot be written, LitmineError when
    one of several `workers` dies; what was finished stays.
    """
    files = find_files(paths)
    opened = Lake.create(lake)
    job = ImportRequest(opened.place, as_of, part_size)
    result = ImportResult()
    progress = _Progress(watch)
    asked = {"paths": " ".join(map(str, paths)), "as_of": str(as_of or ""), "workers": str(workers)}
    with log_run(opened, "import", **asked) as entry:
        entry.gaps, entry.known_gaps = result.gaps, frozenset(opened.known_gaps())
        with closing(_taken(job, files, workers, progress.more)) as taken:
            for one in taken:
                result.add(one)
                entry.counts = result.counts()
        result.new_gaps = entry.new_gaps
        entry.written = bool(result.added.parts or result.recorded or result.new_gaps)
    return result


def _taken(
    job: ImportRequest, files: Sequence[Path], workers: int, watch: Callable[[int], None]
) -> Generator[FileImport]:
    if workers == 1:
        return _take_here(job, files, watch)
    # One process needs none of multiprocessing.

    return take_spread(job, files, workers, watch)


def _take_here(job: ImportRequest, files: Sequence[Path], watch: Callable[[int], None]) -> Generator[FileImport]:
    """Take the files in their order, in this process; one that another command is at is come back to at the end."""
    waiting = deque((file, False) for file in files)
    taker = FileImporter(job, watch)
    while waiting:
        taken = taker.take(*waiting.popleft())
        if taken.became == "claimed":
            waiting.append((taken.file, True))
        else:
            yield taken


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"


class _Progress:
    """Sums up what several files tell."""

    def __init__(self, watch: Callable[[int], None] | None) -> None:
        self._watch = watch
        self._count = 0

    def more(self, records: int) -> None:
        self._count += records
        if self._watch is not None:
            self._watch(self._count)

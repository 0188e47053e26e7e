"""`import`: read local files into article parts, in one process or several, and report what could not be read.

Several commands may import the same files at the same time. A bulk file has its date in its name, and
`--as-of` dates other files. One process imports a dated file, and only once, because equal bytes give equal records. An
undated file is read every time: its content counts as current, so an earlier version of a record may become the current
one again.
"""

import gc
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from litmine.errors import LakeLockedError, LitmineError, SourceError
from litmine.lake.article_writer import PART_SIZE
from litmine.lake.file_writer import escape_surrogates
from litmine.lake.import_log import ImportedFile
from litmine.lake.lake import Lake
from litmine.lake.lock import hold_lock
from litmine.lake.paths import LakePath
from litmine.lake.runs import Gap
from litmine.pipeline.import_result import FileImportResult, ImportResult
from litmine.pipeline.import_trials import import_trials
from litmine.pipeline.run_log import log_run
from litmine.pipeline.settle_gaps import gaps_with_records
from litmine.runtime.process_pool import ProcessPool
from litmine.sources.files import (
    Checksum,
    compute_checksum,
    estimate_release_time,
    find_files,
    find_unread,
    read_declared_md5,
    read_file,
    read_study_file,
)
from litmine.types import READER_VERSION, Deletion, RegisteredTrial, SourceNote, SourceRecord, UnreadableRecord

# The number of records between two calls of `on_records`.
_REPORT_INTERVAL = 100
# New objects between two searches for garbage in cycles. A record is about a hundred objects without cycles, and with
# Python's usual 700 the searches visit those that wait for their part again and again.
_COLLECTION_INTERVAL = 20_000


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """Settings of an import; `as_of` None: each file has the date in its name, or the time of the import."""

    lake: LakePath
    as_of: datetime | None
    part_size: int


def import_files(
    lake: LakePath,
    paths: Sequence[Path],
    as_of: datetime | None = None,
    part_size: int = PART_SIZE,
    on_progress: Callable[[int], None] | None = None,
    workers: int = 1,
) -> ImportResult:
    """Import files and folders of files into the lake at `lake`, which is created if it does not exist.

    Records are dated by `as_of` if it is set, else by the release date in the file's name, else by the time of the
    import. `on_progress` receives the number of records read so far. Other commands may import at the same time, even
    the same files. Raises SourceError for a path that does not exist, LakeError when the lake cannot be written,
    LitmineError when one of several `workers` dies; finished files are kept.
    """
    files = find_files(paths)
    opened = Lake.create(lake)
    settings = ImportSettings(opened.location, as_of, part_size)
    result = ImportResult()
    records = 0

    def on_records(count: int) -> None:
        nonlocal records
        records += count
        if on_progress is not None:
            on_progress(records)

    parameters = {"paths": " ".join(map(str, paths)), "as_of": str(as_of or ""), "workers": str(workers)}
    with log_run(opened, "import", **parameters) as entry:
        entry.gaps, entry.settled = result.gaps, result.settled
        result.gaps += [Gap(found.where, found.why) for found in find_unread(paths)]
        open_gaps = opened.source_gaps("import")
        entry.known_gaps = frozenset(open_gaps)
        with closing(_import_each(settings, files, workers, on_records)) as file_results:
            for file_result in file_results:
                result.add(file_result)
                result.settled += file_result.gaps_read(open_gaps)
                entry.counts = result.counts()
        if result.changed:
            result.settled += gaps_with_records(opened, opened.source_gaps("fetch"))
        result.new_gaps = entry.new_gaps
        added = result.added.parts or result.trials.files
        entry.written = bool(added or result.recorded or result.new_gaps or result.settled)
    return result


def empty_folders(paths: Sequence[Path]) -> list[Path]:
    """Those of the paths that are folders without a file to import.

    Raises SourceError when no path has a file to import, or when one does not exist.
    """
    empty = [path for path in paths if path.is_dir() and not find_files([path])]
    if not find_files(paths):
        names = " and ".join(str(path) for path in dict.fromkeys(paths))
        raise SourceError(
            f"no file to import in {names} (hidden files and .md5 files do not count);"
            " give files, or folders with files"
        )
    return empty


def _import_each(
    settings: ImportSettings, files: Sequence[Path], workers: int, on_records: Callable[[int], None]
) -> Generator[FileImportResult]:
    if workers == 1:
        return _import_in_this_process(settings, files, on_records)
    return import_in_processes(settings, files, workers, on_records)


def _import_in_this_process(
    settings: ImportSettings, files: Sequence[Path], on_records: Callable[[int], None]
) -> Generator[FileImportResult]:
    """Import the files in order; files that another command is importing come last."""
    queue = deque((file, False) for file in files)
    importer = FileImporter(settings, on_records)
    while queue:
        result = importer.import_file(*queue.popleft())
        if result.status == "claimed":
            queue.append((result.file, True))
        else:
            yield result


def import_in_processes(
    settings: ImportSettings, files: Sequence[Path], workers: int, on_records: Callable[[int], None]
) -> Generator[FileImportResult]:
    """Import the files in several processes of this machine; files that another command is importing come last.

    `on_records` receives the number of records read since its last call. Raises LitmineError when a process dies, and
    the error that ends a process.
    """
    queue = deque((file, False) for file in files)
    remedy = "run the command again, with fewer --workers if memory is short"
    name = "one of the import's processes"
    with ProcessPool(min(workers, len(files)), _serve_imports, [settings], name, remedy) as pool:
        idle, busy = pool.connections, list[Connection]()
        while queue or busy:
            while queue and idle:
                busy.append(idle.pop())
                pool.send(busy[-1], *queue.popleft())
            for connection, message in pool.receive(busy):
                if isinstance(message, int):
                    on_records(message)
                    continue
                busy.remove(connection)
                idle.append(connection)
                if message.status == "claimed":
                    queue.append((message.file, True))
                else:
                    yield message


def _serve_imports(settings: ImportSettings, parent: Connection) -> None:
    """Run in a process of the pool: import the files that the parent sends until the parent ends the process."""
    with suppress(EOFError, BrokenPipeError):
        importer = FileImporter(settings, parent.send)
        while True:
            file, wait = parent.recv()
            try:
                parent.send(importer.import_file(file, wait))
            except LitmineError as error:
                parent.send(error)


class FileImporter:
    """Imports single files into one lake."""

    def __init__(self, settings: ImportSettings, on_records: Callable[[int], None]) -> None:
        """`on_records` receives the number of records read since its last call."""
        self._settings = settings
        self._lake = Lake(settings.lake)
        self._writer = self._lake.article_writer()
        self._on_records = on_records

    def import_file(self, file: Path, wait: bool = False) -> FileImportResult:
        """Import a file, unless it was imported before; with `wait`, wait while another process is importing it.

        A file with an `.md5` beside it is recognised by its `.md5` alone and not read again, so damage since its import
        goes unnoticed. Nothing is imported before the file's bytes match its `.md5`. Raises LakeError when the lake is
        damaged or cannot be written.
        """
        as_of = self._settings.as_of or estimate_release_time(file.name)
        try:
            declared = read_declared_md5(file)
            if declared is not None and as_of is not None and self._lake.is_imported(declared, as_of, READER_VERSION):
                return FileImportResult(file, "skipped")
            # A pipe can be read only once, so it gets no checksum.
            checksum = compute_checksum(file, declared) if file.is_file() and (declared or as_of) else None
        except SourceError as error:
            return FileImportResult(file, "refused", gaps=[Gap(str(file), str(error))])
        if as_of is None or checksum is None:
            return self._read(file, as_of)
        # The lock's name has only the start of the checksum, to limit the number of lock files. Files may share a lock.
        with suppress(LakeLockedError), hold_lock(self._lake.location, f"file-{checksum.md5[:3]}", wait=wait):
            if self._lake.is_imported(checksum.md5, as_of, READER_VERSION):
                return FileImportResult(file, "skipped")
            return self._read(file, as_of, checksum)
        return FileImportResult(file, "claimed")

    def _read(self, file: Path, as_of: datetime | None, checksum: Checksum | None = None) -> FileImportResult:
        """Read the file into the lake and, with a `checksum`, record that it was imported.

        A file is recorded even if some of its records are unreadable: they are reported once, and the same version of
        the file reader would find the same again. A file that is damaged, or was not read to its end, is not recorded.
        """
        result = FileImportResult(file, "read")
        if (studies := read_study_file(file)) is not None:
            return self._add_studies(result, studies, as_of)
        counter = _RecordCounter(result.gaps, result.notes, self._on_records)
        with _rare_collections():
            result.added = self._writer.add(
                counter.readable(read_file(file, as_of or datetime.now(UTC))),
                source=escape_surrogates(file.name),
                dated=as_of is not None,
                part_size=self._settings.part_size,
            )
        if (
            checksum is not None
            and as_of is not None
            and all(gap.where != escape_surrogates(str(file)) for gap in result.gaps)
        ):
            self._lake.record_imported_file(
                ImportedFile(
                    name=file.name,
                    size=checksum.size,
                    md5=checksum.md5,
                    as_of=as_of,
                    reader=READER_VERSION,
                    records=result.added.read,
                    deletions=counter.deletions,
                    unreadable=len(result.gaps),
                    parts=result.added.parts,
                    finished=datetime.now(UTC),
                )
            )
            result.recorded = True
        return result

    def _add_studies(
        self, result: FileImportResult, read: Sequence[RegisteredTrial | UnreadableRecord], as_of: datetime | None
    ) -> FileImportResult:
        """Write registrations of trials. The table knows a file by its content, so no log has it."""
        trials = [one for one in read if isinstance(one, RegisteredTrial)]
        result.gaps += [Gap(one.where, one.why) for one in read if isinstance(one, UnreadableRecord)]
        self._on_records(len(trials))
        date = as_of or datetime.now(UTC)
        result.trials = import_trials(self._lake, trials, result.file.name, date, as_of is not None)
        return result


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let Python search for garbage in cycles less often."""
    first, *others = gc.get_threshold()
    # 0: a caller has switched it off.
    gc.set_threshold(first and max(first, _COLLECTION_INTERVAL), *others)
    try:
        yield
    finally:
        gc.set_threshold(first, *others)


@dataclass(slots=True)
class _RecordCounter:
    """Counts records and deletions, and collects gaps for unreadable records, and notes."""

    gaps: list[Gap]
    notes: list[SourceNote]
    on_records: Callable[[int], None]
    deletions: int = 0

    def readable(self, records: Iterator[SourceRecord | UnreadableRecord | SourceNote]) -> Iterator[SourceRecord]:
        """Yield the readable records."""
        count = 0
        for record in records:
            if isinstance(record, SourceNote):
                self.notes.append(record)
                continue
            count += 1
            if count % _REPORT_INTERVAL == 0:
                self.on_records(_REPORT_INTERVAL)
            if isinstance(record, UnreadableRecord):
                self.gaps.append(Gap(record.where, record.why))
                continue
            self.deletions += isinstance(record.record, Deletion)
            yield record
        self.on_records(count % _REPORT_INTERVAL)

"""`import`: files to article parts, by one process or several, and the log of what could not be read."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from litmine.lake.add import PART_SIZE, Added
from litmine.lake.lake import Lake
from litmine.lake.place import Place
from litmine.lake.runs import Gap
from litmine.sources.files import find_files
from litmine.work.journal import journal
from litmine.work.take import Job, Taken, Taker


@dataclass(slots=True)
class Imported:
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

    def add(self, taken: Taken) -> None:
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
) -> Imported:
    """Import files and folders of files into the lake at `lake`, which is made if need be.

    A record is dated by `as_of` if given, else by its file's release if the name tells it, else by the time of the
    import. `watch` is told how many records have been read. Other commands may import at the same time, the same files
    too. Raises SourceError for a path that does not exist, LakeError when the lake cannot be written, LitmineError when
    one of several `workers` dies; what was finished stays.
    """
    files = find_files(paths)
    opened = Lake.create(lake)
    job = Job(opened.place, as_of, part_size)
    result = Imported()
    progress = _Progress(watch)
    asked = {"paths": " ".join(map(str, paths)), "as_of": str(as_of or ""), "workers": str(workers)}
    with journal(opened, "import", **asked) as entry:
        entry.gaps, entry.known_gaps = result.gaps, frozenset(opened.known_gaps())
        with closing(_taken(job, files, workers, progress.more)) as taken:
            for one in taken:
                result.add(one)
                entry.counts = result.counts()
        result.new_gaps = entry.new_gaps
        entry.written = bool(result.added.parts or result.recorded or result.new_gaps)
    return result


def _taken(job: Job, files: Sequence[Path], workers: int, watch: Callable[[int], None]) -> Generator[Taken]:
    if workers == 1:
        return _take_here(job, files, watch)
    # One process needs none of multiprocessing.
    from litmine.work.spread import take_spread

    return take_spread(job, files, workers, watch)


def _take_here(job: Job, files: Sequence[Path], watch: Callable[[int], None]) -> Generator[Taken]:
    """Take the files in their order, in this process; one that another command is at is come back to at the end."""
    waiting = deque((file, False) for file in files)
    taker = Taker(job, watch)
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

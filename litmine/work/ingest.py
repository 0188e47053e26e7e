"""`import`: files to article parts, and the log of what could not be read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from litmine.lake.add import PART_SIZE, Added
from litmine.lake.lake import Lake
from litmine.lake.runs import Gap, Run, new_run_id
from litmine.sources.files import find_files, read_file
from litmine.sources.released import released
from litmine.types import Observed, Unreadable
from litmine.work.versions import versions


@dataclass(slots=True)
class Imported:
    """What became of the files: counts that add up, and what could not be read."""

    files: int = 0
    added: Added = field(default_factory=Added)
    gaps: list[Gap] = field(default_factory=list)


def ingest(
    lake: Path,
    paths: Sequence[Path],
    as_of: datetime | None = None,
    part_size: int = PART_SIZE,
    watch: Callable[[int], None] | None = None,
) -> Imported:
    """Import files and folders of files into the lake at `lake`, which is made if need be.

    A record is dated by `as_of` if given, else by its file's release if the name tells it, else by the time of the
    import. `watch` is told how many records have been read. Raises SourceError for a path that does not exist,
    LakeError when the lake cannot be written, LakeLockedError when another import is at it; what was finished stays.
    """
    files = find_files(paths)
    opened = Lake.create(lake)
    result = Imported()
    with opened.importing() as importer:
        started = datetime.now(UTC)
        outcome = "failed"
        try:
            for file in files:
                dated = as_of or released(file.name)
                records = _good(read_file(file, dated or datetime.now(UTC)), result.gaps, watch, result.added.read)
                result.added += importer.add(records, source=file.name, dated=dated is not None, part_size=part_size)
                result.files += 1
            outcome = "gaps" if result.gaps else "done"
        except KeyboardInterrupt:
            outcome = "interrupted"
            raise
        finally:
            if result.added.parts or outcome != "done":
                _log(opened, started, outcome, result, paths)
    return result


def _good(
    records: Iterator[Observed | Unreadable], gaps: list[Gap], watch: Callable[[int], None] | None, before: int
) -> Iterator[Observed]:
    for count, record in enumerate(records, before + 1):
        if isinstance(record, Unreadable):
            gaps.append(Gap(record.where, record.why))
        else:
            yield record
        if watch is not None:
            watch(count)


def _log(lake: Lake, started: datetime, outcome: str, result: Imported, paths: Sequence[Path]) -> None:
    added = result.added
    run = Run(
        run_id=new_run_id(started),
        command="import",
        started=started,
        finished=datetime.now(UTC),
        outcome=outcome,
        versions=versions(),
        parameters={"paths": " ".join(map(str, paths))},
        counts={
            "files": result.files,
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
        },
        gaps=result.gaps,
    )
    lake.record_run(run)

"""`compact`: merge small files into large ones, so that a lake that grows every night stays fast."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from litmine.errors import LakeError
from litmine.lake.articles import list_parts, read_part_summary
from litmine.lake.compaction import (
    Merge,
    delete_replaced_files,
    group_small_files,
    restore_merge_notes,
    run_merge,
    write_merge_notes,
)
from litmine.lake.duckdb_errors import verify_parquet
from litmine.lake.file_writer import file_age
from litmine.lake.folders import glob_files
from litmine.lake.lake import Lake
from litmine.lake.lake_cache import delete_old_cache
from litmine.lake.listing import live_files, model_folders
from litmine.lake.lock import hold_lock
from litmine.lake.parquet import read_schema_and_row_count
from litmine.lake.paths import LOG_TABLES, PAIR_TASKS, LakePath, relative_path
from litmine.lake.runs import Gap
from litmine.lake.targets import TargetSet
from litmine.lake.views import write_catalogue
from litmine.pipeline.count_format import format_count
from litmine.pipeline.run_log import log_run
from litmine.specs import ARTICLES

PART_ROWS = 10_000
GRACE = timedelta(hours=6)
# A hundred years. Longer times do not fit into a date.
MAX_GRACE_HOURS = 876_000


@dataclass(slots=True)
class CompactionResult:
    """Counts and gaps of a compaction, or of what it would do.

    parts, parts_made: article parts merged, and the larger parts made from them.
    logs, logs_made: the same for files of the log and of answers.
    deleted, freed: replaced files deleted, and their bytes.
    waiting: replaced files whose grace period is not over.
    gaps, new_gaps: files that could not be read, and which of them no earlier run reported.
    unread_parts: article parts left alone, because one of `busy_models` has not read them and may be running.
    """

    parts: int = 0
    parts_made: int = 0
    logs: int = 0
    logs_made: int = 0
    deleted: int = 0
    freed: int = 0
    waiting: int = 0
    gaps: list[Gap] = field(default_factory=list)
    new_gaps: list[Gap] = field(default_factory=list)
    unread_parts: int = 0
    busy_models: list[str] = field(default_factory=list)

    def add(self, merge: Merge) -> None:
        if merge.folder == ARTICLES:
            self.parts += len(merge.names)
            self.parts_made += 1
        else:
            self.logs += len(merge.names)
            self.logs_made += 1

    def summary_lines(self, dry_run: bool = False) -> list[str]:
        """Messages for the user: what was done, or would be with a dry run; what is left for later; and gaps."""
        would_be = "would be " if dry_run else ""
        lines = []
        if self.parts:
            lines.append(f"{format_count(self.parts, 'article parts')} {would_be}merged into {self.parts_made:,}")
        if self.logs:
            lines.append(f"{format_count(self.logs, 'log and answer files')} {would_be}merged into {self.logs_made:,}")
        if self.deleted:
            files = format_count(self.deleted, "replaced files")
            lines.append(f"{files} {would_be}deleted ({self.freed / 1e6:,.1f} MB)")
        if self.waiting:
            files = format_count(self.waiting, "replaced files")
            lines.append(f"{files} kept for now; run `litmine compact` again after the grace period")
        if self.unread_parts:
            parts = format_count(self.unread_parts, "article parts")
            lines.append(
                f"waiting for {', '.join(self.busy_models)} to read {parts}; run `litmine compact` again afterwards"
            )
        if not lines:
            lines.append("nothing to do: the lake has no small files to merge")
        for gap in self.gaps:
            reported = "" if dry_run or gap in self.new_gaps else " (reported before)"
            lines.append(f"could not be read{reported}: {gap.where}: {gap.why}")
        return lines

    def counts(self) -> dict[str, int]:
        """The counts that the log records."""
        names = ("parts", "parts_made", "logs", "logs_made", "deleted", "freed", "waiting")
        return {name: getattr(self, name) for name in names}


def compact(
    lake: Lake, part_rows: int = PART_ROWS, grace: timedelta = GRACE, dry_run: bool = False
) -> CompactionResult:
    """Merge small files, and delete files that were replaced longer than `grace` ago. The views' rows do not change.

    It merges article parts that have exactly the same target sets. A part waits while a model that wrote a target
    within `grace`, and so may be running, has not read it. Other commands may run at the same time, if none takes
    longer than `grace`.

    Raises LakeLockedError while another compaction runs, and LakeError when the lake cannot be written. Finished merges
    stay.
    """
    result = CompactionResult()
    with hold_lock(lake.location, "compact"):
        if dry_run:
            result.deleted, result.freed, result.waiting = delete_replaced_files(lake.location, grace, dry_run=True)
            for merge in _plan_merges(lake, part_rows, grace, result):
                result.add(merge)
            return result
        # An older lake may lack the table of replaced files, or have a catalogue that does not know it.
        lake.create_missing_tables()
        write_catalogue(lake.location)
        delete_old_cache(lake.location)
        with log_run(lake, "compact", part_rows=str(part_rows), grace=str(grace)) as entry:
            entry.gaps, entry.known_gaps = result.gaps, frozenset(lake.known_gaps())
            restore_merge_notes(lake.location)
            result.deleted, result.freed, result.waiting = delete_replaced_files(lake.location, grace)
            entry.counts = result.counts()
            merges = list(_plan_merges(lake, part_rows, grace, result))
            write_merge_notes(lake.location, merges)
            for merge in merges:
                if merged := _merge_readable(lake.location, merge, result.gaps):
                    result.add(merged)
                    result.waiting += len(merged.names)
                entry.counts = result.counts()
            result.new_gaps = entry.new_gaps
            entry.written = bool(result.parts or result.logs or result.deleted or result.new_gaps)
    return result


def _plan_merges(lake: Lake, part_rows: int, grace: timedelta, result: CompactionResult) -> Iterator[Merge]:
    """The merges to do. Adds files that cannot be read, and parts that wait for a model, to `result`."""
    finished = {targets: targets.finished_parts(lake.location) for targets in lake.target_sets()}
    busy = {targets for targets in finished if _may_be_running(lake.location, targets, grace)}
    rows_by_targets: dict[frozenset[TargetSet], dict[str, int]] = {}
    waiting_for: set[TargetSet] = set()
    for path in list_parts(lake.location):
        read_by = frozenset(targets for targets, names in finished.items() if path.stem in names)
        if unread_by := busy - read_by:
            result.unread_parts += 1
            waiting_for |= unread_by
            continue
        try:
            rows_by_targets.setdefault(read_by, {})[path.stem] = read_part_summary(path).rows
        except LakeError as error:
            result.gaps.append(Gap(f"{ARTICLES}/{path.name}", str(error)))
    result.busy_models = sorted({targets.model for targets in waiting_for})
    for read_by, rows in rows_by_targets.items():
        for names in group_small_files(rows, part_rows):
            yield Merge(ARTICLES, tuple(names), tuple(sorted(read_by)))
    answer_folders = [folder for table in PAIR_TASKS for folder in model_folders(lake.location, table)]
    for folder in [*LOG_TABLES, *answer_folders]:
        for names in group_small_files(_row_counts(lake.location, folder, result.gaps), part_rows):
            yield Merge(folder, tuple(names))


def _row_counts(lake: LakePath, folder: str, gaps: list[Gap]) -> dict[str, int]:
    """The number of rows of each file in a folder, by name. Files that cannot be read are added to `gaps`."""
    rows = {}
    for name, path in live_files(lake, folder).items():
        try:
            _, rows[name] = read_schema_and_row_count(path)
        except LakeError as error:
            gaps.append(Gap(f"{folder}/{path.name}", str(error)))
    return rows


def _may_be_running(lake: LakePath, targets: TargetSet, grace: timedelta) -> bool:
    """Whether the model wrote within `grace`: if its run continues, its work on a part that is merged now is lost."""
    return any(file_age(path) < grace.total_seconds() for path in glob_files(targets.folder(lake), "*.parquet"))


def _merge_readable(lake: LakePath, merge: Merge, gaps: list[Gap]) -> Merge | None:
    """Merge the files that are not damaged. Returns what was merged; damaged files are added to `gaps`."""
    try:
        run_merge(lake, merge)
    except LakeError:
        readable = tuple(name for name in merge.names if _is_readable(lake, merge, name, gaps))
        if len(readable) == len(merge.names):
            raise
        if len(readable) < 2:
            return None
        merge = Merge(merge.folder, readable, merge.targets)
        write_merge_notes(lake, [merge])
        run_merge(lake, merge)
    return merge


def _is_readable(lake: LakePath, merge: Merge, name: str, gaps: list[Gap]) -> bool:
    files = [lake / merge.folder / f"{name}.parquet", *(targets.target_path(lake, name) for targets in merge.targets)]
    for path in files:
        try:
            verify_parquet(path)
        except LakeError as error:
            gaps.append(Gap(relative_path(lake, path), str(error)))
            return False
    return True

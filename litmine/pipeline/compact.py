"""`compact`: small files merged into large ones, so that a lake that grows every night stays quick; see docs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from litmine.errors import LakeError
from litmine.lake.articles import part_summary, parts
from litmine.lake.compaction import Merge, carry_out, groups, note, note_again, sweep
from litmine.lake.duckdb_errors import verify
from litmine.lake.file_writer import age
from litmine.lake.lake import Lake
from litmine.lake.listing import live, model_folders
from litmine.lake.lock import exclusive
from litmine.lake.parquet import shape
from litmine.lake.paths import LOGS, PAIR_TASKS, Place, within
from litmine.lake.runs import Gap
from litmine.lake.targets import TargetSet
from litmine.lake.views import write_catalogue
from litmine.pipeline.run_log import log_run
from litmine.specs import ARTICLES

PART_ROWS = 10_000
GRACE = timedelta(hours=6)


@dataclass(slots=True)
class CompactionResult:
    """What was done, or with a dry run would be: files merged, the files that they became, and replaced ones deleted.

    `waiting` counts replaced files whose grace is not over; `freed` is in bytes. `new_gaps` are the files that could
    not be read, and that no earlier run reported.
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

    def add(self, merge: Merge) -> None:
        if merge.folder == ARTICLES:
            self.parts += len(merge.names)
            self.parts_made += 1
        else:
            self.logs += len(merge.names)
            self.logs_made += 1

    def account(self, dry_run: bool = False) -> list[str]:
        """What was done, or with a dry run would be, in sentences."""
        would, were = ("would become", "would be") if dry_run else ("became", "were")
        said = []
        if self.parts:
            said.append(f"{self.parts:,} article parts {would} {self.parts_made:,}")
        if self.logs:
            said.append(f"{self.logs:,} small files of the log and of answers {would} {self.logs_made:,}")
        if self.deleted:
            said.append(f"{self.deleted:,} replaced files {were} deleted: {self.freed / 1e6:,.1f} MB")
        if self.waiting:
            said.append(f"{self.waiting:,} replaced files wait for their grace; a later compact deletes them")
        if not said:
            said.append("nothing to do: the lake has no small files to merge")
        for gap in self.gaps:
            known = "" if dry_run or gap in self.new_gaps else " (as an earlier run said)"
            said.append(f"could not be read{known}: {gap.where}: {gap.why}")
        return said

    def counts(self) -> dict[str, int]:
        """The figures of the log."""
        names = ("parts", "parts_made", "logs", "logs_made", "deleted", "freed", "waiting")
        return {name: getattr(self, name) for name in names}


def compact(
    lake: Lake, part_rows: int = PART_ROWS, grace: timedelta = GRACE, dry_run: bool = False
) -> CompactionResult:
    """Merge small files, and delete those that were replaced longer ago than `grace`; no view's rows change by it.

    Article parts are merged with others that exactly the same targets have been made of. A part that a model at work
    (one that wrote within the grace) has yet to read waits for it. Other commands may run meanwhile, as long as none
    takes longer than `grace`. Raises LakeLockedError while another compaction runs, LakeError when the lake cannot be
    written; what was finished stays.
    """
    result = CompactionResult()
    with exclusive(lake.place, "compact"):
        if dry_run:
            result.deleted, result.freed, result.waiting = sweep(lake.place, grace, dry_run=True)
            for merge in _plan(lake, part_rows, grace, result.gaps):
                result.add(merge)
            return result
        # A lake, or its catalogue, may be older than merging.
        lake.make_tables()
        write_catalogue(lake.place)
        with log_run(lake, "compact", part_rows=str(part_rows), grace=str(grace)) as entry:
            entry.gaps, entry.known_gaps = result.gaps, frozenset(lake.known_gaps())
            note_again(lake.place)
            result.deleted, result.freed, result.waiting = sweep(lake.place, grace)
            entry.counts = result.counts()
            merges = list(_plan(lake, part_rows, grace, result.gaps))
            note(lake.place, merges)
            for merge in merges:
                if done := _merged(lake.place, merge, result.gaps):
                    result.add(done)
                    result.waiting += len(done.names)
                entry.counts = result.counts()
            result.new_gaps = entry.new_gaps
            entry.written = bool(result.parts or result.logs or result.deleted or result.new_gaps)
    return result


def _plan(lake: Lake, part_rows: int, grace: timedelta, gaps: list[Gap]) -> Iterator[Merge]:
    """What to merge; what cannot be read is a gap, and left alone."""
    done = {targets: targets.done(lake.place) for targets in lake.target_sets()}
    at_work = {targets for targets in done if _is_at_work(lake.place, targets, grace)}
    alike: dict[frozenset[TargetSet], dict[str, int]] = {}
    for path in parts(lake.place):
        made = frozenset(targets for targets, names in done.items() if path.stem in names)
        if at_work <= made:
            try:
                alike.setdefault(made, {})[path.stem] = part_summary(path).rows
            except LakeError as error:
                gaps.append(Gap(f"{ARTICLES}/{path.name}", str(error)))
    for made, rows in alike.items():
        for names in groups(rows, part_rows):
            yield Merge(ARTICLES, tuple(names), tuple(sorted(made)))
    slices = [folder for table in PAIR_TASKS for folder in model_folders(lake.place, table)]
    for folder in [*LOGS, *slices]:
        for names in groups(_rows(lake.place, folder, gaps), part_rows):
            yield Merge(folder, tuple(names))


def _rows(lake: Place, folder: str, gaps: list[Gap]) -> dict[str, int]:
    rows = {}
    for name, path in live(lake, folder).items():
        try:
            _, rows[name] = shape(path)
        except LakeError as error:
            gaps.append(Gap(f"{folder}/{path.name}", str(error)))
    return rows


def _is_at_work(lake: Place, targets: TargetSet, grace: timedelta) -> bool:
    """Whether the model may be reading parts right now: what it makes of one that is merged meanwhile is lost."""
    return any(age(path) < grace.total_seconds() for path in targets.folder(lake).glob("*.parquet"))


def _merged(lake: Place, merge: Merge, gaps: list[Gap]) -> Merge | None:
    """Carry out a merge without the files that are damaged, which are gaps; returns what was merged."""
    try:
        carry_out(lake, merge)
    except LakeError:
        sound = tuple(name for name in merge.names if _is_sound(lake, merge, name, gaps))
        if len(sound) == len(merge.names):
            raise
        if len(sound) < 2:
            return None
        merge = Merge(merge.folder, sound, merge.targets)
        note(lake, [merge])
        carry_out(lake, merge)
    return merge


def _is_sound(lake: Place, merge: Merge, name: str, gaps: list[Gap]) -> bool:
    files = [lake / merge.folder / f"{name}.parquet", *(targets.target(lake, name) for targets in merge.targets)]
    for path in files:
        try:
            verify(path)
        except LakeError as error:
            gaps.append(Gap(within(lake, path), str(error)))
            return False
    return True

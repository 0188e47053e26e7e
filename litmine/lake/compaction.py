"""Files merged into one that replaces them, and replaced files deleted; whenever the process dies, no row changes.

A merge of article parts first makes the merged part's targets, and then the part, which is the commit.

Which small files are merged together, so that few are left and each row is rewritten a few times only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import Any
from uuid import uuid4

import pyarrow as pa

from litmine.errors import LakeError
from litmine.lake.file_writer import age, remove, write_bytes
from litmine.lake.listing import files, live, model_folders, notes
from litmine.lake.parquet import EMPTY, encode, read_footer, stream, write_stream
from litmine.lake.paths import LOGS, PAIR_TASKS, PART_TASKS, REPLACED, Place, file_pattern
from litmine.lake.targets import TargetSet
from litmine.schema import arrow_schema
from litmine.specs import ARTICLES

# So many files of about one size become one, which is at least so many times as large.
FAN = 8


def groups(rows: Mapping[str, int], most: int) -> Iterator[list[str]]:
    """Groups of the files with these numbers of rows: each of `FAN` or more files, or of enough rows for a full one.

    A file with more than half of `most` rows is full and left alone; files of one size, from a power of `FAN` up to the
    next, are taken in the order of their names and fill groups of at most `most` rows. So a row is rewritten at most
    log(most) / log(FAN) + 1 times, and of each size there are fewer than `FAN` files afterwards.
    """
    tiers: dict[int, list[str]] = {}
    for name in sorted(rows):
        if 2 * rows[name] <= most:
            tiers.setdefault(_tier(rows[name]), []).append(name)
    for tier in tiers.values():
        group: list[str] = []
        total = 0
        for name in tier:
            if total + rows[name] > most:
                yield group
                group, total = [], 0
            group.append(name)
            total += rows[name]
        if len(group) >= FAN or (len(group) > 1 and 2 * total > most):
            yield group


def _tier(rows: int) -> int:
    tier = 0
    while rows >= FAN:
        rows //= FAN
        tier += 1
    return tier


MERGED = "merged-"
ROW_GROUP = 10_000
# A note outlives what it names by more than any look at a lake takes.
_NOTE = timedelta(hours=1)
# Sources that the footer of a merged part names.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Merge:
    """Files of one folder of the lake to be merged; article parts with the targets that have been made of them."""

    folder: str
    names: tuple[str, ...]
    targets: tuple[TargetSet, ...] = ()

    @property
    def name(self) -> str:
        """The merged file's name, equal for equal files."""
        return MERGED + blake2b("\n".join(self.names).encode(), digest_size=10).hexdigest()

    def paths(self, lake: Place) -> list[Place]:
        return [lake / self.folder / f"{name}.parquet" for name in self.names]


def note(lake: Place, merges: Iterable[Merge]) -> None:
    """Note what is about to be replaced. Raises LakeError for a damaged file, and when it cannot be written."""
    pairs = []
    for merge in merges:
        there = files(lake, merge.folder)
        replaced = sorted(there.keys() & _ancestors(merge, lake))
        pairs += [(f"{merge.folder}/{name}", f"{merge.folder}/{merge.name}") for name in replaced]
    _write_note(lake, pairs)


def _write_note(lake: Place, pairs: list[tuple[str, str]]) -> None:
    if pairs:
        rows = pa.table(list(zip(*pairs, strict=True)), schema=arrow_schema(REPLACED))
        write_bytes(lake / REPLACED / f"{uuid4().hex}.parquet", encode(REPLACED, rows))


def note_again(lake: Place) -> None:
    """Note what merged files have replaced and is there still, where the note of it was lost. Raises LakeError."""
    known = {pair for pairs in notes(lake).values() for pair in pairs}
    pairs = []
    for folder in (ARTICLES, *LOGS, *(folder for table in PAIR_TASKS for folder in model_folders(lake, table))):
        there = files(lake, folder)
        for by in sorted(name for name in there if name.startswith(MERGED)):
            replaced = sorted(there.keys() & set(replaces(there[by])))
            pairs += [(f"{folder}/{name}", f"{folder}/{by}") for name in replaced]
    _write_note(lake, [pair for pair in pairs if pair not in known])


def carry_out(lake: Place, merge: Merge) -> None:
    """Make the merged file of a merge that has been noted, a few rows at a time.

    Raises LakeError for a file that is damaged, and when one cannot be written.
    """
    table = PurePosixPath(merge.folder).parts[0]
    for own in merge.targets:
        targets = [own.target(lake, name) for name in merge.names]
        merged = own.target(lake, merge.name)
        if not merged.exists():
            footer = _target_footer([read_footer(path) for path in targets])
            write_stream(merged, own.table, stream(targets, own.table, ROW_GROUP), footer | {"part": merge.name})
    paths = merge.paths(lake)
    footer = {"replaces": sorted(_ancestors(merge, lake))}
    if table == ARTICLES:
        footer = _part_footer([read_footer(path) for path in paths]) | footer
    write_stream(lake / merge.folder / f"{merge.name}.parquet", table, stream(paths, table, ROW_GROUP), footer)


def sweep(lake: Place, grace: timedelta, dry_run: bool = False) -> tuple[int, int, int]:
    """Delete replaced files whose grace is over; with `dry_run` only count them. For one process at a time.

    Returns how many were deleted, their bytes, and how many wait. Raises LakeError when one cannot be deleted.
    """
    noted = notes(lake)
    there = {folder: files(lake, folder) for folder in {_folder(by) for pairs in noted.values() for _, by in pairs}}
    waiting: set[Place] = set()
    over: set[Place] = set()
    for file, by in {pair for pairs in noted.values() for pair in pairs}:
        folder = there[_folder(by)]
        path, merged = folder.get(PurePosixPath(file).name), folder.get(PurePosixPath(by).name)
        if path is not None and merged is not None:
            (over if age(merged) >= grace.total_seconds() else waiting).add(path)
    # The catalogue lists every target before it leaves out those without a part: they too stay for the grace.
    orphans = {path for path in _orphans(lake, over) if age(path) >= grace.total_seconds()}
    doomed = [*sorted(over), *sorted(orphans)]
    if dry_run:
        return len(doomed), sum(path.stat().st_size for path in doomed), len(waiting - over)
    freed = sum(remove(path) for path in doomed)
    for path, pairs in noted.items():
        left = any((lake / f"{file}.parquet").exists() and (lake / f"{by}.parquet").exists() for file, by in pairs)
        if not left and age(path) >= (2 * grace + _NOTE).total_seconds():
            remove(path)
    return len(doomed), freed, len(waiting - over)


def absorbed(lake: Place, folder: str) -> set[str]:
    """The names of all files that merged ones in the folder have taken the place of, long ago too."""
    merged = (path for name, path in files(lake, folder).items() if name.startswith(MERGED))
    return {name for path in merged for name in replaces(path)}


def origins(lake: Place) -> list[str]:
    """The names under which the article parts that count were once written; a merge leaves them as they are.

    A merged part that is damaged has its own name alone.
    """
    written: list[str] = []
    for name, path in live(lake, ARTICLES).items():
        try:
            names = replaces(path) if name.startswith(MERGED) else (name,)
            written += (one for one in names if not one.startswith(MERGED))
        except LakeError:
            written.append(name)
    return sorted(written)


@cache
def replaces(path: Place) -> tuple[str, ...]:
    """The names of all files that a merged one has taken the place of. Raises LakeError when it is damaged."""
    return tuple(read_footer(path).get("replaces", ()))


def _orphans(lake: Place, over: set[Place]) -> set[Place]:
    """The targets of parts that are replaced and gone, or of a merge that was never committed."""
    parts = {name: path for name, path in files(lake, ARTICLES).items() if path not in over}
    gone = absorbed(lake, ARTICLES)
    return {
        path
        for table in PART_TASKS
        for path in (lake / table).glob(file_pattern(table))
        if path.name != EMPTY and path.stem not in parts and (path.stem in gone or path.stem.startswith(MERGED))
    }


def _ancestors(merge: Merge, lake: Place) -> set[str]:
    """The files of a merge, and those that they had replaced."""
    merged = (path for path in merge.paths(lake) if path.stem.startswith(MERGED))
    return {*merge.names, *(name for path in merged for name in replaces(path))}


def _part_footer(footers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    sources = list(dict.fromkeys(footer["source"] for footer in footers))
    more = f" and {len(sources) - _SHOWN} more" if len(sources) > _SHOWN else ""
    return {
        "rows": sum(footer["rows"] for footer in footers),
        "texts": sum(footer["texts"] for footer in footers),
        "source": ", ".join(sources[:_SHOWN]) + more,
    }


def _target_footer(footers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Sums, and what was one for all of them or is listed."""
    summed = {name: sum(footer[name] for footer in footers) for name in ("texts", "seconds", "tokens")}
    same = {name: _either(footer[name] for footer in footers) for name in ("model", "device", "precision")}
    names = dict.fromkeys(name for footer in footers for name in footer["versions"])
    versions = {
        name: _either(footer["versions"][name] for footer in footers if name in footer["versions"]) for name in names
    }
    failed = [one for footer in footers for one in footer["failed"]]
    # Merged are targets of one folder: what they are made of is the same. The first targets do not name it.
    return {**same, **summed, "failed": failed, "versions": versions, "inputs": footers[0].get("inputs", [])}


def _either(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))


def _folder(file: str) -> str:
    return PurePosixPath(file).parent.as_posix()

"""Merge small files of a lake into larger ones, and delete the replaced files. The rows of the views stay the same.

The process may die at any moment. A merge first writes a note of what it replaces (`write_merge_notes`). A merge of
article parts then writes the targets of the merged part. The merged file itself comes last: when it exists, the merge
is committed, and listings leave out the replaced files. These are deleted after a grace period, so that a running
query can still read them.
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
from litmine.lake.file_writer import delete_file, file_age, write_bytes
from litmine.lake.folders import glob_files
from litmine.lake.listing import (
    MERGED_PREFIX,
    folders_with_merges,
    list_files,
    live_files,
    read_merge_notes,
)
from litmine.lake.parquet import SCHEMA_FILE, encode_parquet, read_footer, stream_tables, write_tables
from litmine.lake.paths import PART_TASKS, REPLACED, LakePath, file_pattern
from litmine.lake.targets import TargetSet
from litmine.lake.version_index import VersionIndex
from litmine.schema import arrow_schema
from litmine.specs import ARTICLES

# A merge takes at least this many files of a size class, or fewer if they make a full file. Each size class holds files
# of up to this many times as many rows as the class below.
MERGE_FACTOR = 8
ROW_GROUP = 10_000
# The rows of ten thousand articles make one row group, because a name is looked up in the dictionary of each row group.
_TARGET_ROW_GROUP = 300_000
# A note stays this long after the files it names are gone: longer than any listing of a lake takes.
_NOTE_GRACE = timedelta(hours=1)
# The footer of a merged part names this many sources.
_MAX_SOURCES = 5


def group_small_files(rows: Mapping[str, int], max_rows: int) -> Iterator[list[str]]:
    """Group the files to merge, by their numbers of rows.

    A file with more than half of `max_rows` is full and left alone. The others are divided into size classes: a class
    reaches from one power of `MERGE_FACTOR` to the next. Files of a class are grouped in the order of their names, at
    most `max_rows` rows to a group. A group is merged if it has at least `MERGE_FACTOR` files or makes a full file. So
    a row is rewritten at most log(max_rows) / log(MERGE_FACTOR) + 1 times, and fewer than `MERGE_FACTOR` files of a
    class remain.
    """
    classes: dict[int, list[str]] = {}
    for name in sorted(rows):
        if 2 * rows[name] <= max_rows:
            classes.setdefault(_size_class(rows[name]), []).append(name)
    for names in classes.values():
        group: list[str] = []
        total = 0
        for name in names:
            if total + rows[name] > max_rows:
                yield group
                group, total = [], 0
            group.append(name)
            total += rows[name]
        if len(group) >= MERGE_FACTOR or (len(group) > 1 and 2 * total > max_rows):
            yield group


def _size_class(rows: int) -> int:
    size_class = 0
    while rows >= MERGE_FACTOR:
        rows //= MERGE_FACTOR
        size_class += 1
    return size_class


@dataclass(frozen=True, slots=True)
class Merge:
    """Files of one folder to merge. For article parts, `targets` are the target sets that cover all of them."""

    folder: str
    names: tuple[str, ...]
    targets: tuple[TargetSet, ...] = ()

    @property
    def name(self) -> str:
        """The name of the merged file. Merges of the same files have the same name."""
        return MERGED_PREFIX + blake2b("\n".join(self.names).encode(), digest_size=10).hexdigest()

    def paths(self, lake: LakePath) -> list[LakePath]:
        return [lake / self.folder / f"{name}.parquet" for name in self.names]


def write_merge_notes(lake: LakePath, merges: Iterable[Merge]) -> None:
    """Write a note of the files that the merges will replace.

    Raises LakeError if a file is damaged or the note cannot be written.
    """
    pairs = []
    for merge in merges:
        present = list_files(lake, merge.folder)
        replaced = sorted(present.keys() & _all_replaced(merge, lake))
        pairs += [(f"{merge.folder}/{name}", f"{merge.folder}/{merge.name}") for name in replaced]
    _write_note(lake, pairs)


def _write_note(lake: LakePath, pairs: list[tuple[str, str]]) -> None:
    if pairs:
        rows = pa.table(list(zip(*pairs, strict=True)), schema=arrow_schema(REPLACED))
        write_bytes(lake / REPLACED / f"{uuid4().hex}.parquet", encode_parquet(REPLACED, rows))


def restore_merge_notes(lake: LakePath) -> None:
    """Write lost notes again, from the footers of merged files, for replaced files that still exist.

    Raises LakeError if a file is damaged or the note cannot be written.
    """
    noted = {pair for pairs in read_merge_notes(lake).values() for pair in pairs}
    pairs = []
    for folder in folders_with_merges(lake):
        present = list_files(lake, folder)
        for merged in sorted(name for name in present if name.startswith(MERGED_PREFIX)):
            replaced = sorted(present.keys() & set(read_replaced_names(present[merged])))
            pairs += [(f"{folder}/{name}", f"{folder}/{merged}") for name in replaced]
    _write_note(lake, [pair for pair in pairs if pair not in noted])


def run_merge(lake: LakePath, merge: Merge) -> None:
    """Write the merged file of a merge whose note exists, in constant memory.

    Raises LakeError if a file is damaged or cannot be written.
    """
    table = PurePosixPath(merge.folder).parts[0]
    for targets in merge.targets:
        paths = [targets.target_path(lake, name) for name in merge.names]
        merged = targets.target_path(lake, merge.name)
        if not merged.exists():
            footer = _target_footer([read_footer(path) for path in paths]) | {"part": merge.name}
            rows = stream_tables(paths, targets.table, _TARGET_ROW_GROUP)
            write_tables(merged, targets.table, rows, footer)
    paths = merge.paths(lake)
    footer = {"replaces": sorted(_all_replaced(merge, lake))}
    rows = stream_tables(paths, table, ROW_GROUP)
    if table == ARTICLES:
        footer = _part_footer([read_footer(path) for path in paths]) | footer
        rows = _with_marks(lake, rows)
    write_tables(lake / merge.folder / f"{merge.name}.parquet", table, rows, footer)


def delete_replaced_files(lake: LakePath, grace: timedelta, dry_run: bool = False) -> tuple[int, int, int]:
    """Delete replaced files whose grace period is over, and their notes. Only one process may do so at a time.

    Returns the number of files deleted, their bytes, and the number of replaced files still in their grace period. With
    `dry_run` it only counts. Raises LakeError if a file cannot be deleted.
    """
    notes = read_merge_notes(lake)
    folders = {_folder(merged) for pairs in notes.values() for _, merged in pairs}
    present = {folder: list_files(lake, folder) for folder in folders}
    waiting: set[LakePath] = set()
    expired: set[LakePath] = set()
    for replaced, merged in {pair for pairs in notes.values() for pair in pairs}:
        folder = present[_folder(merged)]
        path, merged_path = folder.get(PurePosixPath(replaced).name), folder.get(PurePosixPath(merged).name)
        if path is not None and merged_path is not None:
            (expired if file_age(merged_path) >= grace.total_seconds() else waiting).add(path)
    # A running query may have listed these targets before their parts were deleted, so they get the grace period too.
    orphans = {path for path in _orphaned_targets(lake, expired) if file_age(path) >= grace.total_seconds()}
    to_delete = [*sorted(expired), *sorted(orphans)]
    if dry_run:
        return len(to_delete), sum(path.stat().st_size for path in to_delete), len(waiting - expired)
    deleted_bytes = sum(delete_file(path) for path in to_delete)
    for note, pairs in notes.items():
        in_use = any(
            (lake / f"{replaced}.parquet").exists() and (lake / f"{merged}.parquet").exists()
            for replaced, merged in pairs
        )
        if not in_use and file_age(note) >= (2 * grace + _NOTE_GRACE).total_seconds():
            delete_file(note)
    return len(to_delete), deleted_bytes, len(waiting - expired)


def replaced_names_in_folder(lake: LakePath, folder: str) -> set[str]:
    """The names of all files that merged files of this folder have replaced, including deleted ones."""
    merged = (path for name, path in list_files(lake, folder).items() if name.startswith(MERGED_PREFIX))
    return {name for path in merged for name in read_replaced_names(path)}


def original_part_names(lake: LakePath) -> list[str]:
    """The names of the article parts as imports wrote them, sorted. Merging does not change the list.

    If a merged part is damaged, the list has its own name instead.
    """
    originals: list[str] = []
    for name, path in live_files(lake, ARTICLES).items():
        try:
            names = read_replaced_names(path) if name.startswith(MERGED_PREFIX) else (name,)
            originals += (original for original in names if not original.startswith(MERGED_PREFIX))
        except LakeError:
            originals.append(name)
    return sorted(originals)


@cache
def read_replaced_names(path: LakePath) -> tuple[str, ...]:
    """Read the names of all files that a merged file has replaced. Raises LakeError if it is damaged."""
    return tuple(read_footer(path).get("replaces", ()))


def _with_marks(lake: LakePath, chunks: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Replace unknown marks (`text_changed`, `pmid_known`), which older versions did not write, by what the lake holds.

    A row is marked if any row of the lake has another text of its PMID, or the same PMID. Rows that are written
    meanwhile carry their own marks. If another part of the lake is damaged, the marks stay unknown.
    """
    # Imported here, because most commands import this module and merge nothing.
    import pyarrow.compute as pc

    index: VersionIndex | None = None
    for chunk in chunks:
        unknown = chunk.filter(pc.or_(pc.is_null(chunk["text_changed"]), pc.is_null(chunk["pmid_known"])))
        try:
            if len(unknown) and index is None:
                index = VersionIndex(lake)
                index.refresh({})
            histories = index.histories(unknown["pmid"].to_pylist()) if index and len(unknown) else {}
        except LakeError:
            histories = {}
        if not histories:
            yield chunk
            continue
        keys = list(zip(chunk["pmid"].to_pylist(), chunk["text_hash"].to_pylist(), strict=True))
        marks = {
            "text_changed": [pmid in histories and histories[pmid].has_other_text(text) for pmid, text in keys],
            "pmid_known": [pmid in histories and histories[pmid].rows > 1 for pmid, _ in keys],
        }
        for name, values in marks.items():
            filled = pc.coalesce(chunk[name], pa.chunked_array([pa.array(values, pa.bool_())]))
            chunk = chunk.set_column(chunk.schema.get_field_index(name), chunk.schema.field(name), filled)
        yield chunk


def _orphaned_targets(lake: LakePath, expired: set[LakePath]) -> set[LakePath]:
    """The targets of parts that were replaced and deleted, and of merges that were never committed."""
    parts = {name: path for name, path in list_files(lake, ARTICLES).items() if path not in expired}
    replaced = replaced_names_in_folder(lake, ARTICLES)
    return {
        path
        for table in PART_TASKS
        for path in glob_files(lake / table, file_pattern(table))
        if path.name != SCHEMA_FILE
        and path.stem not in parts
        and (path.stem in replaced or path.stem.startswith(MERGED_PREFIX))
    }


def _all_replaced(merge: Merge, lake: LakePath) -> set[str]:
    """The names of a merge's files, and of the files that those replaced in earlier merges."""
    merged = (path for path in merge.paths(lake) if path.stem.startswith(MERGED_PREFIX))
    return {*merge.names, *(name for path in merged for name in read_replaced_names(path))}


def _part_footer(footers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    sources = list(dict.fromkeys(footer["source"] for footer in footers))
    more = f" and {len(sources) - _MAX_SOURCES} more" if len(sources) > _MAX_SOURCES else ""
    return {
        "rows": sum(footer["rows"] for footer in footers),
        "texts": sum(footer["texts"] for footer in footers),
        "source": ", ".join(sources[:_MAX_SOURCES]) + more,
    }


def _target_footer(footers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The footer of a merged target: numbers are summed, and different values of a text field are listed."""
    sums = {name: sum(footer[name] for footer in footers) for name in ("texts", "seconds", "tokens")}
    listed = {name: _join_distinct(footer[name] for footer in footers) for name in ("model", "device", "precision")}
    packages = dict.fromkeys(name for footer in footers for name in footer["versions"])
    versions = {
        name: _join_distinct(footer["versions"][name] for footer in footers if name in footer["versions"])
        for name in packages
    }
    failed = [text for footer in footers for text in footer["failed"]]
    # All targets of a folder have the same inputs. The oldest targets do not name them.
    return {**listed, **sums, "failed": failed, "versions": versions, "inputs": footers[0].get("inputs", [])}


def _join_distinct(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))


def _folder(file: str) -> str:
    return PurePosixPath(file).parent.as_posix()

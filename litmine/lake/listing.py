"""List the live files of a lake: those that no merged file has replaced.

A merge first writes a note to `replaced/` that names the files it will replace, then writes the merged file, which
commits the merge. A reader that lists a folder first and reads the notes afterwards sees each row exactly once: every
merged file in its listing already has a note, and a note whose merged file is not in the listing has no effect.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from litmine.lake.folders import glob_files, glob_folders, is_plain_name
from litmine.lake.object_store import ObjectPath
from litmine.lake.parquet import SCHEMA_FILE, read_footer, read_table, report_read_errors
from litmine.lake.paths import (
    LOG_TABLES,
    MODEL_TABLES,
    PAIR_TASKS,
    PART_TASKS,
    REPLACED,
    TABLES,
    LakePath,
    folder_depth,
)
from litmine.specs import ARTICLES

# How the names of merged files begin.
MERGED_PREFIX = "merged-"


def live_files(lake: LakePath, folder: str) -> dict[str, LakePath]:
    """The live files in a folder of the lake, by name without ending, sorted by name.

    `compact` deletes replaced files some hours later, so each stays readable until then. Raises LakeError for a damaged
    note.
    """
    files = list_files(lake, folder)
    return _without_replaced(folder, files, _merge_notes(lake))


def live_files_by_table(lake: LakePath) -> dict[str, list[LakePath]]:
    """The live files of every table. A target is live if its article part is. Raises LakeError for a damaged note."""
    # The order matters. Article parts come first, because a merge writes its targets before its part; notes come last.
    parts = list_files(lake, ARTICLES)
    folders = _list_object_folders(lake) if isinstance(lake, ObjectPath) else _list_local_folders(lake)
    merge_notes = _merge_notes(lake)
    live_parts = _without_replaced(ARTICLES, parts, merge_notes)
    live: dict[str, list[LakePath]] = {table: [] for table in TABLES}
    live[ARTICLES] = list(live_parts.values())
    for folder, files in folders.items():
        table = folder.partition("/")[0]
        names = files.keys() & live_parts if table in PART_TASKS else _without_replaced(folder, files, merge_notes)
        live[table] += [files[name] for name in sorted(names)]
    return live


def list_files(lake: LakePath, folder: str) -> dict[str, LakePath]:
    """All files in a folder of the lake, replaced ones included, by name without ending."""
    return {path.stem: path for path in glob_files(lake / folder, "*.parquet") if path.name != SCHEMA_FILE}


def model_folders(lake: LakePath, table: str) -> list[str]:
    """The folders of a table that hold the files of one model each, relative to the lake."""
    pattern = "/".join(("model=*", "of=*")[: folder_depth(table)])
    if isinstance(lake, Path):
        folders = {str(path) for path in glob_folders(lake / table, pattern)}
    else:
        # An object store lists objects, not folders.
        folders = {str(path.parent) for path in (lake / table).glob(f"{pattern}/*.parquet")}
    return sorted(path.removeprefix(f"{lake}/") for path in folders)


def folders_with_merges(lake: LakePath) -> list[str]:
    """The folders whose merged files name in their footers what they replace, relative to the lake."""
    return [ARTICLES, *LOG_TABLES, *(folder for table in PAIR_TASKS for folder in model_folders(lake, table))]


def read_merge_notes(lake: LakePath) -> dict[LakePath, list[tuple[str, str]]]:
    """Read all merge notes: for each note, pairs of a file and the merged file that replaces it once it exists.

    Pairs that name anything but two files of one folder of a table are left out. Raises LakeError for a damaged note.
    """
    notes: dict[LakePath, list[tuple[str, str]]] = {}
    for path in list_files(lake, REPLACED).values():
        notes[path] = [pair for pair in _merge_pairs(path) if _is_merge_pair(*pair)]
    return notes


def _merge_notes(lake: LakePath) -> dict[LakePath, list[tuple[str, str]]]:
    """All merge notes. In a lake without the folder of notes, the footers of merged files serve instead.

    An incomplete copy of a lake may lack the folder, and would count replaced rows twice. `compact` writes the notes
    again.
    """
    if isinstance(lake, ObjectPath) or os.path.lexists(lake / REPLACED):
        return read_merge_notes(lake)
    return {
        path: [(f"{folder}/{replaced}", f"{folder}/{name}") for replaced in read_footer(path).get("replaces", ())]
        for folder in folders_with_merges(lake)
        for name, path in list_files(lake, folder).items()
        if name.startswith(MERGED_PREFIX)
    }


def invalid_merge_pairs(note: LakePath) -> list[str]:
    """What a merge note names and `read_merge_notes` leaves out."""
    return [str(file) for pair in _merge_pairs(note) if not _is_merge_pair(*pair) for file in pair]


def _merge_pairs(note: LakePath) -> list[tuple[str, str]]:
    rows = read_table(note, ["file", "by"])
    with report_read_errors(note):
        return list(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def _is_merge_pair(file: str | None, by: str | None) -> bool:
    """Whether two paths without ending, relative to the lake, are files of the same folder of a table."""
    if file is None or by is None or not is_plain_name(PurePosixPath(file).name):
        return False
    folder, _, name = by.rpartition("/")
    table, *levels = folder.split("/")
    prefixes = ("model=", "of=")[: folder_depth(table)] if table in TABLES else ("none",)
    return (
        file == f"{folder}/{PurePosixPath(file).name}"
        and is_plain_name(name)
        and len(levels) == len(prefixes)
        and all(level.startswith(prefix) for level, prefix in zip(levels, prefixes, strict=True))
    )


def _list_local_folders(lake: Path) -> dict[str, dict[str, LakePath]]:
    """The files of every folder except `articles`."""
    tables = [table for table in TABLES if table not in (ARTICLES, *MODEL_TABLES)]
    by_model = [folder for table in MODEL_TABLES for folder in model_folders(lake, table)]
    return {folder: list_files(lake, folder) for folder in [*tables, *by_model]}


def _list_object_folders(lake: ObjectPath) -> dict[str, dict[str, LakePath]]:
    """Do the same as `_list_local_folders` with a single listing of the object store."""
    folders: dict[str, dict[str, LakePath]] = {}
    for path in lake.rglob("*.parquet"):
        folder = path.parent.url.removeprefix(f"{lake}/")
        table = folder.partition("/")[0]
        if table in TABLES and table != ARTICLES and path.name != SCHEMA_FILE:
            folders.setdefault(folder, {})[path.stem] = path
    return folders


def _without_replaced(
    folder: str, files: Mapping[str, LakePath], merge_notes: Mapping[LakePath, Sequence[tuple[str, str]]]
) -> dict[str, LakePath]:
    """The files of a folder without those that another file of the listing replaces, sorted by name."""
    replaced = [
        PurePosixPath(file).name
        for pairs in merge_notes.values()
        for file, by in pairs
        if PurePosixPath(by).parent.as_posix() == folder and PurePosixPath(by).name in files
    ]
    return {name: files[name] for name in sorted(files.keys() - replaced)}

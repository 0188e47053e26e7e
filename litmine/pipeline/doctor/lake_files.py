"""Check the files of a lake: whether each belongs there, is readable and matches its schema, and has its part."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from litmine.atomic_write import TEMPORARY
from litmine.errors import LakeError
from litmine.lake.articles import read_part_summary
from litmine.lake.compaction import replaced_names_in_folder
from litmine.lake.download_journal import JOURNALS, is_journal_file
from litmine.lake.duckdb_errors import verify_parquet
from litmine.lake.folders import walk, why_not_opened
from litmine.lake.listing import MERGED_PREFIX, invalid_merge_pairs, list_files
from litmine.lake.parquet import SCHEMA_FILE, damage_error, read_footer, read_schema_and_row_count
from litmine.lake.paths import MODEL_TABLES, PART_TASKS, REPLACED, TABLES, LakePath, folder_depth, relative_path
from litmine.pipeline.count_format import format_count
from litmine.pipeline.doctor.finding import Finding, note, wrong
from litmine.schema import find_schema_conflict
from litmine.specs import ARTICLES

# Not tables. The search index, the catalogue and what is kept of concepts have checks of their own.
_OTHER_FILES = (".cache", ".locks", ".spool", "concepts", "search", "lake.json", "lake.duckdb", "lake.duckdb.wal")
_WITH_FOOTER = (ARTICLES, *MODEL_TABLES)
_HOUR = 3600


@dataclass(slots=True)
class CheckedFiles:
    """The files without problems, by table, for checks of their contents."""

    files: dict[str, list[LakePath]] = field(default_factory=lambda: {table: [] for table in TABLES})


def examine_files(lake: LakePath, checked: CheckedFiles, deep: bool) -> Iterator[Finding]:
    """Yield problems of files, and add the others to `checked`. `deep` decodes every file."""
    paths: list[LakePath] = [*(walk(lake) if isinstance(lake, Path) else lake.rglob("*"))]
    for path in sorted(paths):
        location = tuple(relative_path(lake, path).split("/"))
        if isinstance(path, Path) and (reason := why_not_opened(path)) is not None:
            yield _foreign(location, reason)
            continue
        if path.is_dir() or location[0] in _OTHER_FILES:
            yield from _foreign_download(location)
            continue
        table = location[0] if _is_table_file(location) else None
        if path.name.endswith(TEMPORARY):
            yield _leftover(path)
        elif table is None:
            yield note("/".join(location), "is not a file of litmine; move it out of the lake")
        else:
            try:
                _check_file(table, path, deep)
            except LakeError as error:
                yield wrong("/".join(location), str(error))
            else:
                checked.files[table].append(path)


def examine_targets(lake: LakePath, checked: CheckedFiles) -> Iterator[Finding]:
    """Yield targets without an article part, and remove them from `checked`; and notes that name other files."""
    parts = set(list_files(lake, ARTICLES))
    try:
        replaced = replaced_names_in_folder(lake, ARTICLES)
    except LakeError:
        replaced = set()  # A merged part is damaged, which `examine_files` has reported.
    for path in checked.files[REPLACED]:
        for file in invalid_merge_pairs(path):
            yield wrong(
                relative_path(lake, path), f"names {file!r}, which is no file of a table; it is ignored, so delete it"
            )
    for table in PART_TASKS:
        with_part = []
        for path in checked.files[table]:
            if path.stem in parts or path.name == SCHEMA_FILE:
                with_part.append(path)
            elif path.stem in replaced or path.stem.startswith(MERGED_PREFIX):
                yield note(
                    relative_path(lake, path), "is left over from a merge; the next `litmine compact` deletes it"
                )
            else:
                yield wrong(
                    relative_path(lake, path),
                    f"has no article part; restore {ARTICLES}/{path.name}, or delete this file",
                )
        checked.files[table] = with_part


def _foreign(location: tuple[str, ...], reason: str) -> Finding:
    """A link, a pipe or a device: wrong where litmine has files, and a note elsewhere."""
    is_in_the_way = location[0] in (*TABLES, *_OTHER_FILES)
    return (wrong if is_in_the_way else note)("/".join(location), reason)


def _foreign_download(location: tuple[str, ...]) -> Iterator[Finding]:
    """A note if a file among the downloads of fetches is not of litmine."""
    if location[0] == JOURNALS and len(location) > 1 and not is_journal_file("/".join(location[1:])):
        yield note("/".join(location), "is not a file of litmine; move it out of the lake")


def _is_table_file(location: tuple[str, ...]) -> bool:
    if location[0] not in TABLES or not location[-1].endswith(".parquet"):
        return False
    folders = location[1:-1]
    return len(folders) == folder_depth(location[0]) and all(
        folder.startswith(prefix) for folder, prefix in zip(folders, ("model=", "of="), strict=False)
    )


def _leftover(path: LakePath) -> Finding:
    try:
        hours = (time.time() - path.stat().st_mtime) / _HOUR
    except FileNotFoundError:
        return note(path.name, "was just being written")
    if hours < 1:
        return note(path.name, "is being written, or was left by a run killed within the last hour; it is harmless")
    return note(path.name, f"was left {hours:,.0f} h ago by a killed run; it is harmless, so delete {path}")


def _check_file(table: str, path: LakePath, deep: bool) -> None:
    """Raise LakeError for a file that cannot be read or does not match its schema. Small tables are always decoded."""
    schema, rows = read_schema_and_row_count(path)
    problem = find_schema_conflict(table, schema)
    if problem is not None:
        raise damage_error(path, problem)
    if path.name != SCHEMA_FILE:
        _check_footer(table, path, rows)
    if deep or table not in _WITH_FOOTER:
        verify_parquet(path)


def _check_footer(table: str, path: LakePath, rows: int) -> None:
    if table == ARTICLES:
        recorded = read_part_summary(path).rows
        if recorded != rows:
            raise damage_error(path, f"it has {format_count(rows, 'rows')}, but {recorded:,} in its footer")
    elif table in MODEL_TABLES:
        footer = read_footer(path)
        if table in PART_TASKS and footer.get("part") != path.stem:
            raise damage_error(path, f"it was made from the part {footer.get('part')}")

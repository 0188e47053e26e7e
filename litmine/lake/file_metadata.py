"""What litmine needs of the Parquet metadata of a lake's files: each file is read once, and the cache keeps the rest.

Reading the metadata of 2,000 files takes longer than most queries, and a request for each of them in an object store.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from litmine.errors import LakeError
from litmine.lake.lake_cache import MIN_FILES, file_identity, read_cached_json, write_cached_json
from litmine.lake.parquet import FOOTER_KEY, read_metadata, report_read_errors
from litmine.lake.paths import LakePath, relative_path
from litmine.schema import arrow_schema, find_schema_conflict
from litmine.specs import ARTICLES

# The cache is written when it lacked so many files, by whether the lake is local. Fewer are read in the time of
# writing it; in an object store, each costs a request.
_MIN_NEW = {True: MIN_FILES, False: 4}
_THREADS = {True: 8, False: 32}
_MARKS = ("text_changed", "pmid_known")


class FileMetadata(NamedTuple):
    """What a file's metadata says.

    footer: the JSON footer as text, None for a file without one. rows: number of rows. missing: the declared columns
    that the file is too old to have; None if a column has another name, field id or type than declared, so that the
    file must be read by field ids. text_changed, pmid_known: a row of an article part may have this mark.
    """

    footer: str | None
    rows: int
    missing: tuple[str, ...] | None
    text_changed: bool
    pmid_known: bool


class FoundMetadata(NamedTuple):
    """The metadata of files, and the errors of those that are damaged or gone."""

    found: dict[LakePath, FileMetadata]
    errors: dict[LakePath, LakeError]


# The identity of a file and the fields of its metadata, as the cache stores them.
_Entry = list[Any]


def read_file_metadata(lake: LakePath, table: str, files: Sequence[LakePath]) -> FoundMetadata:
    """The metadata of files of a table, in their order. Files that the cache lacks are read, several at a time."""
    local = isinstance(lake, Path)
    key = _cache_key(table)
    cached: dict[str, _Entry] = read_cached_json(lake, _cache_name(table), key) or {}
    entries: dict[LakePath, _Entry] = {}
    missing: list[LakePath] = []
    names = {path: relative_path(lake, path) for path in files}
    for path, name in names.items():
        entry = cached.get(name)
        if entry is not None and _is_unchanged(path, entry):
            entries[path] = entry
        else:
            missing.append(path)
    errors: dict[LakePath, LakeError] = {}
    for path, read in zip(missing, _read_all(_reader(table), missing, _THREADS[local]), strict=True):
        if isinstance(read, LakeError):
            errors[path] = read
        else:
            entries[path] = read
    if len(missing) - len(errors) >= _MIN_NEW[local]:
        read_now = {names[path]: entry for path, entry in entries.items()}
        write_cached_json(lake, _cache_name(table), key, _still_there(lake, cached, set(names.values())) | read_now)
    found = {path: _parse(entries[path]) for path in names if path in entries}
    return FoundMetadata(found, errors)


def _read_all(
    read: Callable[[LakePath], _Entry | LakeError], files: Sequence[LakePath], threads: int
) -> list[_Entry | LakeError]:
    if len(files) <= 1:  # starting a thread takes longer than reading a file
        return [read(file) for file in files]
    with ThreadPoolExecutor(min(threads, len(files))) as pool:
        return list(pool.map(read, files))


def _parse(entry: _Entry) -> FileMetadata:
    _, footer, rows, missing, text_changed, pmid_known = entry
    return FileMetadata(footer, rows, None if missing is None else tuple(missing), text_changed, pmid_known)


def _is_unchanged(path: LakePath, entry: _Entry) -> bool:
    try:
        return bool(list(file_identity(path)) == entry[0])
    except LakeError:
        return False


def _still_there(lake: LakePath, cached: Mapping[str, _Entry], asked: set[str]) -> dict[str, _Entry]:
    """The cached entries of files that nobody asked for now. Those of replaced and deleted files are forgotten."""
    others = {name: entry for name, entry in cached.items() if name not in asked}
    if isinstance(lake, Path):
        return {name: entry for name, entry in others.items() if os.path.lexists(f"{lake}/{name}")}
    folders = {name.rpartition("/")[0] for name in asked}
    return {name: entry for name, entry in others.items() if name.rpartition("/")[0] not in folders}


def _cache_name(table: str) -> str:
    return f"metadata-{table}"


@cache
def _cache_key(table: str) -> str:
    """It changes with the fields of an entry, and with the declared columns, which `missing` is about."""
    schema = arrow_schema(table).to_string(show_field_metadata=True)
    return blake2b(f"{FileMetadata._fields} {schema}".encode(), digest_size=8).hexdigest()


def _reader(table: str) -> Callable[[LakePath], _Entry | LakeError]:
    """A function that reads an entry. It remembers schemas without a conflict, since most files have the same one."""
    accepted: list[tuple[pa.Schema, tuple[str, ...]]] = []

    def read(path: LakePath) -> _Entry | LakeError:
        try:
            # First, so that a file that changes while it is read is read again the next time.
            identity = file_identity(path)
            with report_read_errors(path):
                metadata = read_metadata(path)
                footer = (metadata.metadata or {}).get(FOOTER_KEY)
                schema = metadata.schema.to_arrow_schema()
                missing = next((names for one, names in accepted if schema.equals(one, check_metadata=True)), None)
                if missing is None and find_schema_conflict(table, schema) is None:
                    missing = tuple(name for name in arrow_schema(table).names if name not in schema.names)
                    accepted.append((schema, missing))
                marks = (table != ARTICLES or _may_be_marked(metadata, schema, name) for name in _MARKS)
                text = None if footer is None else footer.decode()
                return [list(identity), *FileMetadata(text, metadata.num_rows, missing, *marks)]
        except LakeError as error:
            return error

    return read


def _may_be_marked(metadata: pq.FileMetaData, schema: pa.Schema, name: str) -> bool:
    """Whether a boolean column, by name, is missing or may have a value that is true or null."""
    if name not in schema.names:
        return True
    # Columns of lists come as several columns in the metadata, so positions differ from those of the schema.
    paths = [metadata.schema.column(i).path for i in range(metadata.num_columns)]
    position = paths.index(name)
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(position).statistics
        if statistics is None or not statistics.has_min_max or statistics.max or statistics.null_count:
            return True
    return False

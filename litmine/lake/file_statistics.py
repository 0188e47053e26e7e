"""What the footers of a lake's files say of their columns, so that views read files by name and skip article parts.

Files never change, so a footer is read once. A lake with many files has the results in a cache file in LITMINE_HOME,
which may be deleted at any time: a file counts as known only if its size and modification time are those of the cache.
"""

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from litmine.errors import LakeError
from litmine.lake.lake_cache import MIN_CACHED, cache_file, write_cache
from litmine.lake.parquet import report_read_errors
from litmine.lake.paths import LakePath
from litmine.schema import arrow_schema, find_schema_conflict
from litmine.specs import ARTICLES

_MARKS = ("text_changed", "pmid_known")


@dataclass(frozen=True, slots=True)
class FileStatistics:
    """What a file's footer says.

    rows: number of rows. missing: the declared columns that the file is too old to have; None if a column has another
    name, field id or type than declared, so that the file must be read by field ids. text_changed, pmid_known: a row of
    an article part may have this mark.
    """

    rows: int
    missing: tuple[str, ...] | None
    text_changed: bool
    pmid_known: bool


# For a file whose footer cannot be read here, which its reader reports.
UNKNOWN = FileStatistics(0, None, True, True)


def read_statistics(lake: LakePath, table: str, files: Iterable[LakePath]) -> list[FileStatistics]:
    """The statistics of files of a table, in their order. All are UNKNOWN in an object store: a request costs more."""
    if not isinstance(lake, Path):
        return [UNKNOWN for _ in files]
    # The name changes with the columns that `missing` is about.
    schema = blake2b(arrow_schema(table).to_string(show_field_metadata=False).encode(), digest_size=4).hexdigest()
    cache = cache_file(lake, f"{table}-{schema}.json")
    cached = _read_cache(cache)
    entries: dict[str, list[Any]] = {}
    accepted: list[tuple[pa.Schema, tuple[str, ...]]] = []
    found = []
    for file in map(Path, map(str, files)):
        key = str(file)[len(str(lake)) + 1 :]
        try:
            stat = file.stat()
            entry = cached.get(key, [])
            if entry[:2] != [stat.st_size, stat.st_mtime_ns]:
                entry = [stat.st_size, stat.st_mtime_ns, *astuple(_read_footer(table, file, accepted))]
            entries[key] = entry
            rows, missing, *marks = entry[2:]
            found.append(FileStatistics(rows, None if missing is None else tuple(missing), *marks))
        except (LakeError, OSError):
            found.append(UNKNOWN)
    if sum(cached.get(key) is not entry for key, entry in entries.items()) >= MIN_CACHED:
        write_cache(cache, json.dumps(entries).encode())
    return found


def _read_footer(table: str, file: Path, accepted: list[tuple[pa.Schema, tuple[str, ...]]]) -> FileStatistics:
    """Read a footer. `accepted` collects schemas without a conflict, since most files have the same one."""
    with report_read_errors(file):
        metadata = pq.read_metadata(file)
        schema = metadata.schema.to_arrow_schema()
        missing = next((names for one, names in accepted if schema.equals(one, check_metadata=True)), None)
        if missing is None and find_schema_conflict(table, schema) is None:
            missing = tuple(name for name in arrow_schema(table).names if name not in schema.names)
            accepted.append((schema, missing))
        text_changed, pmid_known = (table != ARTICLES or _may_be_marked(metadata, schema, name) for name in _MARKS)
        return FileStatistics(metadata.num_rows, missing, text_changed, pmid_known)


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


def _read_cache(file: Path) -> dict[str, list[Any]]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}

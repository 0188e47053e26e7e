"""Verify the checksums of the small tables before SQL reads them, because DuckDB does not.

These are the tables that no other command reads as a whole: readings, what was retrieved, questions, and logs. Articles
and what models make of them are verified by the commands that read them (`annotate`, `ask`, `compact`,
`doctor --deep`). A file is verified once, and again when it has changed.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from litmine.errors import LakeError
from litmine.lake.duckdb_errors import verify_parquet
from litmine.lake.lake_cache import read_cached_json, write_cached_json
from litmine.lake.paths import PART_TASKS, LakePath, relative_path
from litmine.specs import ARTICLES

# So many files more than the cache knows are worth writing it.
_MIN_NEW = 8
_THREADS = 4
_KEY = "1"
# What this process has verified: identities by path.
_verified: dict[Path, list[int]] = {}


def verify_files(lake: LakePath, table: str, files: Sequence[LakePath]) -> None:
    """Verify the files of a table, unless they are articles, results of a model for them, or objects.

    Raises the LakeError of the first damaged file. A file that is gone is left to the query.
    """
    if not isinstance(lake, Path) or table == ARTICLES or table in PART_TASKS:
        return
    identities = {path: _identity(path) for path in files if isinstance(path, Path)}
    new = {path: now for path, now in identities.items() if now is not None and _verified.get(path) != now}
    if not new:
        return
    name = f"verified-{table}"
    cached: dict[str, list[int]] = read_cached_json(lake, name, _KEY) or {}
    unknown = [path for path, now in new.items() if cached.get(relative_path(lake, path)) != now]
    with ThreadPoolExecutor(_THREADS) as pool:
        for error in pool.map(_damage, unknown):
            if error is not None:
                raise error
    _verified.update(new)
    if len(unknown) >= _MIN_NEW:
        write_cached_json(lake, name, _KEY, {relative_path(lake, path): now for path, now in identities.items() if now})


def _identity(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    # The time of change too: a program can set the time of modification.
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _damage(path: Path) -> LakeError | None:
    try:
        verify_parquet(path)
    except LakeError as error:
        return error if path.exists() else None
    return None

"""Verify the checksums of files before SQL reads them, because DuckDB does not.

A file is verified once, and again when it has changed. Small tables, which no other command reads as a whole, are
verified completely: readings, what was retrieved, questions, logs, term lists and vocabularies. Of articles and what
models make of them, a query verifies at most 1 GiB, and the next query verifies more; the commands that read them
(`annotate`, `ask`, `compact`, `doctor --deep`) verify all of them.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from litmine.errors import LakeError
from litmine.lake.checksums import check_content
from litmine.lake.duckdb_errors import verify_parquet
from litmine.lake.folders import require_plain
from litmine.lake.lake_cache import read_cached_json, write_cached_json
from litmine.lake.parquet import report_read_errors
from litmine.lake.paths import PART_TASKS, LakePath, relative_path
from litmine.specs import ARTICLES

# A query verifies so many bytes of large tables: a quarter of a second on one core if they are in memory.
_QUERY_BYTES = 1 << 30
# To open a small file takes as long as to read so many bytes.
_MIN_BYTES = 256 << 10
# So many files more than the cache knows are worth writing it, or so many bytes.
_MIN_NEW, _MIN_NEW_BYTES = 8, 4_000_000
_THREADS = 4
_KEY = "1"
# Names of what litmine keeps beside a lake, in place of a table's.
CONCEPTS, SEARCH = "concepts", "search"
# What this process has verified: identities by path.
_verified: dict[Path, list[int]] = {}


def check_parquet(path: Path) -> None:
    """Verify a Parquet file: its own checksum, or in a file without one those of its pages. Raises LakeError."""
    with report_read_errors(path):
        require_plain(path)
        if check_content(path):
            return
    verify_parquet(path)


class FileVerifier:
    """Verifies files of one lake for one query."""

    def __init__(
        self, lake: LakePath, check: Callable[[Path], None] = check_parquet, max_bytes: int = _QUERY_BYTES
    ) -> None:
        """check: verifies a file and raises LakeError. max_bytes: how much of large tables is verified."""
        self._lake = lake
        self._check = check
        self._left = max_bytes

    def verify(self, table: str, files: Iterable[LakePath], suspect: Collection[LakePath] = ()) -> None:
        """Verify files of a table, unless they are objects.

        table: the name of a table, CONCEPTS or SEARCH. suspect: files that are verified even beyond `max_bytes`. Raises
        the LakeError of the first damaged file. A file that is gone is left to the query.
        """
        local = [path for path in files if isinstance(path, Path)]
        if not isinstance(self._lake, Path) or not local:
            return
        new = {path: now for path in local if (now := _identity(path)) is not None and _verified.get(path) != now}
        if not new:
            return
        name = f"verified-{table}"
        cached: dict[str, list[int]] = read_cached_json(self._lake, name, _KEY) or {}
        names = {path: relative_path(self._lake, path) for path in new}
        unknown = [path for path, now in new.items() if cached.get(names[path]) != now]
        if table in (ARTICLES, CONCEPTS, SEARCH) or table in PART_TASKS:
            unknown = self._within_budget(unknown, new, suspect)
        self._check_all(unknown)
        chosen = set(unknown)
        done = {path: now for path, now in new.items() if path in chosen or cached.get(names[path]) == now}
        _verified.update(done)
        if len(unknown) >= _MIN_NEW or sum(new[path][1] for path in unknown) >= _MIN_NEW_BYTES:
            known = {relative_path(self._lake, path): _verified[path] for path in local if path in _verified}
            others = {name: entry for name, entry in cached.items() if (self._lake / name).exists()}
            write_cached_json(self._lake, name, _KEY, others | known)

    def _within_budget(
        self, files: Sequence[Path], identities: dict[Path, list[int]], suspect: Collection[LakePath]
    ) -> list[Path]:
        chosen = []
        for path in files:
            size = max(_MIN_BYTES, identities[path][1])
            if path in suspect or self._left > 0:
                self._left -= size
                chosen.append(path)
        return chosen

    def _check_all(self, files: Sequence[Path]) -> None:
        if len(files) == 1:  # starting a thread takes longer
            errors = [self._damage(files[0])]
        else:
            with ThreadPoolExecutor(_THREADS) as pool:
                errors = list(pool.map(self._damage, files))
        for error in errors:
            if error is not None:
                raise error

    def _damage(self, path: Path) -> LakeError | None:
        try:
            self._check(path)
        except LakeError as error:
            return error if path.exists() else None
        return None


def _identity(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    # The time of change too: a program can set the time of modification.
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]

"""Find the damaged file behind a DuckDB error, whose message often does not name it."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from litmine.errors import LakeError, LitmineError
from litmine.lake.checksums import check_content
from litmine.lake.folders import is_file, parquet_files, require_plain
from litmine.lake.parquet import open_parquet, report_read_errors
from litmine.lake.paths import LakePath
from litmine.lake.query_limits import limit_error

# DuckDB starts messages about faulty queries with the kind of error. Messages about damaged files have no kind, or one
# of these. "Invalid" stands before the same messages without a kind when they come through an Arrow reader.
_ERROR_KIND = re.compile(r"^(?P<kind>[A-Za-z ]+) Error: ")
_DAMAGE_KINDS = {"IO", "INTERNAL", "Invalid", "Serialization"}


def _lake_error(message: str) -> LakeError:
    return LakeError(f"the lake cannot be read: {message}")


@contextmanager
def report_damaged_files(
    lake: LakePath,
    otherwise: Callable[[str], LitmineError] = _lake_error,
    also: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Turn DuckDB errors in the block into a LakeError that names the damaged file.

    A query that exceeded a limit raises QueryLimitError. If no file is damaged, raise the error that `otherwise` makes
    from DuckDB's message. `also` lists further exception types to handle in the same way.
    """
    import duckdb

    handled: tuple[type[Exception], ...] = (duckdb.Error, *also)
    try:
        yield
    except handled as error:
        if (limit := limit_error(str(error))) is not None:
            raise limit from error
        raise _find_damage(lake, str(error)) or otherwise(str(error)) from error


def verify_parquet(path: LakePath) -> None:
    """Read a whole Parquet file and verify all checksums. Raises LakeError when it is damaged."""
    with report_read_errors(path):
        if isinstance(path, Path):
            require_plain(path)
            check_content(path)
    with open_parquet(path) as file:
        for _ in file.iter_batches():
            pass


def _find_damage(lake: LakePath, message: str) -> LakeError | None:
    """The error of the first damaged or unreadable file, if any.

    Verifies the files that the message names. If it names none but suggests damage, verifies all files of the lake.
    """
    named = {lake / name for name in re.findall(rf"{re.escape(str(lake))}/([^\"'\n]+\.parquet)", message)}
    if named:
        return _first_damaged(path for path in sorted(named) if is_file(path))
    kind = _ERROR_KIND.match(message)
    if kind is None or kind["kind"] in _DAMAGE_KINDS or "Invalid unicode" in message:
        return _first_damaged(parquet_files(lake))
    return None


def _first_damaged(paths: Iterable[LakePath]) -> LakeError | None:
    for path in paths:
        try:
            verify_parquet(path)
        except LakeError as error:
            return error
    return None

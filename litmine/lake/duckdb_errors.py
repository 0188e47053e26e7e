"""What DuckDB says about a damaged file, turned into a sentence that names the file."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from litmine.errors import LakeError, LitmineError
from litmine.lake.parquet import opened
from litmine.lake.paths import Place

# A query's own mistakes carry the name of their kind; a decoder that stumbles over bytes does not, or is one of these.
_KIND = re.compile(r"^(?P<kind>[A-Za-z ]+) Error: ")
_SUSPECT_KINDS = {"IO", "INTERNAL", "Serialization"}


@contextmanager
def naming_damage(
    lake: Place,
    otherwise: Callable[[str], LitmineError] = lambda message: LakeError(f"the lake cannot be read: {message}"),
    also: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Turn what DuckDB raises in the block, and `also` these, into a LakeError that names the damaged file.

    Where no file is damaged it becomes what `otherwise` makes of the message.
    """
    import duckdb

    refused: tuple[type[Exception], ...] = (duckdb.Error, *also)
    try:
        yield
    except refused as error:
        raise _find_damage(lake, str(error)) or otherwise(str(error)) from error


def _find_damage(lake: Place, message: str) -> LakeError | None:
    """The damaged or unreadable file behind DuckDB's message, if there is one.

    The files that the message names are read and verified; where it names none but smells of damage, all of the lake's.
    """
    named = {lake / found for found in re.findall(rf"{re.escape(str(lake))}/([^\"'\n]+\.parquet)", message)}
    if named:
        return _first_damaged(path for path in sorted(named) if path.is_file())
    kind = _KIND.match(message)
    if kind is None or kind["kind"] in _SUSPECT_KINDS or "Invalid unicode" in message:
        return _first_damaged(sorted(lake.rglob("*.parquet")))
    return None


def verify(path: Place) -> None:
    """Read a file from end to end. Raises LakeError when it is damaged."""
    with opened(path) as file:
        for _ in file.iter_batches():
            pass


def _first_damaged(paths: Iterable[Place]) -> LakeError | None:
    for path in paths:
        try:
            verify(path)
        except LakeError as error:
            return error
    return None

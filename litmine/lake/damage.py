"""What DuckDB says about a damaged file, turned into a sentence that names the file."""

import re
from collections.abc import Iterable

from litmine.errors import LakeError
from litmine.lake.place import Place
from litmine.lake.tables import opened

# A query's own mistakes carry the name of their kind; a decoder that stumbles over bytes does not, or is one of these.
_KIND = re.compile(r"^(?P<kind>[A-Za-z ]+) Error: ")
_SUSPECT_KINDS = {"IO", "INTERNAL", "Serialization"}


def find_damage(lake: Place, message: str) -> LakeError | None:
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

"""Which files of a folder count: those that are there, without the ones that a merged file among them has replaced.

A merge notes in `replaced/` what it is about to replace, and then names its file: that is the commit. Who lists a
folder first and reads the notes after it sees each row once: a merged file that the listing has was noted before, and
what is noted of one that it has not is of no effect.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from litmine.lake.place import Place
from litmine.lake.tables import EMPTY, read, reading
from litmine.schema import TABLES

REPLACED = "replaced"


def files(lake: Place, folder: str) -> dict[str, Place]:
    """The files in a folder of the lake, replaced ones included, by name without ending."""
    return {path.stem: path for path in (lake / folder).glob("*.parquet") if path.name != EMPTY}


def live(lake: Place, folder: str) -> dict[str, Place]:
    """The files in a folder of the lake that count, by name without ending, in the names' order.

    They stay for the grace of a compaction (hours) after another file has replaced them. Raises LakeError for a damaged
    note.
    """
    there = files(lake, folder)
    return _counting(folder, there, notes(lake))


def live_tables(lake: Place) -> dict[str, list[Place]]:
    """The files of every table that count; of entities those of the article parts that do. Raises as `live`."""
    readers = sorted(path.name for path in (lake / "readings").glob("model=*"))
    tables = [table for table in TABLES if table not in ("entities", "readings")]
    there = {folder: files(lake, folder) for folder in [*tables, *(f"readings/{name}" for name in readers)]}
    noted = notes(lake)
    counting = {folder: _counting(folder, names, noted) for folder, names in there.items()}
    found: dict[str, list[Place]] = {table: [] for table in TABLES}
    for folder, paths in counting.items():
        found[folder.partition("/")[0]] += paths.values()
    parts = counting["articles"]
    found["entities"] = sorted(path for path in (lake / "entities").glob("*/*.parquet") if path.stem in parts)
    return found


def notes(lake: Place) -> dict[Place, list[tuple[str, str]]]:
    """What each note says: pairs of a file and the one that replaces it once it is there."""
    noted: dict[Place, list[tuple[str, str]]] = {}
    for path in (lake / REPLACED).glob("*.parquet"):
        rows = read(path, ["file", "by"])
        with reading(path):
            noted[path] = list(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    return noted


def _counting(
    folder: str, there: Mapping[str, Place], noted: Mapping[Place, Sequence[tuple[str, str]]]
) -> dict[str, Place]:
    gone = [
        PurePosixPath(file).name
        for pairs in noted.values()
        for file, by in pairs
        if PurePosixPath(by).parent.as_posix() == folder and PurePosixPath(by).name in there
    ]
    return {name: there[name] for name in sorted(there.keys() - gone)}

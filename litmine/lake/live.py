"""Which files of a folder count: those that are there, without the ones that a merged file among them has replaced.

A merge notes in `replaced/` what it is about to replace, and then names its file: that is the commit. Who lists a
folder first and reads the notes after it sees each row once: a merged file that the listing has was noted before, and
what is noted of one that it has not is of no effect.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from litmine.lake.object_store import ObjectPath
from litmine.lake.place import Place
from litmine.lake.tables import EMPTY, read, reading
from litmine.schema import TABLES

REPLACED = "replaced"
_BY_MODEL = ("entities", "readings")


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
    there = _listed_at_once(lake) if isinstance(lake, ObjectPath) else _listed(lake)
    noted = notes(lake)
    parts = _counting("articles", there["articles"], noted)
    found: dict[str, list[Place]] = {table: [] for table in TABLES}
    for folder, names in there.items():
        table = folder.partition("/")[0]
        counting = names.keys() & parts if table == "entities" else _counting(folder, names, noted)
        found[table] += [names[name] for name in sorted(counting)]
    return found


def _listed(lake: Path) -> dict[str, dict[str, Place]]:
    """The files of every folder of a table or a model. Targets come after parts: those of a merged one are older."""
    tables = ["articles", *(table for table in TABLES if table not in ("articles", *_BY_MODEL))]
    by_model = [f"{table}/{path.name}" for table in _BY_MODEL for path in sorted((lake / table).glob("model=*"))]
    return {folder: files(lake, folder) for folder in [*tables, *by_model]}


def _listed_at_once(lake: ObjectPath) -> dict[str, dict[str, Place]]:
    """As `_listed`, by one listing, which a store gives in the order of names: articles/ before entities/."""
    there: dict[str, dict[str, Place]] = {table: {} for table in TABLES if table not in _BY_MODEL}
    for path in lake.rglob("*.parquet"):
        folder = path.parent.url.removeprefix(f"{lake}/")
        if folder.partition("/")[0] in TABLES and path.name != EMPTY:
            there.setdefault(folder, {})[path.stem] = path
    return there


def notes(lake: Place) -> dict[Place, list[tuple[str, str]]]:
    """What each note says: pairs of a file and the one that replaces it once it is there."""
    noted: dict[Place, list[tuple[str, str]]] = {}
    for path in files(lake, REPLACED).values():
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

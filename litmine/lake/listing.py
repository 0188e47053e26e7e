"""Which files of a folder count: those that are there, without the ones that a merged file among them has replaced.

A merge notes in `replaced/` what it is about to replace, and then names its file: that is the commit. Who lists a
folder first and reads the notes after it sees each row once: a merged file that the listing has was noted before, and
what is noted of one that it has not is of no effect.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from litmine.lake.object_store import ObjectPath
from litmine.lake.parquet import EMPTY, read, reading
from litmine.lake.paths import BY_MODEL, PART_TASKS, REPLACED, TABLES, Place, depth
from litmine.specs import ARTICLES


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
    """The files of every table that count; of targets those of the article parts that do. Raises as `live`."""
    # Targets come after parts: those of a merged part are older than it is. The notes come last.
    parts = files(lake, ARTICLES)
    there = _listed_at_once(lake) if isinstance(lake, ObjectPath) else _listed(lake)
    noted = notes(lake)
    counting = _counting(ARTICLES, parts, noted)
    found: dict[str, list[Place]] = {table: [] for table in TABLES}
    found[ARTICLES] = list(counting.values())
    for folder, names in there.items():
        table = folder.partition("/")[0]
        own = names.keys() & counting if table in PART_TASKS else _counting(folder, names, noted)
        found[table] += [names[name] for name in sorted(own)]
    return found


def _listed(lake: Path) -> dict[str, dict[str, Place]]:
    """The files of every folder but that of the parts."""
    tables = [table for table in TABLES if table not in (ARTICLES, *BY_MODEL)]
    by_model = [folder for table in BY_MODEL for folder in model_folders(lake, table)]
    return {folder: files(lake, folder) for folder in [*tables, *by_model]}


def model_folders(lake: Place, table: str) -> list[str]:
    """The folders with files of one model each, as the lake names them."""
    pattern = "/".join(("model=*", "of=*")[: depth(table)])
    if isinstance(lake, Path):
        found = {str(path) for path in (lake / table).glob(pattern)}
    else:
        # A store lists objects, not folders.
        found = {str(path.parent) for path in (lake / table).glob(f"{pattern}/*.parquet")}
    return sorted(path.removeprefix(f"{lake}/") for path in found)


def _listed_at_once(lake: ObjectPath) -> dict[str, dict[str, Place]]:
    """As `_listed`, by one listing."""
    there: dict[str, dict[str, Place]] = {}
    for path in lake.rglob("*.parquet"):
        folder = path.parent.url.removeprefix(f"{lake}/")
        table = folder.partition("/")[0]
        if table in TABLES and table != ARTICLES and path.name != EMPTY:
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

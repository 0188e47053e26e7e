"""The files of a lake: each where it belongs, readable, as declared; each target with its part."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from litmine.atomic_write import TEMPORARY
from litmine.errors import LakeError
from litmine.lake.articles import part_summary
from litmine.lake.compaction import MERGED, absorbed
from litmine.lake.duckdb_errors import verify
from litmine.lake.parquet import EMPTY, damaged, read_footer, shape
from litmine.lake.paths import BY_MODEL, PART_TASKS, TABLES, Place, depth, within
from litmine.pipeline.doctor.finding import Finding, note, wrong
from litmine.schema import find_schema_conflict
from litmine.specs import ARTICLES

# What litmine keeps beside its tables; the search index and the catalogue are looked at elsewhere.
_BESIDE = (".locks", ".spool", "search", "lake.json", "lake.duckdb", "lake.duckdb.wal")
_WITH_FOOTER = (ARTICLES, *BY_MODEL)
_HOUR = 3600


@dataclass(slots=True)
class Examined:
    """The files that are in order, by table; what else there is to say of contents comes of them."""

    files: dict[str, list[Place]] = field(default_factory=lambda: {table: [] for table in TABLES})


def examine_files(lake: Place, examined: Examined, deep: bool) -> Iterator[Finding]:
    """What is wrong with files; those that are in order go to `examined`. `deep` reads each to its end."""
    found: list[Place] = [*lake.rglob("*")]
    for path in sorted(found):
        place = tuple(within(lake, path).split("/"))
        if place[0] in _BESIDE or path.is_dir():
            continue
        table = place[0] if _is_table(place) else None
        if path.name.endswith(TEMPORARY):
            yield _leftover(path)
        elif table is None:
            yield note(
                "/".join(place),
                "is none of litmine's files; move it out of the lake, where a later litmine may trip over it",
            )
        else:
            try:
                _check(table, path, deep)
            except LakeError as error:
                yield wrong("/".join(place), str(error))
            else:
                examined.files[table].append(path)


def examine_targets(lake: Place, examined: Examined) -> Iterator[Finding]:
    """Targets that belong to no part; the files that are in order and have a part stay in `examined`."""
    parts = {path.stem for path in (lake / ARTICLES).glob("*.parquet")}
    try:
        merged = absorbed(lake, ARTICLES)
    except LakeError:
        merged = set()  # A merged part is damaged, which has been said.
    for table in PART_TASKS:
        kept = []
        for path in examined.files[table]:
            if path.stem in parts or path.name == EMPTY:
                kept.append(path)
            elif path.stem in merged or path.stem.startswith(MERGED):
                yield note(within(lake, path), "is left of a merge; the next `litmine compact` deletes it")
            else:
                yield wrong(
                    within(lake, path),
                    f"belongs to no article part ({ARTICLES}/{path.name} is gone); restore it, or delete this file",
                )
        examined.files[table] = kept


def _is_table(place: tuple[str, ...]) -> bool:
    if place[0] not in TABLES or not place[-1].endswith(".parquet"):
        return False
    folders = place[1:-1]
    return len(folders) == depth(place[0]) and all(
        folder.startswith(prefix) for folder, prefix in zip(folders, ("model=", "of="), strict=False)
    )


def _leftover(path: Place) -> Finding:
    try:
        hours = (time.time() - path.stat().st_mtime) / _HOUR
    except FileNotFoundError:
        return note(path.name, "was being written just now")
    if hours < 1:
        return note(
            path.name, "is being written, or was left by a run that was killed within the hour; the latter is harmless"
        )
    return note(path.name, f"was left {hours:,.0f} h ago by a run that was killed; it is harmless: delete {path}")


def _check(table: str, path: Place, deep: bool) -> None:
    """Raise LakeError for a file that cannot be read or is not as declared. Small tables are always read whole."""
    schema, rows = shape(path)
    problem = find_schema_conflict(table, schema)
    if problem is not None:
        raise damaged(path, problem)
    if path.name != EMPTY:
        _check_footer(table, path, rows)
    if deep or table not in _WITH_FOOTER:
        verify(path)


def _check_footer(table: str, path: Place, rows: int) -> None:
    if table == ARTICLES:
        said = part_summary(path).rows
        if said != rows:
            raise damaged(path, f"it has {rows} rows and its footer says {said}")
    elif table in BY_MODEL:
        footer = read_footer(path)
        if table in PART_TASKS and footer.get("part") != path.stem:
            raise damaged(path, f"it was made of the part {footer.get('part')}")

"""The views of `schemas/views.sql` over one lake: in a connection of their own, and in the lake's catalogue file."""

import re
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from litmine.lake.files import unwritable, write_whole
from litmine.schema import TABLES, arrow_schema, schema_file

if TYPE_CHECKING:
    import duckdb

CATALOGUE = "lake.duckdb"
_FILES = {
    "articles": "articles/*.parquet",
    "entities": "entities/*/*.parquet",
    "files": "files/*.parquet",
    "questions": "questions/*.parquet",
    "readings": "readings/*/*.parquet",
    "retrieved": "retrieved/*.parquet",
    "runs": "runs/*.parquet",
}
_DUCKDB_TYPES = {
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.float32(): "FLOAT",
    pa.bool_(): "BOOLEAN",
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


def connect(lake: Path) -> "duckdb.DuckDBPyConnection":
    """An in-memory DuckDB that shows the lake's views, timestamps in UTC. Raises duckdb.Error for a damaged file."""
    connection = quiet_duckdb()
    connection.execute("SET TimeZone = 'UTC'")
    interruptibly(connection, lambda: connection.execute(views_sql(lake)))
    return connection


def quiet_duckdb() -> "duckdb.DuckDBPyConnection":
    """An in-memory DuckDB without its progress bar, which goes to stdout: that is for data."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    return connection


def interruptibly(connection: "duckdb.DuckDBPyConnection", call: Callable[[], Any]) -> Any:
    """What `call` returns. DuckDB on the main thread hears Ctrl-C by chance, so that it runs on another."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call)
        try:
            return running.result()
        except KeyboardInterrupt:
            connection.interrupt()
            raise


def write_catalogue(lake: Path) -> bool:
    """Bring `lake.duckdb` up to date with the lake's place and the views; returns whether it had to be written.

    It is built aside and renamed, so that a tool which holds the old one open keeps it. Raises LakeError.
    """
    import duckdb

    if catalogue_is_current(lake):
        return False
    path = lake / CATALOGUE

    def build(temporary: Path) -> None:
        try:
            with duckdb.connect(str(temporary)) as catalogue:
                # Leaving the log behind would leave the views in it, were the disk full.
                interruptibly(catalogue, lambda: catalogue.execute(f"{views_sql(lake)}; CHECKPOINT"))
        except duckdb.Error as error:
            raise unwritable(path, OSError(" ".join(str(error).split()))) from error
        finally:
            temporary.with_name(f"{temporary.name}.wal").unlink(missing_ok=True)

    return write_whole(path, build)


def catalogue_is_current(lake: Path) -> bool:
    """Whether `lake.duckdb` shows the views of this version at the lake's place; False where another tool holds it."""
    import duckdb

    with connect(lake) as expected:
        wanted = _definitions(expected)
    try:
        with duckdb.connect(str(lake / CATALOGUE), read_only=True) as present:
            return _definitions(present) == wanted
    except duckdb.Error:
        return False


def views_sql(lake: Path) -> str:
    """The statements of `schemas/views.sql` for the lake at this absolute path."""
    place = glob_escaped(lake).replace("'", "''")
    there = {table for table in TABLES if any(lake.glob(_FILES[table]))}

    def rows_of(found: re.Match[str]) -> str:
        columns = found["columns"].split(", ") if found["columns"] else arrow_schema(found["table"]).names
        return _rows_of(found["table"], columns, found["table"] in there)

    sql = re.sub(rf"{{(?P<table>{'|'.join(TABLES)})(: (?P<columns>[a-z_, ]+))?}}", rows_of, _template())
    return sql.replace("{lake}", place)


def _rows_of(table: str, names: Collection[str], exists: bool) -> str:
    """What stands behind FROM: columns of the table's files, or no rows where a lake is older than the table."""
    by_name = _FILES[table].count("*") > 1
    if exists:
        return f"read_parquet('{{lake}}/{_FILES[table]}', filename = {by_name}, schema = {schema_map(table, names)})"
    fields = (field for field in arrow_schema(table) if field.name in names)
    columns = [f"NULL::{_duckdb_type(field.type)} AS {field.name}" for field in fields]
    if by_name:
        columns.append("NULL::VARCHAR AS filename")
    return f"(SELECT {', '.join(columns)} WHERE false)"


def sentences() -> dict[str, str]:
    """Each view's name and the sentence that says what it shows, in the order of `schemas/views.sql`."""
    return dict(re.findall(r"^-- (\w+): (.+)\nCREATE VIEW \1 ", _template(), flags=re.MULTILINE))


def schema_map(table: str, names: Collection[str] | None = None) -> str:
    """The `schema` argument of read_parquet that reads columns by field id, null where a file is older.

    All of the table's columns, or those of the names.
    """
    columns = (
        f"{int(field.metadata[b'PARQUET:field_id'])}: "
        f"{{name: '{field.name}', type: '{_duckdb_type(field.type)}', default_value: NULL}}"
        for field in arrow_schema(table)
        if names is None or field.name in names
    )
    return f"MAP {{{', '.join(columns)}}}"


def glob_escaped(path: Path) -> str:
    """The path as a pattern that matches it alone."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


@cache
def _template() -> str:
    return schema_file("views.sql").read_text(encoding="utf-8")


def _definitions(connection: "duckdb.DuckDBPyConnection") -> list[tuple[str, ...]]:
    return connection.execute(
        "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY view_name"
    ).fetchall()


def _duckdb_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_duckdb_type(kind.value_type)}[]"
    if pa.types.is_map(kind):
        return f"MAP({_duckdb_type(kind.key_type)}, {_duckdb_type(kind.item_type)})"
    if pa.types.is_struct(kind):
        inner = ", ".join(f'"{field.name}" {_duckdb_type(field.type)}' for field in kind)
        return f"STRUCT({inner})"
    return _DUCKDB_TYPES[kind]

"""The views of `schemas/views.sql` over one lake: in a connection of their own, and in the lake's catalogue file."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from litmine.lake.file_writer import unwritable, write_whole
from litmine.lake.listing import live_tables
from litmine.lake.object_store import ObjectPath
from litmine.lake.paths import PAIR_TASKS, PART_TASKS, REPLACED, TABLES, Place, depth, file_pattern
from litmine.lake.view_definitions import statements
from litmine.schema import arrow_schema
from litmine.specs import ARTICLES

if TYPE_CHECKING:
    import duckdb

CATALOGUE = "lake.duckdb"
# The view that has the catalogue's mark as its comment.
_MARKED = "article_versions"
_DUCKDB_TYPES = {
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.float32(): "FLOAT",
    pa.bool_(): "BOOLEAN",
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}

# The catalogues that this process wrote or found current, as they were then.
_current: dict[Path, tuple[tuple[int, ...] | None, str]] = {}


def connect(lake: Place) -> "duckdb.DuckDBPyConnection":
    """An in-memory DuckDB that shows the lake's views, timestamps in UTC, over the files that count now.

    Raises duckdb.Error for a damaged file, LakeError for a damaged note of replaced ones.
    """
    connection = quiet_duckdb(lake)
    show(connection, lake)
    return connection


def show(connection: "duckdb.DuckDBPyConnection", lake: Place, names: Collection[str] | None = None) -> None:
    """Make the views in a connection: all, or those of the names and what these read. Raises as `connect`."""
    connection.execute("SET TimeZone = 'UTC'")
    there = live_tables(lake)
    for table, files in there.items():
        connection.execute(f"SET VARIABLE {table}_files = $1", [[glob_escaped(file) for file in files]])
    sql = _filled(statements(names), _listed, {table for table in there if there[table]})
    if sql:
        interruptibly(connection, lambda: connection.execute(sql))


def quiet_duckdb(lake: Place | None = None) -> "duckdb.DuckDBPyConnection":
    """An in-memory DuckDB that can read a lake's files, without its progress bar: stdout is for data."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    if isinstance(lake, ObjectPath):
        # Only such a lake needs fsspec.
        from litmine.lake.object_reader import ObjectReader

        connection.register_filesystem(ObjectReader(lake))
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


def write_catalogue(lake: Place) -> bool:
    """Bring `lake.duckdb` up to date with the lake's place and the views; returns whether it had to be written.

    It is built aside and renamed, so that a tool which holds the old one open keeps it. A lake on an object store has
    none. Raises LakeError.
    """
    import duckdb

    if isinstance(lake, ObjectPath):
        return False
    path, wanted = lake / CATALOGUE, catalogue_sql(lake)
    there = _stamp(path)
    if there is not None and (_current.get(path) == (there, wanted) or catalogue_is_current(lake)):
        _current[path] = there, wanted
        return False

    def build(temporary: Path) -> None:
        try:
            with duckdb.connect(str(temporary)) as catalogue:
                interruptibly(catalogue, lambda: catalogue.execute(wanted))
                mark = _mark(wanted, catalogue)
                # Leaving the log behind would leave the views in it, were the disk full.
                catalogue.execute(f"COMMENT ON VIEW {_MARKED} IS '{mark}'; CHECKPOINT")
        except duckdb.Error as error:
            raise unwritable(path, OSError(" ".join(str(error).split()))) from error
        finally:
            temporary.with_name(f"{temporary.name}.wal").unlink(missing_ok=True)
        _current[path] = _stamp(temporary), wanted

    return write_whole(path, build)


def _stamp(file: Path) -> tuple[int, ...] | None:
    """What tells a file from any other that had its name; None when there is none."""
    try:
        about = file.stat()
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns


def catalogue_is_current(lake: Place) -> bool:
    """Whether `lake.duckdb` shows the views of this version at the lake's place; False where another tool holds it.

    True for a lake on an object store, which has none.
    """
    if isinstance(lake, ObjectPath):
        return True
    import duckdb

    try:
        with duckdb.connect(str(lake / CATALOGUE), read_only=True) as present:
            says = present.execute("SELECT comment FROM duckdb_views() WHERE view_name = $1", [_MARKED]).fetchall()
            return says == [(_mark(catalogue_sql(lake), present),)]
    except duckdb.Error:
        return False


def _mark(wanted: str, catalogue: "duckdb.DuckDBPyConnection") -> str:
    """What stands in a catalogue for the statements that made it and for what DuckDB made of them.

    To make the views once more and compare would take a large part of what a short command takes.
    """
    shown = catalogue.execute("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL").fetchall()
    return blake2b(repr((wanted, shown)).encode(), digest_size=16).hexdigest()


def catalogue_sql(lake: Place) -> str:
    """The statements of `schemas/views.sql` over whatever files count in the lake at this absolute path when asked."""
    there = {table for table in TABLES if any((lake / table).glob(file_pattern(table)))}
    return _filled(statements(), _Looked(lake).up, there)


# What reads some files, given as SQL.
_Reader = Callable[[str], str]


class _Source(Protocol):
    """What stands behind FROM for a table, by its name, the reader and its columns; `every` also where none counts."""

    def __call__(self, table: str, reader: _Reader, columns: Sequence[str], every: bool = False) -> str: ...


def _filled(template: str, source: _Source, there: Collection[str]) -> str:
    """The template with `source` for each table that is there, and no rows for one that a lake is older than."""

    def footers_of(found: re.Match[str]) -> str:
        if found["table"] == "targets":
            return _union(
                [_target_footers(source, table, bool(found["every"])) for table in PART_TASKS if table in there]
            )
        if found["table"] not in there:
            return _NO_FOOTERS
        return source(found["table"], _footer_reader, ("file_name", "key", "value"))

    def rows_of(found: re.Match[str]) -> str:
        table = found["table"]
        names = found["columns"].split(", ") if found["columns"] else arrow_schema(table).names
        return _rows(source, table, names, table in there)

    def pairs(_found: re.Match[str]) -> str:
        rows = ((spec, _rows(source, table, ("pmid", "failed"), table in there)) for table, spec in PAIR_TASKS.items())
        return _union([f"(SELECT '{spec.name}' AS task, * FROM {of})" for spec, of in rows])

    tables = "|".join(TABLES)
    sql = re.sub(rf"{{footers of (?P<every>every )?(?P<table>targets|{tables})}}", footers_of, template)
    sql = re.sub(r"{pairs}", pairs, sql)
    return re.sub(rf"{{(?P<table>{tables})(: (?P<columns>[a-z_, ]+))?}}", rows_of, sql)


_NO_FOOTERS = "(SELECT NULL::VARCHAR AS file_name, NULL::BLOB AS key, NULL::BLOB AS value WHERE false)"
# In footers, where equal inputs are joined.
_NONE = "''"
_footer_reader: _Reader = "parquet_kv_metadata({})".format


def _union(selects: Sequence[str]) -> str:
    """The rows of all of these."""
    if not selects:
        names = ("task", "model", "inputs", "part")
        columns = ", ".join(f"NULL::VARCHAR AS {name}" for name in names)
        return f"(SELECT {columns}, NULL::BLOB AS key, NULL::BLOB AS value WHERE false)"
    return f"({' UNION ALL '.join(f'FROM {one}' for one in selects)})" if len(selects) != 1 else selects[0]


def _target_footers(source: _Source, table: str, every: bool) -> str:
    footers = source(table, _footer_reader, ("file_name", "key", "value"), every)
    path = (
        f"{_model(table, 'file_name')}, {_inputs(table, 'file_name', _NONE)}, parse_filename(file_name, true) AS part"
    )
    return f"(SELECT '{PART_TASKS[table].name}' AS task, {path}, key, value FROM {footers})"


def _model(table: str, name: str) -> str:
    """The model in a file's path, of which the lake's own may be anything.

    From the name and not by hive partitioning, which cannot be combined with reading by field ids; files that a
    condition on the model leaves out are passed over all the same.
    """
    inputs = "of=[^/]+/" * (depth(table) - 1)
    return f"url_decode(regexp_extract({name}, '/model=([^/]+)/{inputs}[^/]+$', 1)) AS model"


def _inputs(table: str, name: str, none: str) -> str:
    """Which inputs a file is made of, from its path; `none` where it is made of articles alone."""
    told = f"url_decode(regexp_extract({name}, '/of=([^/]+)/[^/]+$', 1))" if depth(table) > 1 else none
    return f"{told} AS inputs"


def _rows(source: _Source, table: str, names: Sequence[str], there: bool) -> str:
    """Columns of a table; of a task's table beside them what `litmine/lake/layout.py` puts into the path."""
    path: dict[str, str] = {}
    if table in PART_TASKS:
        path = {"model": _model(table, "filename"), "inputs": _inputs(table, "filename", "NULL::VARCHAR")}
    elif table in PAIR_TASKS:
        path = {"model": _model(table, "filename"), "slice": "parse_filename(filename, true) AS slice"}
    if not there:
        kinds = {field.name: _duckdb_type(field.type) for field in arrow_schema(table)}
        columns = [f"NULL::{kinds.get(name, 'VARCHAR')} AS {name}" for name in _in_order(path, names)]
        return f"(SELECT {', '.join(columns)} WHERE false)"

    def reader(files: str) -> str:
        return f"read_parquet({files}, filename = true, schema = {schema_map(table, names)})"

    if not path:
        return source(table, reader, names)
    columns = [path.get(name, name) for name in _in_order(path, names)]
    return f"(SELECT {', '.join(columns)} FROM {source(table, reader, [*names, 'filename'])})"


def _in_order(path: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """The model, the table's columns, and what else the path says."""
    return [*list(path)[:1], *names, *list(path)[1:]]


def _listed(table: str, reader: _Reader, columns: Sequence[str], every: bool = False) -> str:  # noqa: ARG001
    """The files that `connect` has listed, once for all views: there are no others."""
    files = f"getvariable('{table}_files')"
    return f"(SELECT {', '.join(columns)} FROM {reader(files)})"


class _Looked:
    """The files that count at the moment of asking."""

    def __init__(self, lake: Place) -> None:
        self._lake = lake
        self._place = glob_escaped(lake)

    def up(self, table: str, reader: _Reader, columns: Sequence[str], every: bool = False) -> str:
        """Join the files with those that count: what stands first is listed first, which `live` builds on."""
        files = self._glob(table)
        if every:
            return f"(SELECT {', '.join(columns)} FROM {reader(files)})"
        parts = ARTICLES if table in PART_TASKS else table
        name = "file_name" if "file_name" in columns else "filename"
        key = f"'{ARTICLES}/' || parse_filename({name}, true)" if table in PART_TASKS else self._key(name)
        return f"""(
    SELECT {", ".join(columns)}
    FROM (
        WITH listed AS MATERIALIZED (SELECT {self._key("file")} AS file FROM glob({self._glob(parts)}))
        SELECT file FROM listed
        WHERE file NOT IN (SELECT file FROM {self._notes()} AS notes WHERE notes.by IN (SELECT file FROM listed))
    ) AS live
    JOIN {reader(files)} ON live.file = {key}
)"""

    def _notes(self) -> str:
        if not any((self._lake / REPLACED).glob("*.parquet")):
            return "(SELECT NULL::VARCHAR AS file, NULL::VARCHAR AS by WHERE false)"
        return f"read_parquet({self._glob(REPLACED)}, schema = {schema_map(REPLACED)})"

    def _glob(self, table: str) -> str:
        return quoted(f"{self._place}/{table}/{file_pattern(table)}")

    def _key(self, column: str) -> str:
        """A file's path in the lake, without its ending."""
        start = len(str(self._lake)) + 2
        return f"substr({column}, {start}, length({column}) - {start + len('parquet')})"


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


def glob_escaped(path: Place) -> str:
    """The path as a pattern that matches it alone."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def quoted(text: str) -> str:
    """A string as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _duckdb_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_duckdb_type(kind.value_type)}[]"
    if pa.types.is_map(kind):
        return f"MAP({_duckdb_type(kind.key_type)}, {_duckdb_type(kind.item_type)})"
    if pa.types.is_struct(kind):
        inner = ", ".join(f'"{field.name}" {_duckdb_type(field.type)}' for field in kind)
        return f"STRUCT({inner})"
    return _DUCKDB_TYPES[kind]

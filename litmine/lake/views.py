"""The SQL views of a lake: in an in-memory DuckDB connection, and in the catalogue file `lake.duckdb`.

`schemas/*.sql` define the views as templates. This module fills in how each table's Parquet files are read.
"""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from litmine.lake.file_writer import file_write_error, write_atomically
from litmine.lake.listing import live_files_by_table
from litmine.lake.object_store import ObjectPath
from litmine.lake.paths import PAIR_TASKS, PART_TASKS, REPLACED, TABLES, LakePath, file_pattern, folder_depth
from litmine.lake.version_order import VERSION_COLUMNS, version_column, version_struct
from litmine.lake.view_definitions import view_statements
from litmine.schema import arrow_schema
from litmine.specs import ARTICLES

if TYPE_CHECKING:
    import duckdb

CATALOGUE = "lake.duckdb"
# The comment on this view of the catalogue is the catalogue's fingerprint.
_FINGERPRINT_VIEW = "article_versions"
_DUCKDB_TYPES = {
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.float32(): "FLOAT",
    pa.bool_(): "BOOLEAN",
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}

# Catalogues that this process has written or found current: the file's identity and the SQL that made it.
_checked_catalogues: dict[Path, tuple[tuple[int, ...] | None, str]] = {}


def connect(lake: LakePath) -> "duckdb.DuckDBPyConnection":
    """Open an in-memory DuckDB with the lake's views over the files that are live now. Timestamps are in UTC.

    Raises duckdb.Error for a damaged file, LakeError for a damaged merge note.
    """
    connection = open_duckdb(lake)
    create_views(connection, lake)
    return connection


def open_duckdb(lake: LakePath | None = None) -> "duckdb.DuckDBPyConnection":
    """Open an in-memory DuckDB that can read a lake's files. It draws no progress bar, because stdout is for data."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    if isinstance(lake, ObjectPath):
        # Imported here because only lakes in an object store need fsspec.
        from litmine.lake.object_reader import ReadOnlyFileSystem

        connection.register_filesystem(ReadOnlyFileSystem(lake))
    return connection


def create_views(connection: "duckdb.DuckDBPyConnection", lake: LakePath, names: Collection[str] | None = None) -> None:
    """Create the lake's views in a connection: all, or those named and the views that they read.

    Raises the same errors as `connect`.
    """
    connection.execute("SET TimeZone = 'UTC'")
    files_by_table = live_files_by_table(lake)
    for table, files in files_by_table.items():
        connection.execute(f"SET VARIABLE {table}_files = $1", [[escape_glob(file) for file in files]])
    tables = {table for table, files in files_by_table.items() if files}
    sql = _fill_template(view_statements(names), _select_listed, tables)
    if sql:
        run_interruptibly(connection, lambda: connection.execute(sql))


def run_interruptibly(connection: "duckdb.DuckDBPyConnection", call: Callable[[], Any]) -> Any:
    """Run `call` so that Ctrl-C interrupts it, and return its result.

    DuckDB may miss Ctrl-C when it runs on the main thread, so the call runs on another one.
    """
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call)
        try:
            return running.result()
        except KeyboardInterrupt:
            connection.interrupt()
            raise


def write_catalogue(lake: LakePath) -> bool:
    """Write `lake.duckdb` unless it matches the lake's path and the current views; return whether it was written.

    The new file replaces the old one in one step, so a tool that has the old one open can continue to use it. A lake
    in an object store has no catalogue. Raises LakeError when the file cannot be written.
    """
    import duckdb

    if isinstance(lake, ObjectPath):
        return False
    path, sql = lake / CATALOGUE, catalogue_sql(lake)
    identity = _file_identity(path)
    if identity is not None and (_checked_catalogues.get(path) == (identity, sql) or catalogue_is_current(lake)):
        _checked_catalogues[path] = identity, sql
        return False

    def build(temporary: Path) -> None:
        try:
            with duckdb.connect(str(temporary)) as catalogue:
                run_interruptibly(catalogue, lambda: catalogue.execute(sql))
                fingerprint = _fingerprint(sql, catalogue)
                # Without the checkpoint, the views could remain in the write-ahead log when the disk is full.
                catalogue.execute(f"COMMENT ON VIEW {_FINGERPRINT_VIEW} IS '{fingerprint}'; CHECKPOINT")
        except duckdb.Error as error:
            raise file_write_error(path, OSError(" ".join(str(error).split()))) from error
        finally:
            temporary.with_name(f"{temporary.name}.wal").unlink(missing_ok=True)
        _checked_catalogues[path] = _file_identity(temporary), sql

    return write_atomically(path, build)


def catalogue_is_current(lake: LakePath) -> bool:
    """Whether `lake.duckdb` has the views of this version of litmine at the lake's current path.

    False when another tool has it locked; True for a lake in an object store, which has no catalogue.
    """
    if isinstance(lake, ObjectPath):
        return True
    import duckdb

    try:
        with duckdb.connect(str(lake / CATALOGUE), read_only=True) as catalogue:
            comment = catalogue.execute(
                "SELECT comment FROM duckdb_views() WHERE view_name = $1", [_FINGERPRINT_VIEW]
            ).fetchall()
            return comment == [(_fingerprint(catalogue_sql(lake), catalogue),)]
    except duckdb.Error:
        return False


def catalogue_sql(lake: LakePath) -> str:
    """The CREATE VIEW statements of the catalogue. Its views find the lake's live files whenever they are queried."""
    tables = {table for table in TABLES if any((lake / table).glob(file_pattern(table)))}
    return _fill_template(view_statements(), _LiveFileQuery(lake).select, tables)


def _file_identity(file: Path) -> tuple[int, ...] | None:
    """Inode, size and modification time, which change when the file is replaced; None if it does not exist."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _fingerprint(sql: str, catalogue: "duckdb.DuckDBPyConnection") -> str:
    """A digest of the SQL that made a catalogue and of the views that it has now.

    Comparing it is much cheaper than creating the views again, which takes a large part of a short command's time.
    """
    views = catalogue.execute("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL").fetchall()
    return blake2b(repr((sql, views)).encode(), digest_size=16).hexdigest()


# Returns a call of a DuckDB table function as SQL; the argument is a file list or a glob pattern as SQL.
_TableFunction = Callable[[str], str]


class _TableSource(Protocol):
    """Returns a subquery over the live files of a table.

    table: name of the table. reader: the table function that reads its files. columns: the columns to select.
    with_replaced: whether to include the files of replaced article parts.
    """

    def __call__(
        self, table: str, reader: _TableFunction, columns: Sequence[str], with_replaced: bool = False
    ) -> str: ...


def _fill_template(template: str, source: _TableSource, tables: Collection[str]) -> str:
    """Replace the placeholders in view definitions by subqueries; `schemas/views.sql` explains the placeholders.

    `tables` are the tables that have files. Any other table, such as one that is newer than the lake, has no rows.
    """

    def footers_of(match: re.Match[str]) -> str:
        if match["table"] == "targets":
            return _union(
                [_target_footers(source, table, bool(match["every"])) for table in PART_TASKS if table in tables]
            )
        if match["table"] not in tables:
            return _NO_FOOTERS
        return source(match["table"], _footer_reader, ("file_name", "key", "value"))

    def rows_of(match: re.Match[str]) -> str:
        table = match["table"]
        names = match["columns"].split(", ") if match["columns"] else arrow_schema(table).names
        return _rows(source, table, names, table in tables)

    def pairs(_match: re.Match[str]) -> str:
        rows = ((spec, _rows(source, table, ("pmid", "failed"), table in tables)) for table, spec in PAIR_TASKS.items())
        return _union([f"(SELECT '{spec.name}' AS task, * FROM {subquery})" for spec, subquery in rows])

    names = "|".join(TABLES)
    template = _fill_version_order(template)
    sql = re.sub(rf"{{footers of (?P<every>every )?(?P<table>targets|{names})}}", footers_of, template)
    sql = re.sub(r"{pairs}", pairs, sql)
    return re.sub(rf"{{(?P<table>{names})(: (?P<columns>[a-z_, ]+))?}}", rows_of, sql)


def _fill_version_order(template: str) -> str:
    """Replace the placeholders for the order of versions, which `litmine.lake.version_order` defines."""
    sql = re.sub(
        r"{version struct: (?P<more>[a-z_, ]+)}", lambda match: version_struct(match["more"].split(", ")), template
    )
    sql = sql.replace("{version columns}", ", ".join(VERSION_COLUMNS))
    return re.sub(r"{version column (?P<name>[a-z_]+)}", lambda match: version_column(match["name"]), sql)


_NO_FOOTERS = "(SELECT NULL::VARCHAR AS file_name, NULL::BLOB AS key, NULL::BLOB AS value WHERE false)"
# Views join footers by `inputs`, and null does not equal null, so no inputs are an empty string there.
_NO_INPUTS = "''"
_footer_reader: _TableFunction = "parquet_kv_metadata({})".format


def _union(subqueries: Sequence[str]) -> str:
    if not subqueries:
        names = ("task", "model", "inputs", "part")
        columns = ", ".join(f"NULL::VARCHAR AS {name}" for name in names)
        return f"(SELECT {columns}, NULL::BLOB AS key, NULL::BLOB AS value WHERE false)"
    if len(subqueries) == 1:
        return subqueries[0]
    return f"({' UNION ALL '.join(f'FROM {subquery}' for subquery in subqueries)})"


def _target_footers(source: _TableSource, table: str, with_replaced: bool) -> str:
    footers = source(table, _footer_reader, ("file_name", "key", "value"), with_replaced)
    path = (
        f"{_model_column(table, 'file_name')}, {_inputs_column(table, 'file_name', _NO_INPUTS)},"
        " parse_filename(file_name, true) AS part"
    )
    return f"(SELECT '{PART_TASKS[table].name}' AS task, {path}, key, value FROM {footers})"


def _model_column(table: str, path_column: str) -> str:
    """The column `model`, extracted from the end of a file's path, since the lake's own path may contain anything.

    Hive partitioning cannot be combined with reading columns by field id. DuckDB skips the files that a condition on
    this column excludes, as it would with hive partitioning.
    """
    inputs = "of=[^/]+/" * (folder_depth(table) - 1)
    return f"url_decode(regexp_extract({path_column}, '/model=([^/]+)/{inputs}[^/]+$', 1)) AS model"


def _inputs_column(table: str, path_column: str, default: str) -> str:
    """The column `inputs`, extracted from a file's path; `default` for tasks that read only articles."""
    if folder_depth(table) <= 1:
        return f"{default} AS inputs"
    return f"url_decode(regexp_extract({path_column}, '/of=([^/]+)/[^/]+$', 1)) AS inputs"


def _rows(source: _TableSource, table: str, names: Sequence[str], has_files: bool) -> str:
    """A subquery over columns of a table. A task's table also has the columns that are stored in file paths."""
    path_columns: dict[str, str] = {}
    if table in PART_TASKS:
        path_columns = {
            "model": _model_column(table, "filename"),
            "inputs": _inputs_column(table, "filename", "NULL::VARCHAR"),
        }
    elif table in PAIR_TASKS:
        path_columns = {
            "model": _model_column(table, "filename"),
            "slice": "parse_filename(filename, true) AS slice",
        }
    if not has_files:
        types = {field.name: _duckdb_type(field.type) for field in arrow_schema(table)}
        columns = [f"NULL::{types.get(name, 'VARCHAR')} AS {name}" for name in _column_order(path_columns, names)]
        return f"(SELECT {', '.join(columns)} WHERE false)"

    def reader(files: str) -> str:
        return f"read_parquet({files}, filename = true, schema = {schema_map(table, names)})"

    if not path_columns:
        return source(table, reader, names)
    columns = [path_columns.get(name, name) for name in _column_order(path_columns, names)]
    return f"(SELECT {', '.join(columns)} FROM {source(table, reader, [*names, 'filename'])})"


def _column_order(path_columns: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """The column `model` first, then the columns of the files, then the other columns from the path."""
    return [*list(path_columns)[:1], *names, *list(path_columns)[1:]]


def _select_listed(table: str, reader: _TableFunction, columns: Sequence[str], with_replaced: bool = False) -> str:  # noqa: ARG001
    """Read the files that `create_views` has listed. All are live, so `with_replaced` has no effect."""
    files = f"getvariable('{table}_files')"
    return f"(SELECT {', '.join(columns)} FROM {reader(files)})"


class _LiveFileQuery:
    """SQL that finds the live files of a table at the time of the query.

    The catalogue needs this, because files are added and merged after its views were created.
    """

    def __init__(self, lake: LakePath) -> None:
        self._lake = lake
        self._pattern = escape_glob(lake)

    def select(self, table: str, reader: _TableFunction, columns: Sequence[str], with_replaced: bool = False) -> str:
        """Read a table's files and join them with the live ones.

        DuckDB evaluates `listed` first and the notes after it, the order that `litmine.lake.listing` requires.
        """
        files = self._glob(table)
        if with_replaced:
            return f"(SELECT {', '.join(columns)} FROM {reader(files)} WHERE {self._in_place()})"
        parts = ARTICLES if table in PART_TASKS else table
        name = "file_name" if "file_name" in columns else "filename"
        key = f"'{ARTICLES}/' || parse_filename({name}, true)" if table in PART_TASKS else self._key(name)
        return f"""(
    SELECT {", ".join(columns)}
    FROM (
        WITH listed AS MATERIALIZED (
            SELECT {self._key("file")} AS file FROM glob({self._glob(parts)}) WHERE {self._in_place()}
        )
        SELECT file FROM listed
        WHERE file NOT IN (SELECT file FROM {self._notes()} AS notes WHERE notes.by IN (SELECT file FROM listed))
    ) AS live
    JOIN {reader(files)} ON live.file = {key}
)"""

    def _in_place(self) -> str:
        """A condition that fails with a clear message when the catalogue is not in the lake that its views read.

        DuckDB's table functions take no computed path, so the views of a copied or moved lake read the old folder until
        the catalogue is written again. `duckdb_databases` has the resolved path of the open file.
        """
        path = os.path.realpath(str(self._lake / CATALOGUE))
        message = f"this {CATALOGUE} reads the lake at {self._lake}; run `litmine status` on its own lake first"
        in_place = f"EXISTS (FROM duckdb_databases() WHERE path = {sql_string(path)})"
        return f"CASE WHEN {in_place} THEN true ELSE error({sql_string(message)}) END"

    def _notes(self) -> str:
        if not any((self._lake / REPLACED).glob("*.parquet")):
            return "(SELECT NULL::VARCHAR AS file, NULL::VARCHAR AS by WHERE false)"
        return f"read_parquet({self._glob(REPLACED)}, schema = {schema_map(REPLACED)})"

    def _glob(self, table: str) -> str:
        return sql_string(f"{self._pattern}/{table}/{file_pattern(table)}")

    def _key(self, column: str) -> str:
        """The path of a file relative to the lake, without its file extension."""
        start = len(str(self._lake)) + 2
        return f"substr({column}, {start}, length({column}) - {start + len('parquet')})"


def schema_map(table: str, names: Collection[str] | None = None) -> str:
    """The `schema` argument of DuckDB's read_parquet that reads columns by field id.

    All columns of the table, or only those in `names`. A column that an older file lacks is null.
    """
    columns = (
        f"{int(field.metadata[b'PARQUET:field_id'])}: "
        f"{{name: '{field.name}', type: '{_duckdb_type(field.type)}', default_value: NULL}}"
        for field in arrow_schema(table)
        if names is None or field.name in names
    )
    return f"MAP {{{', '.join(columns)}}}"


def escape_glob(path: LakePath) -> str:
    """Escape a path so that, as a glob pattern, it matches only itself."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def sql_string(text: str) -> str:
    """The text as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def _duckdb_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_duckdb_type(kind.value_type)}[]"
    if pa.types.is_map(kind):
        return f"MAP({_duckdb_type(kind.key_type)}, {_duckdb_type(kind.item_type)})"
    if pa.types.is_struct(kind):
        fields = ", ".join(f'"{field.name}" {_duckdb_type(field.type)}' for field in kind)
        return f"STRUCT({fields})"
    return _DUCKDB_TYPES[kind]

"""Run one SELECT over a lake. It can read only the views and the lake's files, and it cannot write.

The statement type does not ensure this: in DuckDB 2.0, `WITH x AS (COPY ... TO ...) SELECT ...` is a SELECT that writes
a file, and so does the table function that runs serialised SQL. Therefore the parsed query is checked against lists
of what is allowed, at every level of nesting.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from litmine.errors import LakeError, QueryError, UnknownViewError
from litmine.lake.concept_parts import concept_folder
from litmine.lake.concept_writer import write_concept_parts
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.pair_update import update_pairs
from litmine.lake.paths import LakePath
from litmine.lake.query_limits import Deadline, QueryLimits
from litmine.lake.sql_text import escape_glob, sql_string
from litmine.lake.view_definitions import tasks_behind, view_descriptions
from litmine.lake.views import create_views, narrow_views, open_duckdb, run_interruptibly

if TYPE_CHECKING:
    import duckdb


_QUERY_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}

# fmt: off
_TABLE_FUNCTIONS = {
    "duckdb_columns", "duckdb_functions", "duckdb_keywords", "duckdb_settings", "duckdb_tables", "duckdb_types",
    "duckdb_views", "generate_series", "glob", "histogram", "histogram_values", "json_each", "json_tree",
    "parquet_file_metadata", "parquet_kv_metadata", "parquet_metadata", "parquet_scan", "parquet_schema",
    "pragma_table_info", "pragma_version", "range", "read_blob", "read_csv", "read_csv_auto", "read_json",
    "read_json_auto", "read_json_objects", "read_ndjson", "read_ndjson_objects", "read_parquet", "read_text",
    "repeat", "repeat_row", "sniff_csv", "summary", "unnest",
}
# fmt: on

# The table functions that cannot take a view's name, besides those that read files.
_VALUE_FUNCTIONS = {"generate_series", "glob", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest"}

# DuckDB's parser takes minutes for longer queries and overflows its stack on deeper ones.
_MAX_LENGTH = 1_000_000
_MAX_DEPTH = 200
_BRACKETS = re.compile(r"[(\[{}\])]")

# What the error message of a failed query starts with.
QUERY_FAILED = "the query failed: "
_BATCH_ROWS = 10_000

# The latest valid query and the tables that it reads, because `sql` needs them again after it ran the query.
_latest_tables: dict[None, tuple[str, set[str] | None]] = {}


@dataclass(frozen=True, slots=True)
class SelectStatement:
    """A statement that only reads.

    `tables` are the lower-case names of all tables that it reads: views, its own WITH clauses, files. None when the
    statement can read any view, for example because it lists them.
    """

    statement: "duckdb.Statement"
    tables: set[str] | None


def select(
    lake: LakePath, query: str, limits: QueryLimits | None = None, verifies_parts: bool = True
) -> pa.RecordBatchReader:
    """Run a query within limits and return its rows while they are computed.

    verifies_parts: whether parts of articles are verified; not for a command that verifies those that it reads.
    Raises QueryError when the query is not exactly one SELECT, when it reads something outside the lake, when it needs
    more than the limits (QueryLimitError), or when DuckDB rejects it; LakeError when a file of the lake is damaged.
    Reading the rows can raise both as well.
    """
    with _translate_errors(lake), ExitStack() as stack:
        connection = stack.enter_context(open_duckdb(lake, limits))
        deadline = Deadline(connection, limits.seconds if limits else None)
        stack.callback(deadline.cancel)
        # Before any file of the lake is opened, so that rejecting a query is cheap.
        parsed = parse_select(connection, query)
        _update_stored(lake, parsed)
        create_views(connection, lake, _views_to_create(parsed), verifies_parts)
        _restrict_access(connection, lake)
        deadline.check()
        rows = run_interruptibly(connection, lambda: connection.sql(parsed.statement).to_arrow_reader(_BATCH_ROWS))
        stack.pop_all()  # `batches` closes the connection

    def batches() -> Iterator[pa.RecordBatch]:
        with connection, _translate_errors(lake):
            try:
                while (batch := run_interruptibly(connection, lambda: next(rows, None))) is not None:
                    deadline.check()
                    yield batch
            finally:
                deadline.cancel()

    return pa.RecordBatchReader.from_batches(rows.schema, batches())


class PreparedViews:
    """A connection with all views over the files that are live now. It runs SELECTs one after the other.

    Creating the views takes most of the time of a short query. The views do not see what comes into the lake later.
    `is_idle`: whether it can run the next query, as it has given all rows of the one before.
    """

    def __init__(self, lake: LakePath, limits: QueryLimits) -> None:
        """Open the connection. Raises LakeError for a damaged lake."""
        self._lake, self._limits = lake, limits
        self.is_idle = True
        with suppress(LakeError):  # without it, views compute what they would read
            write_concept_parts(lake)
        with _translate_errors(lake), ExitStack() as stack:
            self._connection = stack.enter_context(open_duckdb(lake, limits))
            self._connection.execute("SET GLOBAL parquet_metadata_cache = true")
            self._source = create_views(self._connection, lake)
            _restrict_access(self._connection, lake)
            stack.pop_all()

    def narrowed(
        self, names: Collection[str], files: Mapping[str, Sequence[LakePath]], parts: Collection[LakePath]
    ) -> "PreparedViews":
        """A cursor of this connection, to be closed, with the views of `narrow_views`. Raises LakeError."""
        narrow = copy(self)
        with _translate_errors(self._lake):
            narrow._connection = narrow_views(self._connection, self._lake, self._source, names, files, parts)
        return narrow

    def table(self, query: str) -> pa.Table:
        """All rows of a query; raises as `select`."""
        connection = self._connection
        with _translate_errors(self._lake):
            deadline = Deadline(connection, self._limits.seconds)
            try:
                parsed = parse_select(connection, query)
                rows = run_interruptibly(connection, lambda: connection.sql(parsed.statement).to_arrow_table())
                deadline.check()
                return rows
            finally:
                deadline.cancel()

    def open(self, query: str) -> pa.RecordBatchReader:
        """The rows of a query while they are computed. Raises as `select`, and so does reading them."""
        connection = self._connection
        self.is_idle = False
        with _translate_errors(self._lake), ExitStack() as stack:
            deadline = Deadline(connection, self._limits.seconds)
            stack.callback(deadline.cancel)
            parsed = parse_select(connection, query)
            rows = run_interruptibly(connection, lambda: connection.sql(parsed.statement).to_arrow_reader(_BATCH_ROWS))
            stack.pop_all()

        def batches() -> Iterator[pa.RecordBatch]:
            with _translate_errors(self._lake):
                try:
                    while (batch := run_interruptibly(connection, lambda: next(rows, None))) is not None:
                        deadline.check()
                        yield batch
                    self.is_idle = True
                finally:
                    deadline.cancel()

        return pa.RecordBatchReader.from_batches(rows.schema, batches())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def check_select(lake: LakePath, query: str) -> None:
    """Check a query as far as that is possible without running it: syntax, views, columns and types.

    The lake need not exist yet. Raises QueryError as `select` does, LakeError for a damaged lake.
    """
    with _translate_errors(lake), open_duckdb(lake) as connection:
        parsed = parse_select(connection, query)
        create_views(connection, lake, _views_to_create(parsed))
        _restrict_access(connection, lake)
        # A relation that nobody reads is only planned.
        run_interruptibly(connection, lambda: connection.sql(parsed.statement))


def tasks_read(lake: LakePath, query: str) -> set[str] | None:
    """The names of the tasks whose rows a query reads; None when it can read those of any. Raises as `select`."""
    latest, tables = _latest_tables.get(None, ("", None))
    if latest != query:
        with _translate_errors(lake), open_duckdb(lake) as connection:
            tables = parse_select(connection, query).tables
    return None if tables is None else tasks_behind(tables)


def condition_error(where: str, error: QueryError, view: str = "articles") -> QueryError:
    """The error of a query with a user's condition on a view, as a sentence about the condition alone."""
    reason = str(error).removeprefix(QUERY_FAILED)
    if "syntax error" in reason:
        # In the query, DuckDB meets what follows the condition.
        reason = _syntax_error(f"FROM {view} WHERE {where}") or reason
    return type(error)(f"the condition {where!r} cannot be evaluated on `{view}`: {reason}")


def _syntax_error(query: str) -> str | None:
    """DuckDB's message about the syntax of a query; None if it is correct."""
    import duckdb

    with open_duckdb() as connection:
        try:
            connection.extract_statements(query)
        except duckdb.Error as error:
            return str(_query_error(str(error))).removeprefix(QUERY_FAILED)
    return None


def parse_select(connection: "duckdb.DuckDBPyConnection", query: str) -> SelectStatement:
    """Parse a query and check that it is one statement that only reads.

    Raises QueryError if it is not, duckdb.Error for a syntax error.
    """
    import duckdb

    if "\0" in query or not _is_unicode(query):
        raise QueryError("a query must be Unicode text without NUL characters")
    if len(query) > _MAX_LENGTH:
        raise QueryError(f"a query may have at most {_MAX_LENGTH:,} characters, and this one has {len(query):,}")
    if _bracket_depth(query) > _MAX_DEPTH:
        raise QueryError(f"a query may be nested at most {_MAX_DEPTH} deep; split it with WITH")
    statements = connection.extract_statements(query)
    if len(statements) != 1:
        raise QueryError(f"a query must be exactly one SELECT, and this one has {len(statements)} statements")
    (statement,) = statements
    if statement.type == duckdb.StatementType.MULTI:
        raise QueryError("a query must be exactly one SELECT; a PIVOT must list its values: ON x IN (...)")
    if statement.type != duckdb.StatementType.SELECT:
        raise QueryError(f"a query must be exactly one SELECT, and this is {statement.type.name}")
    nodes = list(_nodes(_parse_tree(connection, statement.query)))
    for node in nodes:
        kind = node["type"]
        if kind.endswith("_NODE") and kind not in _QUERY_NODES:
            raise QueryError(f"a query must be exactly one SELECT, and this one contains {kind.split('_')[0]}")
        if kind == "TABLE_FUNCTION" and (name := node["function"]["function_name"].lower()) not in _TABLE_FUNCTIONS:
            raise QueryError(f"the table function {name} is not allowed; query the views that `SHOW TABLES` lists")
    tables = _tables_read(nodes)
    _latest_tables[None] = query, tables
    return SelectStatement(statement, tables)


def _tables_read(nodes: Sequence[Mapping[str, Any]]) -> set[str] | None:
    tables = set()
    for node in nodes:
        kind = node["type"]
        if kind == "SHOW_REF" or (kind == "TABLE_FUNCTION" and not _reads_no_view(node["function"])):
            return None
        if kind == "BASE_TABLE":
            if node["catalog_name"] or node["schema_name"]:
                return None
            tables.add(node["table_name"].lower())
    return tables


def _reads_no_view(function: Mapping[str, Any]) -> bool:
    name = function["function_name"].lower()
    return name in _VALUE_FUNCTIONS or name.startswith(("parquet_", "read_"))


def _parse_tree(connection: "duckdb.DuckDBPyConnection", query: str) -> Any:
    (serialised,) = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()[0]
    try:
        tree = json.loads(serialised)
    except RecursionError:
        raise QueryError("the query cannot be checked: its expressions are nested too deeply; split it") from None
    if tree["error"] or len(tree["statements"]) != 1:
        raise QueryError(f"the query cannot be checked: {tree.get('error_message', 'it is not one statement')}")
    return tree["statements"]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every node of the parse tree that has a type, at any depth."""
    stack = [tree]
    while stack:
        branch = stack.pop()
        if isinstance(branch, dict):
            if isinstance(branch.get("type"), str):
                yield branch
            stack.extend(branch.values())
        elif isinstance(branch, list):
            stack.extend(branch)


def _bracket_depth(query: str) -> int:
    """The nesting depth of brackets, including those in quotes and comments."""
    deepest = depth = 0
    for bracket in _BRACKETS.findall(query):
        depth = depth + 1 if bracket in "([{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _views_to_create(parsed: SelectStatement) -> set[str] | None:
    """The views that the statement reads; None for all of them.

    Creating all views takes longer than most queries. A name that is no view may be a typing error, and then all views
    must exist so that DuckDB can suggest the right name.
    """
    return parsed.tables if parsed.tables is not None and parsed.tables <= view_descriptions().keys() else None


def _update_stored(lake: LakePath, parsed: SelectStatement) -> None:
    """Bring up to date what is kept beside the lake for the views that the statement names.

    Without effect if the folder cannot be written: the views then compute it. They report damaged files.
    """
    names = parsed.tables or set()
    with suppress(LakeError):
        if "concept_pairs" in names:
            update_pairs(lake)
        elif names & {"concept_articles", "concepts"}:
            write_concept_parts(lake)


def _restrict_access(connection: "duckdb.DuckDBPyConnection", lake: LakePath) -> None:
    """Permanently limit the connection to reading the lake's files."""
    # What litmine keeps of a lake in an object store is in a local folder.
    kept = concept_folder(lake)
    allowed = sorted({str(lake), escape_glob(lake), str(kept), escape_glob(kept)})
    for statement in (
        f"SET allowed_directories = [{', '.join(map(sql_string, allowed))}]",
        "SET enable_external_access = false",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET python_enable_replacements = false",
        "SET lock_configuration = true",
    ):
        connection.execute(statement)


def _translate_errors(lake: LakePath) -> AbstractContextManager[None]:
    """Turn DuckDB's errors into LakeError or QueryError."""
    # Through an Arrow reader, DuckDB's errors arrive as OSError; Arrow itself rejects some types that are nested as
    # deeply as DuckDB allows.
    return report_damaged_files(lake, _query_error, (OSError, pa.ArrowException))


def _query_error(message: str) -> QueryError:
    """DuckDB's message in one line: its hint stays; the error kind and the excerpt of the query are removed."""
    kind, _, rest = message.partition(" Error: ")
    if not rest:
        kind, rest = "", message
    reason = " ".join(re.split(r"\n+LINE \d+:", rest)[0].split())
    if kind == "Permission":
        return QueryError(f"a query can read only the views and the lake's own files: {reason}")
    views = view_descriptions()
    if kind == "Catalog" and "Table with name" in reason:
        if not any(f'"{view}"' in reason for view in views):
            reason = f"{reason.split('!')[0]}; the views are {', '.join(views)}"
        return UnknownViewError(f"{QUERY_FAILED}{reason}")
    return QueryError(f"{QUERY_FAILED}{reason}")

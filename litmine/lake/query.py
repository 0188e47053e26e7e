"""Run one SELECT over a lake. It can read only the views and the lake's files, and it cannot write.

`litmine.lake.select_statement` checks the query, and the connection that runs it is restricted as well.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import TYPE_CHECKING

import pyarrow as pa

from litmine.errors import LakeError, QueryError, UnknownViewError
from litmine.lake.concept_parts import concept_folder
from litmine.lake.concept_writer import write_concept_parts
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.pair_update import update_pairs
from litmine.lake.paths import LakePath
from litmine.lake.query_limits import Deadline, QueryLimits
from litmine.lake.select_statement import SelectStatement, parse_select
from litmine.lake.sql_text import escape_glob, sql_string
from litmine.lake.view_definitions import tasks_behind, view_descriptions
from litmine.lake.views import create_views, open_duckdb, run_interruptibly

if TYPE_CHECKING:
    import duckdb


# What the error message of a failed query starts with.
QUERY_FAILED = "the query failed: "
_BATCH_ROWS = 10_000

# The latest valid query and the tables that it reads, because `sql` needs them again after it ran the query.
_latest_tables: dict[None, tuple[str, set[str] | None]] = {}


def select(
    lake: LakePath, query: str, limits: QueryLimits | None = None, verifies_parts: bool = True
) -> pa.RecordBatchReader:
    """Run a query within limits and return its rows while they are computed.

    verifies_parts: whether parts of articles are verified; not for a command that verifies those that it reads.
    Raises QueryError when the query is not exactly one SELECT, when it reads something outside the lake, when it needs
    more than the limits (QueryLimitError), or when DuckDB rejects it; LakeError when a file of the lake is damaged.
    Reading the rows can raise both as well.
    """
    with translate_errors(lake), ExitStack() as stack:
        connection = stack.enter_context(open_duckdb(lake, limits))
        deadline = Deadline(connection, limits.seconds if limits else None)
        stack.callback(deadline.cancel)
        # Before any file of the lake is opened, so that rejecting a query is cheap.
        parsed = _parse(connection, query)
        _update_stored(lake, parsed)
        create_views(connection, lake, _views_to_create(parsed), verifies_parts)
        restrict_access(connection, lake)
        deadline.check()
        rows = run_interruptibly(connection, lambda: connection.sql(parsed.statement).to_arrow_reader(_BATCH_ROWS))
        stack.pop_all()  # `batches` closes the connection

    def batches() -> Iterator[pa.RecordBatch]:
        with connection, translate_errors(lake):
            try:
                while (batch := run_interruptibly(connection, lambda: next(rows, None))) is not None:
                    deadline.check()
                    yield batch
            finally:
                deadline.cancel()

    return pa.RecordBatchReader.from_batches(rows.schema, batches())


def check_select(lake: LakePath, query: str) -> None:
    """Check a query as far as that is possible without running it: syntax, views, columns and types.

    The lake need not exist yet. Raises QueryError as `select` does, LakeError for a damaged lake.
    """
    with translate_errors(lake), open_duckdb(lake) as connection:
        parsed = _parse(connection, query)
        create_views(connection, lake, _views_to_create(parsed))
        restrict_access(connection, lake)
        # A relation that nobody reads is only planned.
        run_interruptibly(connection, lambda: connection.sql(parsed.statement))


def tasks_read(lake: LakePath, query: str) -> set[str] | None:
    """The names of the tasks whose rows a query reads; None when it can read those of any. Raises as `select`."""
    latest, tables = _latest_tables.get(None, ("", None))
    if latest != query:
        with translate_errors(lake), open_duckdb(lake) as connection:
            tables = _parse(connection, query).tables
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


def _parse(connection: "duckdb.DuckDBPyConnection", query: str) -> SelectStatement:
    parsed = parse_select(connection, query)
    _latest_tables[None] = query, parsed.tables
    return parsed


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


def restrict_access(connection: "duckdb.DuckDBPyConnection", lake: LakePath) -> None:
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


def translate_errors(lake: LakePath) -> AbstractContextManager[None]:
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

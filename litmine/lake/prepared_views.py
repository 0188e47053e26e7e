"""Connections that stay open over one state of the lake, for many short queries one after the other."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pyarrow as pa

from litmine.errors import LakeError
from litmine.lake.concept_writer import write_concept_parts
from litmine.lake.paths import LakePath
from litmine.lake.query import restrict_access, translate_errors
from litmine.lake.query_limits import Deadline, QueryLimits
from litmine.lake.select_statement import SelectStatement, parse_select
from litmine.lake.views import create_views, narrow_views, open_duckdb, run_interruptibly

if TYPE_CHECKING:
    import duckdb

_BATCH_ROWS = 10_000
# What a table in memory is in: only an attached database is compressed.
_DATABASE = "kept"


class SelectConnection:
    """A connection that runs SELECTs one after the other, which can read only its views or tables and the lake's files.

    `is_idle`: whether it can run the next query, as it has given all rows of the one before.
    """

    def __init__(self, lake: LakePath, limits: QueryLimits, connection: "duckdb.DuckDBPyConnection") -> None:
        self._lake, self._limits, self._connection = lake, limits, connection
        self.is_idle = True

    def parse(self, query: str) -> SelectStatement:
        """A query that is checked and not run. Raises QueryError."""
        with translate_errors(self._lake):
            return parse_select(self._connection, query)

    def table(self, query: str) -> pa.Table:
        """All rows of a query; raises as `select`."""
        connection = self._connection
        with translate_errors(self._lake):
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
        with translate_errors(self._lake), ExitStack() as stack:
            deadline = Deadline(connection, self._limits.seconds)
            stack.callback(deadline.cancel)
            parsed = parse_select(connection, query)
            rows = run_interruptibly(connection, lambda: connection.sql(parsed.statement).to_arrow_reader(_BATCH_ROWS))
            stack.pop_all()

        def batches() -> Iterator[pa.RecordBatch]:
            with translate_errors(self._lake):
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


class PreparedViews(SelectConnection):
    """A connection with all views over the files that are live now.

    Creating the views takes most of the time of a short query. The views do not see what comes into the lake later.
    """

    def __init__(self, lake: LakePath, limits: QueryLimits) -> None:
        """Open the connection. Raises LakeError for a damaged lake."""
        with suppress(LakeError):  # without it, views compute what they would read
            write_concept_parts(lake)
        with translate_errors(lake), ExitStack() as stack:
            connection = stack.enter_context(open_duckdb(lake, limits))
            connection.execute("SET GLOBAL parquet_metadata_cache = true")
            self._source = create_views(connection, lake)
            restrict_access(connection, lake)
            stack.pop_all()
        super().__init__(lake, limits, connection)

    def narrowed(
        self, names: Collection[str], files: Mapping[str, Sequence[LakePath]], parts: Collection[LakePath]
    ) -> SelectConnection:
        """A cursor of this connection, to be closed, with the views of `narrow_views`. Raises LakeError."""
        with translate_errors(self._lake):
            cursor = narrow_views(self._connection, self._lake, self._source, names, files, parts)
        return SelectConnection(self._lake, self._limits, cursor)


class TableInMemory:
    """One table in memory, compressed, with the name of a view and some columns of it, for many connections."""

    def __init__(self, lake: LakePath, limits: QueryLimits, name: str, rows: pa.RecordBatchReader) -> None:
        """Read the rows. Raises as reading them does."""
        self._lake, self._limits = lake, limits
        self.name, self.columns = name, frozenset(rows.schema.names)
        with translate_errors(lake), ExitStack() as stack:
            connection = stack.enter_context(open_duckdb(limits=limits))
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            connection.execute(f"ATTACH ':memory:' AS {_DATABASE} (COMPRESS)")
            connection.register("rows_to_keep", rows)
            connection.execute(f"CREATE TABLE {_DATABASE}.{name} AS SELECT * FROM rows_to_keep")
            connection.unregister("rows_to_keep")
            connection.execute(f"CHECKPOINT {_DATABASE}")
            restrict_access(connection, lake)
            stack.pop_all()
        self._connection = connection

    def has_all(self, statement: SelectStatement) -> bool:
        """Whether a statement reads nothing but these columns of the view."""
        return statement.tables == {self.name} and statement.columns is not None and statement.columns <= self.columns

    def connect(self) -> SelectConnection:
        """A connection to the table, to be closed."""
        cursor = self._connection.cursor()
        cursor.execute(f"USE {_DATABASE}")
        return SelectConnection(self._lake, self._limits, cursor)

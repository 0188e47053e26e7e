"""One SELECT over a lake: it reads the views and the lake's files, writes nothing and reads nothing else.

What a query may be made of: one SELECT, down to its last subquery, over tables and functions that only read.

That a statement is a SELECT says too little: in DuckDB 2.0 `WITH x AS (COPY ... TO ...) SELECT ...` is one and writes
the file, and so does the table function that runs serialised SQL. So the parsed tree is looked through, and what it may
hold is listed, not what it may not.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from litmine.errors import QueryError
from litmine.lake.duckdb_errors import naming_damage
from litmine.lake.paths import Place
from litmine.lake.view_definitions import sentences
from litmine.lake.views import glob_escaped, interruptibly, quiet_duckdb, quoted, show

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

# Those of them, besides the readers of files, that cannot be given the name of a view.
_OF_VALUES = {"generate_series", "glob", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest"}

# DuckDB's parser takes minutes over longer ones, and overflows its stack over deeper ones.
_LONGEST = 1_000_000
_DEEPEST = 200
_BRACKETS = re.compile(r"[(\[{}\])]")


@dataclass(frozen=True, slots=True)
class Select:
    """A statement that only reads, and the names in lower case that it reads from: of views, of its own WITH, of files.

    None for the names where it may ask which views there are.
    """

    statement: "duckdb.Statement"
    names: set[str] | None


def single_select(connection: "duckdb.DuckDBPyConnection", query: str) -> Select:
    """The one statement of the query, which only reads. Raises QueryError otherwise, duckdb.Error when it is no SQL."""
    import duckdb

    if "\0" in query or not _is_unicode(query):
        raise QueryError("a query is text in Unicode, without NUL characters")
    if len(query) > _LONGEST:
        raise QueryError(f"a query is at most {_LONGEST:,} characters long, and this has {len(query):,}")
    if _depth(query) > _DEEPEST:
        raise QueryError(f"a query is nested {_DEEPEST} deep at most; take it apart with WITH")
    statements = connection.extract_statements(query)
    if len(statements) != 1:
        raise QueryError(f"a query is exactly one SELECT, and there are {len(statements)} statements")
    (statement,) = statements
    if statement.type == duckdb.StatementType.MULTI:
        raise QueryError("a query is exactly one SELECT, and a PIVOT is one only with its values listed: ON x IN (...)")
    if statement.type != duckdb.StatementType.SELECT:
        raise QueryError(f"a query is exactly one SELECT, and this is {statement.type.name}")
    nodes = list(_nodes(_tree(connection, statement.query)))
    for node in nodes:
        kind = node["type"]
        if kind.endswith("_NODE") and kind not in _QUERY_NODES:
            raise QueryError(f"a query is exactly one SELECT, and this one has {kind.split('_')[0]} inside")
        if kind == "TABLE_FUNCTION" and (name := node["function"]["function_name"].lower()) not in _TABLE_FUNCTIONS:
            raise QueryError(f"a query may not use the table function {name}; use the views, `SHOW TABLES` lists them")
    return Select(statement, _read(nodes))


def _read(nodes: Sequence[Mapping[str, Any]]) -> set[str] | None:
    read = set()
    for node in nodes:
        kind = node["type"]
        if kind == "SHOW_REF" or (kind == "TABLE_FUNCTION" and not _takes_no_view(node["function"])):
            return None
        if kind == "BASE_TABLE":
            if node["catalog_name"] or node["schema_name"]:
                return None
            read.add(node["table_name"].lower())
    return read


def _takes_no_view(function: Mapping[str, Any]) -> bool:
    name = function["function_name"].lower()
    return name in _OF_VALUES or name.startswith(("parquet_", "read_"))


def _tree(connection: "duckdb.DuckDBPyConnection", query: str) -> Any:
    (serialised,) = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()[0]
    try:
        tree = json.loads(serialised)
    except RecursionError:
        raise QueryError("the query cannot be checked: its expressions are nested too deeply; take it apart") from None
    if tree["error"] or len(tree["statements"]) != 1:
        raise QueryError(f"the query cannot be checked: {tree.get('error_message', 'it is not one statement')}")
    return tree["statements"]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every node of the tree that says its type, at any depth."""
    stack = [tree]
    while stack:
        branch = stack.pop()
        if isinstance(branch, dict):
            if isinstance(branch.get("type"), str):
                yield branch
            stack.extend(branch.values())
        elif isinstance(branch, list):
            stack.extend(branch)


def _depth(query: str) -> int:
    """How deep its brackets stand, those in quotes and comments counted too."""
    deepest = depth = 0
    for bracket in _BRACKETS.findall(query):
        depth = depth + 1 if bracket in "([{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


_BATCH_ROWS = 10_000


def select(lake: Place, query: str) -> pa.RecordBatchReader:
    """The rows of a query, as they are computed.

    Raises QueryError, in one sentence, when it is not exactly one SELECT, when DuckDB refuses it, and when it looks
    outside the lake; LakeError when a file of the lake is damaged. Both also while the rows are read.
    """
    with _naming(lake):
        connection = quiet_duckdb(lake)
        # Before a file of the lake is opened: what is refused costs nothing.
        asked = single_select(connection, query)
        show(connection, lake, _needed(asked))
        _shut(connection, lake)
        rows = interruptibly(connection, lambda: connection.sql(asked.statement).to_arrow_reader(_BATCH_ROWS))

    def batches() -> Iterator[pa.RecordBatch]:
        with connection, _naming(lake):
            while (batch := interruptibly(connection, lambda: next(rows, None))) is not None:
                yield batch

    return pa.RecordBatchReader.from_batches(rows.schema, batches())


def _needed(asked: Select) -> set[str] | None:
    """The views that it reads: to make all takes longer than most answers. None for all: its mistake may be a name."""
    return asked.names if asked.names is not None and asked.names <= sentences().keys() else None


def _shut(connection: "duckdb.DuckDBPyConnection", lake: Place) -> None:
    """Let the connection read the lake and nothing else, for good."""
    # A folder that nobody else has, made only when a query spills: DuckDB lets queries read its spill folder.
    spill = Path(tempfile.gettempdir()) / f"litmine-{uuid4().hex}"
    allowed = sorted({str(lake), glob_escaped(lake)})
    for statement in (
        f"SET temp_directory = {quoted(str(spill))}",
        f"SET allowed_directories = [{', '.join(map(quoted, allowed))}]",
        "SET enable_external_access = false",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET python_enable_replacements = false",
        "SET lock_configuration = true",
    ):
        connection.execute(statement)


def _naming(lake: Place) -> AbstractContextManager[None]:
    """Turn what DuckDB raises into LakeError or QueryError."""
    # Its errors come through a reader of Arrow as OSError, with the kind in front of the message.
    # Arrow does not take types as deep as DuckDB's.
    return naming_damage(lake, lambda message: QueryError(_sentence(message)), (OSError, pa.ArrowException))


def _sentence(message: str) -> str:
    """DuckDB's message in one line: its kind and the excerpt of the query left out, its hint kept."""
    kind, _, rest = message.partition(" Error: ")
    if not rest:
        kind, rest = "", message
    said = " ".join(re.split(r"\n+LINE \d+:", rest)[0].split())
    if kind == "Permission":
        return f"a query reads the views and the lake's own files, and nothing else: {said}"
    if kind == "Catalog" and "Table with name" in said and not any(f'"{view}"' in said for view in sentences()):
        said = f"{said.split('!')[0]}; the views are {', '.join(sentences())}"
    return f"the query cannot be answered: {said}"

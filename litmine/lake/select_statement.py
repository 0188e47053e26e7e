"""Check that a query is one SELECT that only reads, and find what it reads.

The statement type does not ensure the first: in DuckDB 2.0, `WITH x AS (COPY ... TO ...) SELECT ...` is a SELECT that
writes a file, and so does the table function that runs serialised SQL. Therefore the parsed query is checked against
lists of what is allowed, at every level of nesting.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litmine.errors import QueryError

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

# What reads columns that it does not name.
_UNNAMED_COLUMNS = {"STAR", "POSITIONAL_REFERENCE", "JOIN", "PIVOT", "SHOW_REF", "TABLE_FUNCTION"}
# What a query reads rows from.
_SOURCES = {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "PIVOT", "SHOW_REF", "COLUMN_DATA"}
_MAX_DIGITS = 18

# DuckDB's parser takes minutes for longer queries and overflows its stack on deeper ones.
_MAX_LENGTH = 1_000_000
_MAX_DEPTH = 200
_BRACKETS = re.compile(r"[(\[{}\])]")


@dataclass(frozen=True, slots=True)
class SelectStatement:
    """A statement that only reads.

    tables: the lower-case names of all tables that it reads: views, its own WITH clauses, files. None when the
    statement can read any view, for example because it lists them. columns: the lower-case names that it uses as those
    of columns; None when it can read others, for example by `*`. pmids: the only articles that it asks for, by a
    condition on `pmid` for the one view that it reads; None for any.
    """

    statement: "duckdb.Statement"
    tables: set[str] | None
    columns: set[str] | None = None
    pmids: frozenset[int] | None = None


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
    tree = _parse_tree(connection, statement.query)
    nodes = list(_nodes(tree))
    for node in nodes:
        kind = node["type"]
        if kind.endswith("_NODE") and kind not in _QUERY_NODES:
            raise QueryError(f"a query must be exactly one SELECT, and this one contains {kind.split('_')[0]}")
        if kind == "TABLE_FUNCTION" and (name := node["function"]["function_name"].lower()) not in _TABLE_FUNCTIONS:
            raise QueryError(f"the table function {name} is not allowed; query the views that `SHOW TABLES` lists")
    return SelectStatement(statement, _tables_read(nodes), _columns_read(nodes), _pmids_wanted(tree, nodes))


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


def _columns_read(nodes: Sequence[Mapping[str, Any]]) -> set[str] | None:
    columns = set()
    for node in nodes:
        kind = node["type"]
        # A join may compare all columns of the same name; new names for columns are given by position.
        if kind in _UNNAMED_COLUMNS or (kind == "BASE_TABLE" and node["column_name_alias"]):
            return None
        if kind == "COLUMN_REF":
            if len(node["column_names"]) > 1:
                return None
            columns.add(node["column_names"][0].lower())
    return columns


def _pmids_wanted(tree: Any, nodes: Sequence[Mapping[str, Any]]) -> frozenset[int] | None:
    """The PMIDs of `pmid = 1` or `pmid IN (1, 2)`, alone or joined to other conditions by AND."""
    node = tree[0]["node"]
    if node["type"] != "SELECT_NODE" or node["cte_map"]["map"] or node["sample"] is not None:
        return None
    table = node["from_table"]
    is_one_view = table["type"] == "BASE_TABLE" and [one for one in nodes if one["type"] in _SOURCES] == [table]
    if not is_one_view or table["column_name_alias"] or table["sample"] is not None:
        return None
    where = node["where_clause"]
    conditions = where["children"] if where and where["type"] == "CONJUNCTION_AND" else [where]
    return next((found for one in conditions if one and (found := _pmids_of(one))), None)


def _pmids_of(condition: Mapping[str, Any]) -> frozenset[int] | None:
    if condition["type"] == "COMPARE_EQUAL":
        sides = [condition["left"], condition["right"]]
    elif condition["type"] == "COMPARE_IN":
        sides = condition["children"]
    else:
        return None
    column, *values = sides
    if column["type"] != "COLUMN_REF" or [name.lower() for name in column["column_names"]] != ["pmid"]:
        return None
    texts = [one["literal"]["text"] for one in values if _is_number(one)]
    return frozenset(map(int, texts)) if len(texts) == len(values) else None


def _is_number(node: Mapping[str, Any]) -> bool:
    """Whether an expression is a number without a sign, of which every PMID has fewer digits."""
    if node["type"] != "VALUE_CONSTANT" or node["literal"]["kind"] != "INTEGER":
        return False
    text = node["literal"]["text"]
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS


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

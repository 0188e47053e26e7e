"""Parts of SQL statements: string literals, file names, and how DuckDB reads the columns of a table by field id."""

import re
from collections.abc import Collection, Sequence
from functools import cache

import pyarrow as pa

from litmine.lake.checksums import CHECKSUM_KEY, NO_CHECKSUM
from litmine.lake.paths import LakePath
from litmine.schema import arrow_schema

_DUCKDB_TYPES = {
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.float32(): "FLOAT",
    pa.bool_(): "BOOLEAN",
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


def schema_map(table: str, names: Collection[str] | None = None) -> str:
    """The `schema` argument of DuckDB's read_parquet that reads columns by field id.

    All columns of the table, or only those in `names`. A column that an older file lacks is null.
    """
    columns = (
        f"{int(field.metadata[b'PARQUET:field_id'])}: "
        f"{{name: '{field.name}', type: '{duckdb_type(field.type)}', default_value: NULL}}"
        for field in arrow_schema(table)
        if names is None or field.name in names
    )
    return f"MAP {{{', '.join(columns)}}}"


def select_list(table: str, columns: Sequence[str], missing: Collection[str] = ()) -> str:
    """The columns of a SELECT; a column is a name of the table or an expression with a name (`1 AS one`).

    missing: the table's columns that the files do not have; they are null.
    """
    types = {field.name: duckdb_type(field.type) for field in arrow_schema(table)}
    return ", ".join(f"NULL::{types[name]} AS {name}" if name in missing else name for name in columns)


def column_names(columns: Sequence[str]) -> list[str]:
    """The names of the columns of a `select_list`."""
    return [column.rpartition(" AS ")[2] for column in columns]


def escape_glob(path: LakePath) -> str:
    """Escape a path so that, as a glob pattern, it matches only itself."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def sql_string(text: str) -> str:
    """The text as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def unsealed_metadata(*entries: str) -> str:
    """The `KV_METADATA` with which DuckDB writes a file for `seal_file`; entries: further ones, as SQL."""
    checksum = f"'{CHECKSUM_KEY}': '{NO_CHECKSUM}'"
    return f"{{{', '.join((*entries, checksum))}}}"


@cache
def duckdb_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type that the tables use."""
    if pa.types.is_list(kind):
        return f"{duckdb_type(kind.value_type)}[]"
    if pa.types.is_map(kind):
        return f"MAP({duckdb_type(kind.key_type)}, {duckdb_type(kind.item_type)})"
    if pa.types.is_struct(kind):
        fields = ", ".join(f'"{field.name}" {duckdb_type(field.type)}' for field in kind)
        return f"STRUCT({fields})"
    return _DUCKDB_TYPES[kind]

"""Arrow schemas of the lake's tables, with Parquet field ids, read from their declarations in `schemas/*.json`.

A declaration is Iceberg's schema JSON: each column has an id and a description. Columns are only added, and ids are
never reused, so that field ids identify the columns of old files too.
"""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pyarrow as pa

from litmine.errors import SchemaError
from litmine.resources import packaged_path

_PRIMITIVES = {
    "long": pa.int64(),
    "int": pa.int32(),
    "float": pa.float32(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}


def table_declaration(table: str) -> dict[str, Any]:
    """The parsed JSON of `schemas/<table>.json`."""
    declared: dict[str, Any] = json.loads(packaged_path(f"schemas/{table}.json").read_text(encoding="utf-8"))
    return declared


@cache
def arrow_schema(table: str) -> pa.Schema:
    """The Arrow schema of the files of `table`, with field ids and descriptions in the fields' metadata."""
    return pa.schema([_field(declared) for declared in table_declaration(table)["fields"]])


def check_rows(table: str, rows: pa.Table) -> None:
    """Raise SchemaError unless `rows` has exactly the declared columns and no nulls in required ones."""
    expected = arrow_schema(table)
    if rows.schema.names != expected.names:
        raise SchemaError(f"{table}: the columns are {rows.schema.names}, declared are {expected.names}")
    for field in expected:
        column = rows.column(field.name)
        if column.type != field.type:
            raise SchemaError(f"{table}.{field.name} is {column.type}, declared is {field.type}")
        if not field.nullable and column.null_count:
            raise SchemaError(f"{table}.{field.name} has {column.null_count} nulls and must have none")


def find_schema_conflict(table: str, schema: pa.Schema) -> str | None:
    """How a file's schema differs from the declaration of `table`; None if each column has its id, name and type.

    An old file may lack optional columns, and a newer one may have columns that this version does not know.
    """
    declared = _declared_columns(table)
    found = dict(_columns(schema))
    ids = {name: field_id for field_id, (name, _) in declared.items()}
    for field_id, (name, kind) in found.items():
        expected, expected_kind = declared.get(field_id, (name, kind))
        if name != expected or ids.get(name, field_id) != field_id:
            return f"the column {name} has the field id {field_id}, declared is {ids.get(name, 'none')}"
        if kind != expected_kind:
            return f"the column {name} is {kind}, declared is {expected_kind}"
    lacking = [field.name for field in arrow_schema(table) if not field.nullable and field.name not in schema.names]
    return f"it lacks the column {lacking[0]}" if lacking else None


@cache
def _declared_columns(table: str) -> dict[str, tuple[str, str]]:
    return dict(_columns(arrow_schema(table)))


def _columns(fields: Iterable[pa.Field], above: str = "") -> Iterator[tuple[str, tuple[str, str]]]:
    """The field id, dotted name and type of each column, at any depth."""
    for field in fields:
        name, kind = f"{above}{field.name}", field.type
        inner: list[pa.Field] = []
        if pa.types.is_map(kind):
            inner = [kind.key_field, kind.item_field]
        elif pa.types.is_list(kind):
            inner = [kind.value_field]
        elif pa.types.is_struct(kind):
            inner = list(kind)
        field_id = (field.metadata or {}).get(b"PARQUET:field_id", b"none").decode()
        yield field_id, (name, type(kind).__name__ if inner else str(kind))
        yield from _columns(inner, f"{name}.")


def _field(declared: dict[str, Any]) -> pa.Field:
    metadata = {"PARQUET:field_id": str(declared["id"]), "doc": declared["doc"]}
    return pa.field(declared["name"], _type(declared["type"]), nullable=not declared["required"], metadata=metadata)


def _type(declared: Any) -> pa.DataType:
    if isinstance(declared, str):
        return _PRIMITIVES[declared]
    match declared["type"]:
        case "list":
            return pa.list_(_inner("element", declared["element"], declared["element-id"]))
        case "struct":
            return pa.struct([_field(field) for field in declared["fields"]])
        case "map":
            return pa.map_(
                _inner("key", declared["key"], declared["key-id"]),
                _inner("value", declared["value"], declared["value-id"]),
            )
        case other:
            raise SchemaError(f"schemas/ declares an unknown type: {other}")


def _inner(name: str, declared: Any, field_id: int) -> pa.Field:
    return pa.field(name, _type(declared), nullable=False, metadata={"PARQUET:field_id": str(field_id)})

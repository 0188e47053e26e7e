"""The tables, from their one declaration in `schemas/*.json`, as Arrow schemas with Parquet field ids.

A declaration is Iceberg's schema JSON: an id and a sentence a column. Columns are only added and ids never used again,
so that a file of any age is read by its field ids.
"""

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import pyarrow as pa

from litmine.errors import SchemaError

TABLES = ("articles", "entities", "files", "questions", "readings", "retrieved", "runs")

_PRIMITIVES = {
    "long": pa.int64(),
    "int": pa.int32(),
    "float": pa.float32(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}


def declaration(table: str) -> dict[str, Any]:
    """The JSON of `schemas/<table>.json`."""
    declared: dict[str, Any] = json.loads(schema_file(f"{table}.json").read_text(encoding="utf-8"))
    return declared


def schema_file(name: str) -> Traversable:
    """A file of `schemas/`: inside the installed package, or at the top of a checkout."""
    packaged = files("litmine") / "schemas" / name
    return packaged if packaged.is_file() else Path(__file__).parent.parent / "schemas" / name


@cache
def arrow_schema(table: str) -> pa.Schema:
    """The Arrow schema that every file of `table` has, field ids and doc strings in the fields' metadata."""
    return pa.schema([_field(declared) for declared in declaration(table)["fields"]])


def check(table: str, rows: pa.Table) -> None:
    """Raise SchemaError unless `rows` has exactly the declared columns, and no null where a value is required."""
    expected = arrow_schema(table)
    if rows.schema.names != expected.names:
        raise SchemaError(f"{table}: the columns are {rows.schema.names}, declared are {expected.names}")
    for field in expected:
        column = rows.column(field.name)
        if column.type != field.type:
            raise SchemaError(f"{table}.{field.name} is {column.type}, declared is {field.type}")
        if not field.nullable and column.null_count:
            raise SchemaError(f"{table}.{field.name} has {column.null_count} nulls and must have none")


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
            raise SchemaError(f"schemas/ declares a type that litmine does not know: {other}")


def _inner(name: str, declared: Any, field_id: int) -> pa.Field:
    return pa.field(name, _type(declared), nullable=False, metadata={"PARQUET:field_id": str(field_id)})

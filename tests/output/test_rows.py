"""A CSV file of rows has the cells that `cell_text` gives, for values of every type."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.output.rows import WRITERS, cell_text, records

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(list('\0\r\n",\ufeff')))
VALUES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), TEXT),
    "long": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "unsigned": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "float": (pa.float32(), st.floats(width=32)),
    "double": (pa.float64(), st.floats()),
    "boolean": (pa.bool_(), st.booleans()),
    "date": (pa.date32(), st.dates()),
    "time": (pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(UTC))),
    "decimal": (pa.decimal128(38, 2), st.decimals(-(10**30), 10**30, places=2)),
    "bytes": (pa.binary(), st.binary()),
    "list": (pa.list_(pa.float32()), st.lists(st.none() | st.floats(width=32), max_size=3)),
    "struct": (pa.struct([("a", pa.string()), ("b", pa.int32())]), st.fixed_dictionaries({"a": TEXT, "b": st.just(1)})),
    "map": (pa.map_(pa.string(), pa.int32()), st.dictionaries(TEXT, st.just(2), max_size=2).map(dict.items).map(list)),
}


def written(batches: list[pa.RecordBatch]) -> bytes:
    out = io.BytesIO()
    WRITERS["csv"](pa.RecordBatchReader.from_batches(batches[0].schema, batches), out)
    return out.getvalue()


@given(data=st.data(), names=st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4, unique=True))
def test_csv_has_the_text_of_each_cell(data: st.DataObject, names: list[str]) -> None:
    schema = pa.schema([(name, VALUES[name][0]) for name in names])
    rows = st.fixed_dictionaries({name: st.none() | VALUES[name][1] for name in names})
    batches = [
        pa.RecordBatch.from_pylist(found, schema=schema)
        for found in data.draw(st.lists(st.lists(rows, max_size=4), min_size=1, max_size=3))
    ]
    expected = [
        [cell_text(value) for value in record.values()]
        for record in records(pa.RecordBatchReader.from_batches(schema, batches))
    ]
    found = written(batches)
    assert [*csv.reader(io.StringIO(found.decode(), newline=""))] == [names, *expected]
    one_by_one = io.StringIO()
    csv.writer(one_by_one, lineterminator="\r\n").writerows([names, *expected])
    assert found.replace(b"\r\n", b"\n") == one_by_one.getvalue().encode().replace(b"\r\n", b"\n")


@pytest.mark.parametrize(
    ("value", "kind", "line"),
    [
        (date.min, pa.date32(), b"0001-01-01"),
        (datetime(2026, 1, 2, tzinfo=UTC), pa.timestamp("us", "UTC"), b"2026-01-02 00:00:00+00:00"),
        (0.95, pa.float32(), b"0.95"),
        (Decimal("1.50"), pa.decimal128(5, 2), b"1.50"),
        (True, pa.bool_(), b"true"),
        (None, pa.string(), b'""'),
        ("a\rb", pa.string(), b'"a\rb"'),
        ("a\r\n", pa.string(), b'"a\r\n"'),
    ],
)
def test_cells_are_written_so(value: object, kind: pa.DataType, line: bytes) -> None:
    assert written([pa.record_batch({"x": pa.array([value], kind)})]) == b"x\n" + line + b"\n"

"""Rows of a query as CSV, JSON, JSON lines or Parquet."""

import csv
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

Write = Callable[[pa.RecordBatchReader, IO[bytes]], None]


def format_from_suffix(file: Path) -> str:
    """The form that a file's name ends in."""
    return file.suffix.removeprefix(".").lower()


def with_unique_names(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """The same rows; `a, a` as `a, a_1`, since neither JSON nor Parquet tells columns of one name apart."""
    names: list[str] = []
    for name in rows.schema.names:
        apart, number = name, 0
        while apart in names or (number and apart in rows.schema.names):
            number += 1
            apart = f"{name}_{number}"
        names.append(apart)
    if names == rows.schema.names:
        return rows
    schema = pa.schema([field.with_name(name) for field, name in zip(rows.schema, names, strict=True)])
    return pa.RecordBatchReader.from_batches(schema, (batch.rename_columns(names) for batch in rows))


def records(rows: pa.RecordBatchReader) -> Iterator[dict[str, Any]]:
    """The rows, one by one."""
    return (record for batch in rows for record in batch.to_pylist())


def _csv(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    writer = csv.writer(_Lines(out), lineterminator="\r\n")
    writer.writerow(rows.schema.names)
    for record in records(rows):
        writer.writerow([cell_text(value) for value in record.values()])


def _json(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    separator = b"[\n"
    for record in records(rows):
        out.write(separator + _dump(record))
        separator = b",\n"
    out.write(b"\n]\n" if separator == b",\n" else b"[]\n")


def _jsonl(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    for record in records(rows):
        out.write(_dump(record) + b"\n")


def _parquet(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    from pyarrow import parquet

    with parquet.ParquetWriter(out, rows.schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch)


WRITERS: dict[str, Write] = {"csv": _csv, "json": _json, "jsonl": _jsonl, "parquet": _parquet}


class _Lines:
    r"""Takes a CSV row at a time and ends it with \n; the writer quotes a lone \r only if its rows end in \r\n."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, row: str) -> int:
        return self._out.write(row.removesuffix("\r\n").encode() + b"\n")


def _dump(value: Any) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, default=_plain, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, default=_plain)
    return text.encode()


def _plain(value: Any) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _finite(value: Any) -> Any:
    """JSON has no word for what is not a number, nor for infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def cell_text(value: Any) -> str:
    """A value as one cell of a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return _dump(value).decode() if isinstance(value, list | dict | tuple) else _plain(value)

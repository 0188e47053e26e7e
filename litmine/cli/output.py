"""Query results as a table, CSV, JSON, JSON lines or Parquet, on stdout or in a file."""

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import click
import pyarrow as pa

from litmine.cli.talk import printable
from litmine.errors import SettingError
from litmine.output.whole import whole_file

FORMATS = ("table", "csv", "json", "jsonl", "parquet")
_WIDEST = 60


def write_result(rows: pa.RecordBatchReader, form: str | None, file: Path | None) -> None:
    """Write a result. Without `form` the file's suffix says it; without a file either, a table is printed.

    A file is written aside and renamed, so it is whole or absent (LitmineError when it cannot be written). Of columns
    with the same name the later ones get a number.
    """
    form = form or (file.suffix.removeprefix(".").lower() if file else "table")
    if form not in FORMATS:
        raise SettingError(f"no format {form!r}; say --format {', '.join(FORMATS)}")
    rows = _named_apart(rows)
    if file is None:
        if sys.stdout is None:
            raise SettingError("stdout is closed; name a file with -o FILE")
        if form == "parquet" and sys.stdout.isatty():
            raise SettingError("Parquet is not for a terminal; name a file with -o FILE")
        _WRITERS[form](rows, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with whole_file(file) as out:
        _WRITERS[form](rows, out)


def _named_apart(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
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


def _records(rows: pa.RecordBatchReader) -> Iterator[dict[str, Any]]:
    return (record for batch in rows for record in batch.to_pylist())


def _csv(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    writer = csv.writer(_Lines(out), lineterminator="\r\n")
    writer.writerow(rows.schema.names)
    for record in _records(rows):
        writer.writerow([_flat(value) for value in record.values()])


def _json(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    separator = b"[\n"
    for record in _records(rows):
        out.write(separator + _dump(record))
        separator = b",\n"
    out.write(b"\n]\n" if separator == b",\n" else b"[]\n")


def _jsonl(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    for record in _records(rows):
        out.write(_dump(record) + b"\n")


def _parquet(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    from pyarrow import parquet

    with parquet.ParquetWriter(out, rows.schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch)


def _table(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    names = [_cell(name) for name in rows.schema.names]
    numbers = [pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_decimal(t) for t in rows.schema.types]
    lines = [[_cell(value) for value in record.values()] for record in _records(rows)]
    widths = [max([len(name), *(len(line[i]) for line in lines)]) for i, name in enumerate(names)]
    for line in [names, ["-" * width for width in widths], *lines]:
        cells = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, numbers, strict=True)
        )
        out.write("  ".join(cells).rstrip().encode() + b"\n")
    click.echo(f"({len(lines)} row{'' if len(lines) == 1 else 's'})", err=True)


_WRITERS: dict[str, Callable[[pa.RecordBatchReader, IO[bytes]], None]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
    "parquet": _parquet,
}


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


def _flat(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return _dump(value).decode() if isinstance(value, list | dict | tuple) else _plain(value)


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else _flat(value)
    text = " ".join(printable(text).split())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"

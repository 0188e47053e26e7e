"""Query results as a table, CSV, JSON, JSON lines or Parquet, on stdout or in a file."""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

import click
import pyarrow as pa

from litmine.cli.talk import printable
from litmine.errors import LitmineError, SettingError

FORMATS = ("table", "csv", "json", "jsonl", "parquet")
_WIDEST = 60


def write_result(rows: pa.RecordBatchReader, form: str | None, file: Path | None) -> None:
    """Write a result. Without `form` the file's suffix says it; without a file either, a table is printed.

    A file is written aside and renamed, so it is whole or absent (LitmineError when it cannot be written).
    """
    form = form or (file.suffix.removeprefix(".").lower() if file else "table")
    if form not in FORMATS:
        raise SettingError(f"no format {form!r}; say --format {', '.join(FORMATS)}")
    if file is None:
        if form == "parquet" and sys.stdout.isatty():
            raise SettingError("Parquet is not for a terminal; name a file with -o FILE")
        _WRITERS[form](rows, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    try:
        with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as aside:
            try:
                _WRITERS[form](rows, aside)
                aside.close()
                Path(aside.name).replace(file)
            finally:
                Path(aside.name).unlink(missing_ok=True)
    except OSError as error:
        raise LitmineError(f"{file} cannot be written ({error.strerror}); choose another file") from error


def _records(rows: pa.RecordBatchReader) -> Iterator[dict[str, Any]]:
    return (record for batch in rows for record in batch.to_pylist())


def _csv(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    text = _Text(out)
    writer = csv.writer(text, lineterminator="\n")
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
    names = rows.schema.names
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


class _Text:
    """The csv module writes text."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write(text.encode())


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode()


def _flat(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict | tuple) else str(value)


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else _flat(value)
    text = " ".join(printable(text).split())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"

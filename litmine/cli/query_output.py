"""Query results as a table, CSV, JSON, JSON lines or Parquet, on stdout or in a file."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import click
import pyarrow as pa

from litmine.atomic_write import open_atomic
from litmine.cli.console import printable
from litmine.errors import SettingError
from litmine.output.rows import WRITERS, cell_text, format_from_suffix, records, with_unique_names

FORMATS = ("table", "csv", "json", "jsonl", "parquet")
_MAX_CELL_WIDTH = 60


def write_result(rows: pa.RecordBatchReader, form: str | None, file: Path | None) -> int:
    """Write a result to a file or stdout, and return its number of rows.

    `form` defaults to the file's suffix, or to a table on stdout. A file appears only when it is complete. Repeated
    column names get a number. Raises SettingError for an unknown format, and LitmineError when the file cannot be
    written.
    """
    form = form or (format_from_suffix(file) if file else "table")
    if form not in FORMATS:
        raise SettingError(f"unknown format {form!r}; choose --format {', '.join(FORMATS)}")
    rows, batch_sizes = _counted(with_unique_names(rows))
    if file is None:
        if sys.stdout is None:
            raise SettingError("stdout is closed; write to a file with -o FILE")
        if form == "parquet" and sys.stdout.isatty():
            raise SettingError("a terminal cannot show Parquet; write to a file with -o FILE")
        terminal = cast("IO[bytes]", _TerminalWriter(sys.stdout.buffer))
        _WRITERS[form](rows, terminal if sys.stdout.isatty() else sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return sum(batch_sizes)
    with open_atomic(file) as out:
        _WRITERS[form](rows, out)
    return sum(batch_sizes)


def _counted(rows: pa.RecordBatchReader) -> tuple[pa.RecordBatchReader, list[int]]:
    """The same rows, and a list that gets the number of rows of each batch when it is read."""
    sizes: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            sizes.append(batch.num_rows)
            yield batch

    return pa.RecordBatchReader.from_batches(rows.schema, batches()), sizes


def _table(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    names = [_cell(name) for name in rows.schema.names]
    numbers = [pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_decimal(t) for t in rows.schema.types]
    lines = [[_cell(value) for value in record.values()] for record in records(rows)]
    widths = [max([len(name), *(len(line[i]) for line in lines)]) for i, name in enumerate(names)]
    for line in [names, ["-" * width for width in widths], *lines]:
        cells = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, numbers, strict=True)
        )
        out.write("  ".join(cells).rstrip().encode() + b"\n")
    click.echo(f"({len(lines)} row{'' if len(lines) == 1 else 's'})", err=True)


class _TerminalWriter(io.BufferedIOBase):
    """Replaces control characters on a terminal, because data is untrusted; files and pipes get the exact data."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, data: Any) -> int:
        return self._out.write(printable(bytes(data).decode()).encode())


_WRITERS = {"table": _table, **WRITERS}


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else cell_text(value)
    text = " ".join(printable(text).split())
    return text if len(text) <= _MAX_CELL_WIDTH else text[: _MAX_CELL_WIDTH - 1] + "…"

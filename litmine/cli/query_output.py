"""Query results as a table, CSV, JSON, JSON lines or Parquet, on stdout or in a file."""

import io
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import IO, Any, cast

import click
import pyarrow as pa

from litmine.atomic_write import open_atomic
from litmine.cli.console import printable
from litmine.errors import SettingError, UnknownNameError
from litmine.output.rows import WRITERS, cell_text, format_from_suffix, records, with_unique_names

FORMATS = ("table", "csv", "json", "jsonl", "parquet")
# A column of a table is so wide at most, or wider on a terminal with room. A longer cell is wrapped to so many lines.
_MAX_CELL_WIDTH = 60
_MAX_CELL_LINES = 6
# Rows whose cells give the widths of the columns.
_WIDTH_ROWS = 1_000


def write_result(rows: pa.RecordBatchReader, form: str | None, file: Path | None) -> int:
    """Write a result to a file or stdout, and return its number of rows.

    `form` defaults to the file's suffix, or to a table on stdout. A file appears only when it is complete. Repeated
    column names get a number. Raises UnknownNameError for an unknown format, SettingError when stdout cannot take the
    rows, and LitmineError when the file cannot be written.
    """
    form = check_format(form, file)
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


def check_format(form: str | None, file: Path | None) -> str:
    """The format of a result: the one that is given, else that of the file's suffix, or a table.

    Raises UnknownNameError if there is no such format.
    """
    form = form or (format_from_suffix(file) if file else "table")
    if form not in FORMATS:
        raise UnknownNameError(f"unknown format {form!r}; choose --format {', '.join(FORMATS)}")
    return form


def _counted(rows: pa.RecordBatchReader) -> tuple[pa.RecordBatchReader, list[int]]:
    """The same rows, and a list that gets the number of rows of each batch when it is read."""
    sizes: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            sizes.append(batch.num_rows)
            yield batch

    return pa.RecordBatchReader.from_batches(rows.schema, batches()), sizes


def _table(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    """Write a table with aligned columns. A long cell is wrapped within its column, and a very long one is cut.

    The first rows give the widths of the columns; the others are written as they come, and a longer cell in them moves
    the rest of its line. The number of rows goes to stderr, with a hint on how to see cells whole that were cut.
    """
    types = rows.schema.types
    numbers = [pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_decimal(t) for t in types]
    names = [_cell(name) for name in rows.schema.names]
    cells = ([_cell(value) for value in record.values()] for record in records(rows))
    first = list(islice(cells, _WIDTH_ROWS))
    longest = [max([len(name), *(len(row[i]) for row in first)]) for i, name in enumerate(names)]
    widths = column_widths(longest, shutil.get_terminal_size().columns if isinstance(out, _TerminalWriter) else 0)
    cut = count = 0
    for count, row in enumerate(chain([names, ["-" * width for width in widths]], first, cells), -1):  # noqa: B007
        fitting = [max(width, min(len(cell), _MAX_CELL_WIDTH)) for cell, width in zip(row, widths, strict=True)]
        wrapped = [wrap_cell(cell, width) for cell, width in zip(row, fitting, strict=True)]
        cut += sum(not whole for _, whole in wrapped)
        for parts in zip_longest(*(lines for lines, _ in wrapped), fillvalue=""):
            padded = (
                part.rjust(width) if number else part.ljust(width)
                for part, width, number in zip(parts, fitting, numbers, strict=True)
            )
            out.write("  ".join(padded).rstrip().encode() + b"\n")
    counted = f"{count} row{'' if count == 1 else 's'}"
    cells_cut = "1 long cell is" if cut == 1 else f"{cut:,} long cells are"
    hint = f"; {cells_cut} cut, and --format csv or jsonl prints everything" if cut else ""
    click.echo(f"({counted}{hint})", err=True)


def column_widths(longest: Sequence[int], terminal: int) -> list[int]:
    """The width of each column, from its longest cell and the width of the terminal; 0 if there is none."""
    widths = [min(width, _MAX_CELL_WIDTH) for width in longest]
    spare = terminal - sum(widths) - 2 * (len(widths) - 1)
    # The column that needs the least goes first, and leaves the others what it does not need.
    wide = sorted((i for i, width in enumerate(longest) if width > _MAX_CELL_WIDTH), key=lambda i: longest[i])
    for left, i in zip(range(len(wide), 0, -1), wide, strict=True):
        more = min(longest[i] - widths[i], max(0, spare // left))
        widths[i] += more
        spare -= more
    return widths


def wrap_cell(cell: str, width: int) -> tuple[list[str], bool]:
    """The lines of a cell, and whether they have all of it."""
    if len(cell) <= width:
        return [cell], True
    # Only what may fit is wrapped, since a cell may hold a whole article.
    lines = textwrap.wrap(cell[: (width + 1) * _MAX_CELL_LINES], width, break_on_hyphens=False)[:_MAX_CELL_LINES]
    if "".join(lines).replace(" ", "") == cell.replace(" ", ""):
        return lines, True
    return [*lines[:-1], f"{lines[-1][: width - 1]}…"], False


class _TerminalWriter(io.BufferedIOBase):
    """Replaces control characters on a terminal, because data is untrusted; files and pipes get the exact data."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, data: Any) -> int:
        return self._out.write(printable(bytes(data).decode()).encode())


_WRITERS = {"table": _table, **WRITERS}


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else cell_text(value)
    return " ".join(printable(text).split())

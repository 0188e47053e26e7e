"""Write query results as CSV, JSON, JSON lines or Parquet."""

import csv
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

# The types whose values Python's csv writer turns into the text of `cell_text`: an empty one for null, else `str`.
_PLAIN_IN_CSV = (pa.types.is_integer, pa.types.is_float64, pa.types.is_timestamp)

Write = Callable[[pa.RecordBatchReader, IO[bytes]], None]


def format_from_suffix(file: Path) -> str:
    """The format that a file name ends in, in lower case."""
    return file.suffix.removeprefix(".").lower()


def with_unique_names(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """The same rows with unique column names: `a, a` becomes `a, a_1`, because JSON and Parquet need unique names."""
    names: list[str] = []
    for name in rows.schema.names:
        unique, number = name, 0
        while unique in names or (number and unique in rows.schema.names):
            number += 1
            unique = f"{name}_{number}"
        names.append(unique)
    if names == rows.schema.names:
        return rows
    schema = pa.schema([field.with_name(name) for field, name in zip(rows.schema, names, strict=True)])
    return pa.RecordBatchReader.from_batches(schema, (batch.rename_columns(names) for batch in rows))


def records(rows: pa.RecordBatchReader) -> Iterator[dict[str, Any]]:
    """The rows as dictionaries, with values that are easy to read.

    A float32 becomes the shortest decimal (0.95, not 0.949999988079071). A map becomes a dictionary. An interval
    becomes the text that DuckDB shows (`3 days 00:03:32.5`).
    """
    converted = {field.name: field.type for field in rows.schema if _needs_conversion(field.type)}
    for batch in rows:
        for record in batch.to_pylist():
            for name, kind in converted.items():
                record[name] = _convert(record[name], kind)
            yield record


def shortest_decimal(value: float) -> float:
    """The float with the fewest decimal digits that is equal to `value` in float32."""
    return float(str(np.float32(value)))


def _needs_conversion(kind: pa.DataType) -> bool:
    inner = [kind.field(index).type for index in range(kind.num_fields)]
    return bool(
        pa.types.is_float32(kind)
        or pa.types.is_map(kind)
        or kind == pa.month_day_nano_interval()
        or any(map(_needs_conversion, inner))
    )


def _convert(value: Any, kind: pa.DataType) -> Any:
    """Convert each float32, map and interval in a value, at any depth, as `records` describes."""
    if value is None or not _needs_conversion(kind):
        return value
    if pa.types.is_float32(kind):
        return shortest_decimal(value)
    if kind == pa.month_day_nano_interval():
        return _interval_text(*value)
    if pa.types.is_struct(kind):
        return {name: _convert(inner, kind.field(name).type) for name, inner in value.items()}
    if pa.types.is_map(kind):
        # JSON has only text as a key.
        return {cell_text(_convert(key, kind.key_type)): _convert(item, kind.item_type) for key, item in value}
    return [_convert(inner, kind.value_type) for inner in value]


def _interval_text(months: int, days: int, nanoseconds: int) -> str:
    """An interval as DuckDB writes it: `1 year 2 months 3 days 00:03:32.5`."""
    years, months = int(months / 12), int(math.fmod(months, 12))
    units = ((years, "year"), (months, "month"), (days, "day"))
    parts = [f"{count} {unit}{'' if abs(count) == 1 else 's'}" for count, unit in units if count]
    if nanoseconds or not parts:
        seconds, fraction = divmod(abs(nanoseconds) // 1000, 1_000_000)
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        decimals = f".{fraction:06}".rstrip("0") if fraction else ""
        parts.append(f"{'-' if nanoseconds < 0 else ''}{clock}{decimals}")
    return " ".join(parts)


def _csv(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    lines = _CsvLines()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(rows.schema.names)
    lines.move_to(out)
    for batch in rows:
        writer.writerows(zip(*map(_csv_cells, batch.columns), strict=True))
        lines.move_to(out)


def _csv_cells(column: pa.Array) -> list[Any]:
    """The values of a column, each of which Python's csv writer writes as `cell_text` does."""
    kind = column.type
    if pa.types.is_date32(kind):
        column = column.cast(pa.string())
    if pa.types.is_string(column.type) or (pa.types.is_integer(kind) and not column.null_count):
        # The same values as from `to_pylist`, in a quarter of the time.
        return list(column.to_numpy(zero_copy_only=False).tolist())
    values: list[Any] = column.to_pylist()
    if any(is_plain(kind) for is_plain in _PLAIN_IN_CSV):
        return values
    return [cell_text(_convert(value, kind)) for value in values]


def _json(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    separator = b"[\n"
    for record in records(rows):
        out.write(separator + json_bytes(record))
        separator = b",\n"
    out.write(b"\n]\n" if separator == b",\n" else b"[]\n")


def _jsonl(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    for record in records(rows):
        out.write(json_bytes(record) + b"\n")


def _parquet(rows: pa.RecordBatchReader, out: IO[bytes]) -> None:
    from pyarrow import parquet

    with parquet.ParquetWriter(out, rows.schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch)


WRITERS: dict[str, Write] = {"csv": _csv, "json": _json, "jsonl": _jsonl, "parquet": _parquet}


class _CsvLines:
    r"""Ends CSV rows with \n. Python's csv writer quotes a lone \r only if its own line end is \r\n."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.write = self._lines.append

    def move_to(self, out: IO[bytes]) -> None:
        """Write the rows so far."""
        out.write("".join([f"{line[:-2]}\n" for line in self._lines]).encode())
        self._lines.clear()


def json_bytes(value: Any) -> bytes:
    """A value as JSON in UTF-8: null for NaN and infinity, and the text of what JSON does not have, such as dates."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=_plain, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, default=_plain)
    return text.encode()


def _plain(value: Any) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _finite(value: Any) -> Any:
    """The value with null for NaN and infinity, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def cell_text(value: Any) -> str:
    """A value as the text of one cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return json_bytes(value).decode() if isinstance(value, list | dict | tuple) else _plain(value)

"""Parquet files of the lake: a declared table with a JSON footer, to bytes and back."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import SEEK_END
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from litmine.errors import LakeError
from litmine.lake.file_writer import write_bytes, write_whole
from litmine.lake.object_store import ObjectPath
from litmine.lake.paths import Place, parse_folder
from litmine.schema import arrow_schema, check_rows
from litmine.specs import annotate_again

FOOTER = b"litmine"
_ID = b"PARQUET:field_id"
EMPTY = "_schema.parquet"
_TAIL = 1 << 16
# The last bytes of every Parquet file.
_END = b"PAR1"


def encode(table: str, rows: pa.Table, footer: Mapping[str, Any] | None = None) -> bytes:
    """The Parquet file of `rows`, with field ids, page checksums and indexes; equal for equal rows and footers.

    Raises SchemaError unless the rows are what `schemas/<table>.json` declares.
    """
    sink = pa.BufferOutputStream()
    _write(sink, table, [rows], footer)
    return bytes(sink.getvalue())


def write_stream(path: Place, table: str, rows: Iterable[pa.Table], footer: Mapping[str, Any]) -> bool:
    """As `write_bytes` of `encode`, of rows that come one after the other, unless the file is there."""
    return write_whole(path, lambda temporary: _write(temporary, table, rows, footer), exclusive=True)


def _write(sink: Any, table: str, rows: Iterable[pa.Table], footer: Mapping[str, Any] | None) -> None:
    schema = arrow_schema(table)
    with pq.ParquetWriter(
        sink, schema, compression="zstd", write_page_index=True, write_page_checksum=True, store_schema=False
    ) as writer:
        for some in rows:
            check_rows(table, some)
            writer.write_table(pa.Table.from_arrays(some.columns, schema=schema))
        if footer is not None:
            writer.add_key_value_metadata({FOOTER: json.dumps(footer, ensure_ascii=False).encode("utf-8", "replace")})


def stream(paths: Iterable[Place], table: str, at_once: int) -> Iterator[pa.Table]:
    """The rows of some files, one file after the other, at least so many at a time but for the last.

    Checksums are verified. A column that a file is too old for is null. Raises LakeError for a file that is damaged,
    gone, or newer than this litmine: its columns would be lost.
    """
    held: list[pa.Table] = []
    for path in paths:
        with opened(path) as file:
            for batch in file.iter_batches(at_once):
                held.append(_as_declared(path, table, batch))
                if sum(map(len, held)) >= at_once:
                    yield pa.concat_tables(held)
                    held = []
    if held:
        yield pa.concat_tables(held)


def _as_declared(path: Place, table: str, batch: pa.RecordBatch) -> pa.Table:
    schema = arrow_schema(table)
    columns = {field.metadata[_ID]: column for field, column in zip(batch.schema, batch.columns, strict=True)}
    if newer := columns.keys() - {field.metadata[_ID] for field in schema}:
        raise LakeError(f"{path} has {len(newer)} column(s) of a newer litmine; update this one")
    return pa.Table.from_arrays(
        [
            columns[field.metadata[_ID]].cast(field.type)
            if field.metadata[_ID] in columns
            else pa.nulls(len(batch), field.type)
            for field in schema
        ],
        schema=schema,
    )


def read(path: Place, columns: Sequence[str]) -> pa.Table:
    """Some columns of a file, checksums verified. Raises LakeError when it is damaged or gone."""
    with opened(path) as file:
        return file.read(columns=list(columns))


@contextmanager
def opened(path: Place) -> Iterator[pq.ParquetFile]:
    """A file to be read, checksums verified. Raises LakeError when it is damaged or gone, also while it is read."""
    with reading(path), pq.ParquetFile(_source(path), page_checksum_verification=True) as file:
        yield file


def read_footer(path: Place) -> dict[str, Any]:
    """The JSON that `encode` put into the file's footer. Raises LakeError when it is damaged, gone or not ours."""
    with reading(path):
        metadata = _metadata(path).metadata or {}
        if FOOTER not in metadata:
            raise damaged(path, "it has no footer of litmine's")
        footer: dict[str, Any] = json.loads(metadata[FOOTER])
        return footer


def check_whole(path: Place) -> None:
    """Raise LakeError for a file that has lost its end; this reads four bytes. A file that is gone is no damage.

    An object store shows an object only when it is complete, so objects are not read.
    """
    if isinstance(path, Path) and path.exists():
        with reading(path), path.open("rb") as file:
            file.seek(max(0, file.seek(0, SEEK_END) - len(_END)))
            if file.read() != _END:
                raise damaged(path, "its end is missing")


def shape(path: Place) -> tuple[pa.Schema, int]:
    """The schema of a file, field ids included, and its rows, from its footer. Raises LakeError when it is damaged."""
    with reading(path):
        metadata = _metadata(path)
        return metadata.schema.to_arrow_schema(), metadata.num_rows


def pmid_range(path: Place) -> tuple[int, int]:
    """The least and the greatest PMID of a file whose first column is `pmid`; (1, 0) when it has no rows."""
    with reading(path):
        metadata = _metadata(path)
        groups = [metadata.row_group(i).column(0).statistics for i in range(metadata.num_row_groups)]
        return min((g.min for g in groups), default=1), max((g.max for g in groups), default=0)


def write_empty(folder: Place, table: str) -> None:
    """The file without rows that keeps `<folder>/*.parquet` from matching nothing, which DuckDB refuses."""
    if not (folder / EMPTY).exists():
        write_bytes(folder / EMPTY, encode(table, arrow_schema(table).empty_table()), exclusive=True)


def _source(path: Place) -> Path | pa.BufferReader:
    """What pyarrow reads a whole file from: an object in one request."""
    return pa.BufferReader(path.read_bytes()) if isinstance(path, ObjectPath) else path


def _metadata(path: Place) -> pq.FileMetaData:
    """A file's own metadata: what stands at its end, behind which are its length and four letters."""
    if isinstance(path, Path):
        return pq.read_metadata(path)
    end = path.read_range(-_TAIL, None)
    if (length := int.from_bytes(end[-8:-4], "little") + 8) > len(end):
        end = path.read_range(-length, None)
    return pq.read_metadata(pa.BufferReader(end))


@contextmanager
def reading(path: Place) -> Iterator[None]:
    """Turn what pyarrow raises for a file that is damaged, or cannot be opened, into LakeError."""
    try:
        yield
    except pa.ArrowMemoryError:
        raise  # a full machine is no damage
    except PermissionError as error:
        raise LakeError(f"{path} cannot be read ({error.strerror or error}); see to its permissions") from error
    except FileNotFoundError as error:
        raise LakeError(f"{path} is gone; run the command again") from error
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise damaged(path, str(error)) from error


def damaged(path: Place, why: str) -> LakeError:
    """The sentence for a file that is no longer what was written."""
    if path.parent.name == "articles" and path.name != EMPTY:
        advice = f"restore it, or delete each {path.name} under the lake and import its source again"
    elif path.parent.name.startswith(("model=", "of=")) and path.name != EMPTY:
        folder = path.parent if path.parent.name.startswith("model=") else path.parent.parent
        table, model, _ = parse_folder(f"{folder.parent.name}/{folder.name}")
        advice = f"delete it and {annotate_again(table, model)}"
    elif path.parent.name == "replaced" and path.name != EMPTY:
        advice = "delete it and run `litmine compact`, which writes it again"
    else:
        advice = "restore it or delete it"
    reason = " ".join(why.split()).rstrip(".")
    return LakeError(f"{path} is damaged ({reason}); {advice}")

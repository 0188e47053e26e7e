"""Encode and read the Parquet files of a lake.

A file holds rows of a declared table, with field ids, checksums (of pages, and `litmine.lake.checksums`) and page
indexes. Its JSON footer records how it was made. Errors of pyarrow become sentences that tell the user what to do about
the file.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from os import SEEK_END
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from litmine.errors import LakeError
from litmine.lake.checksums import CHECKSUM_KEY, NO_CHECKSUM, check_metadata, read_end, seal_file, sealed
from litmine.lake.file_writer import write_atomically, write_bytes
from litmine.lake.folders import require_plain
from litmine.lake.object_store import ObjectPath
from litmine.lake.paths import LakePath, parse_folder_name, term_list_path
from litmine.schema import arrow_schema, check_rows
from litmine.specs import ARTICLES, annotate_advice

# The key of the JSON footer in a file's Parquet metadata.
FOOTER_KEY = b"litmine"
# The folder of what litmine keeps of concepts beside a lake, with folders of its own.
_CONCEPTS = "concepts"
# A file without rows in each table's folder.
SCHEMA_FILE = "_schema.parquet"
_FIELD_ID = b"PARQUET:field_id"
# A query for the text of one article decodes a row group, so that of articles is small. Names are looked up in the
# dictionary of each row group, so those of other tables are as large as what is written at a time.
_ARTICLE_ROWS = 1_000
# Read this much of an object's end first: it holds most files' Parquet metadata.
_METADATA_BYTES = 1 << 16
# The length of the metadata in four bytes, and `_END_MARK`.
_END_BYTES = 8
# The last bytes of every Parquet file.
_END_MARK = b"PAR1"


def encode_parquet(table: str, rows: pa.Table, footer: Mapping[str, Any] | None = None) -> bytes:
    """Encode rows as a Parquet file. Equal rows and footers give equal bytes.

    Raises SchemaError unless the rows match `schemas/<table>.json`.
    """
    sink = pa.BufferOutputStream()
    _write(sink, table, [rows], footer)
    return sealed(sink.getvalue().to_pybytes())


def write_tables(path: LakePath, table: str, chunks: Iterable[pa.Table], footer: Mapping[str, Any]) -> bool:
    """Write a file from chunks of rows, unless it exists, in constant memory. Returns whether it was written.

    Raises SchemaError as `encode_parquet` does, and LakeError if the file cannot be written.
    """

    def write(temporary: Path) -> None:
        _write(temporary, table, chunks, footer)
        seal_file(temporary)

    return write_atomically(path, write, exclusive=True)


def _write(sink: Any, table: str, chunks: Iterable[pa.Table], footer: Mapping[str, Any] | None) -> None:
    schema = arrow_schema(table)
    with pq.ParquetWriter(
        sink, schema, compression="zstd", write_page_index=True, write_page_checksum=True, store_schema=False
    ) as writer:
        for chunk in chunks:
            check_rows(table, chunk)
            rows = _ARTICLE_ROWS if table == ARTICLES else None
            writer.write_table(pa.Table.from_arrays(chunk.columns, schema=schema), row_group_size=rows)
        added: dict[str | bytes, str | bytes] = {CHECKSUM_KEY: NO_CHECKSUM}
        if footer is not None:
            added[FOOTER_KEY] = json.dumps(footer, ensure_ascii=False).encode("utf-8", "replace")
        writer.add_key_value_metadata(added)


def write_schema_file(folder: LakePath, table: str) -> None:
    """Write the table's file without rows to `folder`: DuckDB refuses `<folder>/*.parquet` if nothing matches it."""
    if not (folder / SCHEMA_FILE).exists():
        write_bytes(folder / SCHEMA_FILE, encode_parquet(table, arrow_schema(table).empty_table()), exclusive=True)


def read_table(path: LakePath, columns: Sequence[str]) -> pa.Table:
    """Read some columns of a file and verify their checksums. Raises LakeError if it is damaged or missing."""
    with open_parquet(path) as file:
        return file.read(columns=list(columns))


@contextmanager
def open_parquet(path: LakePath) -> Iterator[pq.ParquetFile]:
    """Open a file to be read with checksums verified. Raises LakeError, also inside the block, if it is damaged."""
    with report_read_errors(path):
        source = _source(path)
        if isinstance(source, Path):
            metadata = read_metadata(path)
        else:
            metadata = _parse_metadata(read_end(source))
            source.seek(0)
        with pq.ParquetFile(source, metadata=metadata, page_checksum_verification=True) as file:
            yield file


def stream_tables(paths: Iterable[LakePath], table: str, min_rows: int) -> Iterator[pa.Table]:
    """The rows of some files, one file after the other, in chunks of at least `min_rows` rows except the last.

    Checksums are verified. If a file is older than a column, the column is null. Raises LakeError for a file that is
    damaged, missing, or written by a newer litmine, whose additional columns would be lost.
    """
    batches: list[pa.Table] = []
    for path in paths:
        with open_parquet(path) as file:
            for batch in file.iter_batches(min_rows):
                batches.append(_match_schema(path, table, batch))
                if sum(map(len, batches)) >= min_rows:
                    yield pa.concat_tables(batches)
                    batches = []
    if batches:
        yield pa.concat_tables(batches)


def _match_schema(path: LakePath, table: str, batch: pa.RecordBatch) -> pa.Table:
    """The batch with the declared columns, matched by field id."""
    schema = arrow_schema(table)
    columns = {field.metadata[_FIELD_ID]: column for field, column in zip(batch.schema, batch.columns, strict=True)}
    if unknown := columns.keys() - {field.metadata[_FIELD_ID] for field in schema}:
        raise LakeError(f"{path} was written by a newer litmine ({len(unknown)} unknown columns); update litmine")
    return pa.Table.from_arrays(
        [
            columns[field.metadata[_FIELD_ID]].cast(field.type)
            if field.metadata[_FIELD_ID] in columns
            else pa.nulls(len(batch), field.type)
            for field in schema
        ],
        schema=schema,
    )


def read_footer(path: LakePath) -> dict[str, Any]:
    """Read the JSON footer of a file. Raises LakeError if the file is damaged, missing or not litmine's."""
    return parse_footer(path, read_footer_text(path))


def parse_footer(path: LakePath, text: str | None) -> dict[str, Any]:
    """The footer of a file from its text. Raises LakeError for a file without a valid footer."""
    if text is None:
        raise damage_error(path, "it has no litmine footer")
    with report_read_errors(path):
        footer: dict[str, Any] = json.loads(text)
        return footer


def read_footer_text(path: LakePath) -> str | None:
    """Read the JSON footer of a file as text; None without one. Raises LakeError if the file is damaged or missing."""
    with report_read_errors(path):
        footer: bytes | None = (read_metadata(path).metadata or {}).get(FOOTER_KEY)
        return None if footer is None else footer.decode()


def check_complete(path: LakePath) -> None:
    """Raise LakeError for a file that has lost its end; this reads four bytes. A missing file is no damage.

    An object store shows an object only when it is complete, so objects are not read.
    """
    if isinstance(path, Path) and path.exists():
        require_plain(path)
        with report_read_errors(path), path.open("rb") as file:
            file.seek(max(0, file.seek(0, SEEK_END) - len(_END_MARK)))
            if file.read() != _END_MARK:
                raise damage_error(path, "its end is missing")


def read_metadata(path: LakePath) -> pq.FileMetaData:
    """The Parquet metadata of a file, whose checksum is verified.

    They are the bytes at its end, followed by their length (4 bytes) and `PAR1`. Raises the errors that
    `report_read_errors` turns into LakeError.
    """
    if isinstance(path, Path):
        require_plain(path)
        with path.open("rb") as file:
            return _parse_metadata(read_end(file))
    end = path.read_range(-_METADATA_BYTES, None)
    if (length := int.from_bytes(end[-_END_BYTES:-4], "little") + _END_BYTES) > len(end):
        end = path.read_range(-length, None)
    return _parse_metadata(end[-length:])


def _parse_metadata(end: bytes) -> pq.FileMetaData:
    check_metadata(end)
    return pq.read_metadata(pa.BufferReader(end))


def read_schema_and_row_count(path: LakePath) -> tuple[pa.Schema, int]:
    """Read the schema of a file, with field ids, and its number of rows. Raises LakeError if it is damaged."""
    with report_read_errors(path):
        metadata = read_metadata(path)
        return metadata.schema.to_arrow_schema(), metadata.num_rows


def read_pmid_range(path: LakePath) -> tuple[int, int]:
    """Read the least and the greatest PMID of a file whose first column is `pmid`; (1, 0) if it has no rows."""
    with report_read_errors(path):
        metadata = read_metadata(path)
        groups = [metadata.row_group(i).column(0).statistics for i in range(metadata.num_row_groups)]
        return min((g.min for g in groups), default=1), max((g.max for g in groups), default=0)


def _source(path: LakePath) -> Path | BytesIO:
    """The source for pyarrow to read a whole file from. An object is downloaded in one request."""
    if isinstance(path, ObjectPath):
        return BytesIO(path.read_bytes())
    require_plain(path)
    return path


@contextmanager
def report_read_errors(path: LakePath) -> Iterator[None]:
    """Turn the errors of pyarrow for a file that is damaged, missing or not readable into LakeError."""
    try:
        yield
    except pa.ArrowMemoryError:
        raise  # too little memory is no damage
    except PermissionError as error:
        raise LakeError(f"{path} cannot be read ({error.strerror or error}); check its permissions") from error
    except FileNotFoundError as error:
        raise LakeError(f"{path} is gone; run the command again") from error
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise damage_error(path, str(error)) from error


def damage_error(path: LakePath, why: str) -> LakeError:
    """The error for a file whose content has changed since it was written, with a remedy that fits its table."""
    if path.parent.name == "articles" and path.name != SCHEMA_FILE:
        remedy = f"restore it, or delete each {path.name} under the lake and import its source again"
    elif path.parent.name.startswith(("model=", "of=")) and path.name != SCHEMA_FILE:
        folder = path.parent if path.parent.name.startswith("model=") else path.parent.parent
        table, model, _ = parse_folder_name(f"{folder.parent.name}/{folder.name}")
        in_lake = term_list_path(folder.parent.parent, model).exists()
        remedy = f"delete it and {annotate_advice(table, model, again=True, in_lake=in_lake)}"
    elif path.parent.name == "replaced" and path.name != SCHEMA_FILE:
        remedy = "delete it and run `litmine compact`, which writes it again"
    elif _CONCEPTS in (path.parent.name, path.parent.parent.name):
        folder = path.parent if path.parent.name == _CONCEPTS else path.parent.parent
        remedy = f"delete the folder {folder}, which the next search makes again"
    else:
        remedy = "restore it or delete it"
    reason = " ".join(why.split()).rstrip(".")
    return LakeError(f"{path} is damaged ({reason}); {remedy}")

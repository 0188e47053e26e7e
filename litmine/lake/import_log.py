"""The log of imported files: a small file of one row per dated source file, written after the file's article parts."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import pyarrow as pa

from litmine.lake.compaction import replaced_names_in_folder
from litmine.lake.file_writer import escape_surrogates, write_bytes
from litmine.lake.parquet import encode_parquet, read_table, report_read_errors
from litmine.lake.paths import LakePath
from litmine.schema import arrow_schema


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file that was imported to its end. Each field is a column of `schemas/files.json`.

    `md5`, `as_of` and `reader` (the version of the reader) identify the file.
    """

    name: str
    size: int
    md5: str
    as_of: datetime
    reader: int
    records: int
    deletions: int
    unreadable: int
    parts: Sequence[str]
    finished: datetime


def record_imported_file(lake: LakePath, file: ImportedFile) -> None:
    """Add a file to the log. Raises LakeError if the log cannot be written."""
    row = {column.name: getattr(file, column.name) for column in fields(file)} | {"name": escape_surrogates(file.name)}
    data = encode_parquet("files", pa.Table.from_pylist([row], schema=arrow_schema("files")))
    # Overwrites an earlier row: if the parts of an earlier import are gone, the new row names their replacements.
    write_bytes(_log_path(lake, file.md5, file.as_of, file.reader), data)


def is_imported(lake: LakePath, md5: str, as_of: datetime, reader: int) -> bool:
    """Whether this version of the reader has imported the file, and the lake still holds its parts, merged or not.

    Raises LakeError if the log's file is damaged.
    """
    path = _log_path(lake, md5, as_of, reader)
    if not path.exists():
        return False
    rows = read_table(path, ["parts"])
    with report_read_errors(path):
        names = [name for parts in rows.column("parts").to_pylist() for name in parts]
    missing = {name for name in names if not (lake / "articles" / f"{name}.parquet").exists()}
    return not missing or missing <= replaced_names_in_folder(lake, "articles")


def _log_path(lake: LakePath, md5: str, as_of: datetime, reader: int) -> LakePath:
    return lake / "files" / f"{md5}-{as_of.astimezone(UTC):%Y%m%dT%H%M%S.%f}-{reader}.parquet"

"""Which files are in: a row, in a small file of its own, for each dated file, written after the parts that it gave."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import pyarrow as pa

from litmine.lake.compaction import absorbed
from litmine.lake.file_writer import utf8, write_bytes
from litmine.lake.parquet import encode, read, reading
from litmine.lake.paths import Place
from litmine.schema import arrow_schema


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file that is in, a field a column of `schemas/files.json`. Its bytes, date and reader say which it is."""

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


def record_file(lake: Place, file: ImportedFile) -> None:
    """Note that a file is in. Raises LakeError when it cannot be written."""
    row = {column.name: getattr(file, column.name) for column in fields(file)} | {"name": utf8(file.name)}
    data = encode("files", pa.Table.from_pylist([row], schema=arrow_schema("files")))
    # Not exclusively: where parts of an earlier import are gone, the row names those that took their place.
    write_bytes(_place(lake, file.md5, file.as_of, file.reader), data)


def is_imported(lake: Place, md5: str, as_of: datetime, reader: int) -> bool:
    """Whether the file of these bytes and date is in as this reader reads it; its parts are there or in merged ones.

    Raises LakeError when the lake's note of it is damaged.
    """
    place = _place(lake, md5, as_of, reader)
    if not place.exists():
        return False
    rows = read(place, ["parts"])
    with reading(place):
        names = [name for parts in rows.column("parts").to_pylist() for name in parts]
    missing = {name for name in names if not (lake / "articles" / f"{name}.parquet").exists()}
    return not missing or missing <= absorbed(lake, "articles")


def _place(lake: Place, md5: str, as_of: datetime, reader: int) -> Place:
    return lake / "files" / f"{md5}-{as_of.astimezone(UTC):%Y%m%dT%H%M%S.%f}-{reader}.parquet"

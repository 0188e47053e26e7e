"""What the metadata of files says of their columns, so that views read files by name and skip article parts."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from litmine.lake.file_metadata import read_file_metadata
from litmine.lake.paths import LakePath


@dataclass(frozen=True, slots=True)
class FileStatistics:
    """The fields of `FileMetadata` that are about rows and columns."""

    rows: int
    missing: tuple[str, ...] | None
    text_changed: bool
    pmid_known: bool


# For a file whose metadata cannot be read here, which its reader reports.
UNKNOWN = FileStatistics(0, None, True, True)


def read_statistics(lake: LakePath, table: str, files: Iterable[LakePath]) -> list[FileStatistics]:
    """The statistics of files of a table, in their order. All are UNKNOWN in an object store: a request costs more."""
    files = list(files)
    if not isinstance(lake, Path):
        return [UNKNOWN for _ in files]
    found = read_file_metadata(lake, table, files).found
    return [FileStatistics(*found[file][1:]) if file in found else UNKNOWN for file in files]

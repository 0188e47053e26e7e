"""Read the JSON footers of many files of a lake, each file once (`litmine.lake.file_metadata`)."""

from collections.abc import Sequence
from typing import NamedTuple

from litmine.errors import LakeError
from litmine.lake.file_metadata import read_file_metadata
from litmine.lake.paths import LakePath, relative_path


class Footers(NamedTuple):
    """Footers as JSON text, None for a file without one; and the errors of files that are damaged or gone."""

    texts: dict[LakePath, str | None]
    errors: dict[LakePath, LakeError]

    def complete(self) -> dict[LakePath, str | None]:
        """All footers. Raises the first LakeError if there is one."""
        for error in self.errors.values():
            raise error
        return self.texts


def read_footers(lake: LakePath, files: Sequence[LakePath]) -> Footers:
    """The footers of files of a lake, in the order of the tables and files."""
    by_table: dict[str, list[LakePath]] = {}
    for path in files:
        by_table.setdefault(relative_path(lake, path).partition("/")[0], []).append(path)
    footers = Footers({}, {})
    for table, of_table in by_table.items():
        read = read_file_metadata(lake, table, of_table)
        footers.texts.update((path, metadata.footer) for path, metadata in read.found.items())
        footers.errors.update(read.errors)
    return footers

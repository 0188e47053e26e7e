"""A lake in one hand: `Lake(path)` opens it, `Lake.create(path)` makes it."""

import json
from collections.abc import Iterable
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa

from litmine.errors import LakeError, SettingError
from litmine.lake import articles, import_log, runs
from litmine.lake.active_models import active_models
from litmine.lake.article_writer import PART_SIZE, Added, Importer
from litmine.lake.file_writer import unwritable, utf8, write_bytes
from litmine.lake.parquet import write_empty
from litmine.lake.paths import TABLES, Place, place, schema_folder
from litmine.lake.query import select
from litmine.lake.targets import TargetSet, target_sets
from litmine.lake.views import write_catalogue
from litmine.specs import ARTICLES
from litmine.types import SourceRecord

MARK = "lake.json"
FORMAT = 1


class Lake:
    """A folder of articles, entities and runs as Parquet files."""

    def __init__(self, path: str | PathLike[str] | Place) -> None:
        """Open the lake at `path`. Raises LakeError when there is none, or one of a format that is not known."""
        self.place = _place(path)
        try:
            mark = json.loads((self.place / MARK).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            raise LakeError(f"{path} is not a litmine lake; `litmine import PATH` makes one") from None
        except OSError as error:
            raise LakeError(
                f"{self.place / MARK} cannot be read ({error.strerror or error}); see to its permissions"
            ) from error
        except ValueError:
            mark = None
        if mark != {"format": FORMAT}:
            raise LakeError(
                f"{path} is a lake of a format that this litmine does not know (see {MARK}); a newer one may read it"
            )

    @classmethod
    def create(cls, path: str | PathLike[str] | Place) -> "Lake":
        """Open the lake at `path`, making it first where there is nothing or an empty folder. Raises LakeError."""
        there = _place(path)
        if not (there / MARK).exists():
            try:
                occupied = there.is_dir() and any(not entry.name.startswith(".") for entry in there.iterdir())
            except OSError as error:
                raise unwritable(there, error) from error
            if occupied:
                raise LakeError(f"{path} is not empty and not a litmine lake; choose an empty or a new folder")
            write_bytes(there / MARK, json.dumps({"format": FORMAT}).encode() + b"\n")
        lake = cls(there)
        lake.make_tables()
        write_catalogue(there)
        return lake

    @property
    def path(self) -> Path:
        """The lake's folder. Raises LakeError when it is on an object store, where it has none."""
        if not isinstance(self.place, Path):
            raise LakeError(f"{self.place} is on an object store, and this needs a lake in a folder")
        return self.place

    def __repr__(self) -> str:
        return f"Lake({str(self.place)!r})"

    def make_tables(self) -> None:
        """See that each table has its folder: a lake may be older than a table. Raises LakeError when it cannot."""
        for table in TABLES:
            write_empty(self.place / schema_folder(table), table)

    def importer(self) -> Importer:
        """Adds several sources, knowing the lake's parts from one to the next; others may import meanwhile."""
        return Importer(self.place)

    def add(
        self, records: Iterable[SourceRecord], *, source: str, dated: bool = False, part_size: int = PART_SIZE
    ) -> Added:
        """Add one source; see `Importer.add`."""
        return self.importer().add(records, source=source, dated=dated, part_size=part_size)

    def is_imported(self, md5: str, as_of: datetime, reader: int) -> bool:
        """Whether a dated file is in; see `litmine.lake.imported.is_imported`."""
        return import_log.is_imported(self.place, md5, as_of, reader)

    def record_file(self, file: import_log.ImportedFile) -> None:
        """Note that a dated file is in, whole. Raises LakeError."""
        import_log.record_file(self.place, file)

    def parts(self) -> list[str]:
        """The names of the article parts."""
        return [path.stem for path in articles.parts(self.place)]

    def part(self, name: str) -> Place:
        """The file of an article part."""
        return self.place / ARTICLES / f"{name}.parquet"

    def target_sets(self) -> list[TargetSet]:
        """What models have made of article parts, by model and inputs."""
        return target_sets(self.place)

    def active(self) -> list[runs.Active]:
        """The models that the views show."""
        return active_models(self.place)

    def unread(self, targets: TargetSet) -> list[str]:
        """The names of the parts that have no target in the set."""
        done = targets.done(self.place)
        return [name for name in self.parts() if name not in done]

    def record_run(self, run: runs.Run) -> None:
        """Add a run to the log, and see that the catalogue stands."""
        runs.record_run(self.place, run)
        write_catalogue(self.place)

    def known_gaps(self) -> set[runs.Gap]:
        """The gaps that earlier runs have reported."""
        return runs.known_gaps(self.place)

    def keep_out(self, file: Path) -> None:
        """Raise SettingError for a file of results inside the lake."""
        if isinstance(self.place, Path) and file.resolve().is_relative_to(self.place):
            raise SettingError(f"a result does not belong into the lake; name a file outside {self.place}")

    def select(self, query: str) -> pa.RecordBatchReader:
        """The rows of one SELECT over the views, as they are computed; see `litmine.lake.query.select`."""
        return select(self.place, query)

    def sql(self, query: str) -> pa.Table:
        """The rows of one SELECT over the views, all at once. Raises QueryError or LakeError."""
        return self.select(query).read_all()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of one SELECT as tuples, for a few rows. Raises as `sql`."""
        return [tuple(row.values()) for row in self.sql(query).to_pylist()]

    def incomplete(self) -> list[tuple[str, str]]:
        """The active models that have not read everything, each with a sentence that says how much is missing."""
        query = (
            "SELECT model, texts_unread, texts_failed FROM coverage WHERE active AND texts_unread + texts_failed > 0"
        )
        return [
            (model, f"{model} has not read {unread:,} texts yet and could not read {failed:,}; see `litmine status`")
            for model, unread, failed in self.rows(query)
        ]


def _place(path: str | PathLike[str] | Place) -> Place:
    """Where a lake is. Raises LakeError for a path that DuckDB cannot take."""
    there = place(path)
    if "?" in str(there):
        raise LakeError(f"{path} has a question mark, which DuckDB takes in no file's path; choose another folder")
    if utf8(str(there)) != str(there):
        raise LakeError(f"{path} is not UTF-8, and DuckDB takes no other path; choose another folder")
    return there

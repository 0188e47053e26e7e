"""The class `Lake`: open, create, query and fill a lake."""

import json
from collections.abc import Iterable
from datetime import datetime
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa

from litmine.atomic_write import LAKE_MARKER
from litmine.errors import LakeError, SettingError
from litmine.lake import articles, import_log, runs
from litmine.lake.active_models import active_models, stale_inputs_message, with_stale_inputs
from litmine.lake.article_writer import PART_SIZE, ArticleWriter, ImportCounts
from litmine.lake.coverage import read_coverage, without_repeats
from litmine.lake.file_writer import escape_surrogates, file_write_error, write_bytes
from litmine.lake.folders import read_plain
from litmine.lake.parquet import write_schema_file
from litmine.lake.paths import TABLES, LakePath, parse_lake_path, schema_folder
from litmine.lake.query import select, tasks_read
from litmine.lake.query_limits import QueryLimits
from litmine.lake.sql_text import sql_string
from litmine.lake.targets import TargetSet, list_target_sets
from litmine.lake.views import write_catalogue
from litmine.output.marked_text import MarkedSpan, MarkedText
from litmine.specs import ARTICLES, import_object, runs_always
from litmine.types import SourceRecord

MARKER_FILE = LAKE_MARKER
FORMAT_VERSION = 1
_MAX_MARKER_BYTES = 10_000


class Lake:
    """A folder, or a prefix in an object store, with articles, model outputs and runs as Parquet files.

    `location` is its absolute path or URL.
    """

    def __init__(self, path: str | PathLike[str] | LakePath) -> None:
        """Open the lake at `path`. Raises LakeError when there is no lake, or it has an unsupported format."""
        self.location = _valid_location(path)
        try:
            marker = json.loads(_read_marker(self.location / MARKER_FILE))
        except (FileNotFoundError, NotADirectoryError):
            problem = f"{path} is not a litmine lake" if self.location.exists() else f"there is no lake at {path}"
            raise LakeError(f"{problem}; `litmine import PATH` makes one") from None
        except OSError as error:
            raise LakeError(
                f"{self.location / MARKER_FILE} cannot be read ({error.strerror or error}); check its permissions"
            ) from error
        except (ValueError, RecursionError):
            marker = None
        if marker != {"format": FORMAT_VERSION}:
            raise LakeError(
                f"{path} has a lake format that this version of litmine does not support (see {MARKER_FILE}); use a"
                " newer version"
            )

    @classmethod
    def create(cls, path: str | PathLike[str] | LakePath) -> "Lake":
        """Open the lake at `path`; create it first if `path` is missing or an empty folder.

        Raises LakeError when the folder has other content or cannot be written.
        """
        location = _valid_location(path)
        if not (location / MARKER_FILE).exists():
            try:
                has_content = location.is_dir() and any(not entry.name.startswith(".") for entry in location.iterdir())
            except OSError as error:
                raise file_write_error(location, error) from error
            if has_content:
                raise LakeError(f"{path} is not empty and not a litmine lake; choose an empty or new folder")
            write_bytes(location / MARKER_FILE, json.dumps({"format": FORMAT_VERSION}).encode() + b"\n")
        lake = cls(location)
        lake.create_missing_tables()
        write_catalogue(location)
        return lake

    @property
    def path(self) -> Path:
        """The lake's local folder. Raises LakeError when the lake is in an object store."""
        if not isinstance(self.location, Path):
            raise LakeError(f"{self.location} is in an object store, but this needs a lake in a local folder")
        return self.location

    def __repr__(self) -> str:
        return f"Lake({str(self.location)!r})"

    def create_missing_tables(self) -> None:
        """Create the folders of missing tables, since a lake may be older than a table.

        Raises LakeError when a folder cannot be written.
        """
        for table in TABLES:
            write_schema_file(self.location / schema_folder(table), table)

    def article_writer(self) -> ArticleWriter:
        """A writer for several sources: it reads the existing parts only once. Other imports may run meanwhile."""
        return ArticleWriter(self.location)

    def add(
        self, records: Iterable[SourceRecord], *, source: str, dated: bool = False, part_size: int = PART_SIZE
    ) -> ImportCounts:
        """Add the records of one source; see `ArticleWriter.add`."""
        return self.article_writer().add(records, source=source, dated=dated, part_size=part_size)

    def is_imported(self, md5: str, as_of: datetime, reader: int) -> bool:
        """Whether a dated file has been imported; see `litmine.lake.import_log.is_imported`."""
        return import_log.is_imported(self.location, md5, as_of, reader)

    def record_imported_file(self, file: import_log.ImportedFile) -> None:
        """Record that a dated file has been imported completely. Raises LakeError when this cannot be written."""
        import_log.record_imported_file(self.location, file)

    def parts(self) -> list[str]:
        """The names of the article parts."""
        return [path.stem for path in articles.list_parts(self.location)]

    def part(self, name: str) -> LakePath:
        """The path of an article part."""
        return self.location / ARTICLES / f"{name}.parquet"

    def target_sets(self) -> list[TargetSet]:
        """The sets of targets in the lake, one for each combination of task, model and inputs."""
        return list_target_sets(self.location)

    def active_models(self) -> list[runs.ActiveModel]:
        """The models whose rows the views show."""
        return active_models(self.location)

    def pending_parts(self, targets: TargetSet) -> list[str]:
        """The names of the article parts that have no target in the set yet."""
        done = targets.finished_parts(self.location)
        return [name for name in self.parts() if name not in done]

    def record_run(self, run: runs.Run) -> None:
        """Add a run to the log and write the catalogue if needed. Raises LakeError when one cannot be written."""
        runs.record_run(self.location, run)
        write_catalogue(self.location)

    def known_gaps(self) -> set[runs.Gap]:
        """The gaps that earlier runs reported."""
        return runs.known_gaps(self.location)

    def source_gaps(self, command: str | None = None) -> list[runs.Gap]:
        """The gaps of imports and fetches that no later run has read or settled (view `source_gaps`).

        command: only those that this command reported. Raises QueryError or LakeError.
        """
        condition = "true" if command is None else f"command = {sql_string(command)}"
        rows = self.rows(f"SELECT what, why FROM source_gaps WHERE {condition} ORDER BY ALL")
        return [runs.Gap(*row) for row in rows]

    def select(
        self, query: str, limits: QueryLimits | None = None, verifies_parts: bool = True
    ) -> pa.RecordBatchReader:
        """Run one SELECT over the views and stream its rows; see `litmine.lake.query.select`."""
        return select(self.location, query, limits, verifies_parts)

    def sql(self, query: str) -> pa.Table:
        """Run one SELECT over the views and return all rows. Raises QueryError or LakeError."""
        return self.select(query).read_all()

    def df(self, query: str) -> Any:
        """Run one SELECT and return a pandas data frame. Raises as `sql`, and SettingError if pandas is missing."""
        _require("pandas")
        return self.sql(query).to_pandas()

    def pl(self, query: str) -> Any:
        """Run one SELECT and return a polars data frame. Raises as `sql`, and SettingError if polars is missing."""
        return _require("polars").from_arrow(self.sql(query))

    def show(self, pmid: int) -> MarkedText:
        """The text of an article with the mentions of the active models, which a notebook shows in colours.

        Raises LakeError if the lake does not have the article.
        """
        found = self.rows(f"SELECT text, journal, year FROM articles WHERE pmid = {int(pmid)}")
        if not found:
            raise LakeError(f"the lake has no article with PMID {pmid}")
        text, journal, year = found[0]
        mentions = self.rows(
            f"SELECT start_char, end_char, entity_type, identifier, score FROM entities WHERE pmid = {int(pmid)}"
            " ORDER BY start_char, end_char DESC, entity_type"
        )
        heading = ", ".join(str(part) for part in (f"PMID {pmid}", journal, year) if part)
        return MarkedText(text or "", tuple(MarkedSpan(*row) for row in mentions), heading)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Run one SELECT and return its rows as tuples; for small results. Raises as `sql`."""
        return [tuple(row.values()) for row in self.sql(query).to_pylist()]

    def discover(self, *concepts: str, **options: Any) -> pa.Table:
        """Search for connections from one concept, or between two; a row for each result and linking concept.

        options: the fields of `litmine.discovery.request.DiscoveryRequest`, such as `to="Chemical"`, `until=1985` or
        `where="under(tree_numbers, 'C14')"`; the columns are those of `litmine.discovery.discover.SCHEMA`. Raises
        LitmineError for a search that makes no sense.
        """
        # The package stands above the lake, which does not import it.
        request = import_object("litmine.discovery.request:request_with")(concepts, options)
        found = import_object("litmine.discovery.discover:discover")(self, request)
        table: pa.Table = found.table
        return table

    def coverage_warnings(self, query: str | None = None) -> list[tuple[str, str]]:
        """The active models that have not read every text, each with a sentence on how many texts are missing.

        Also those that read results of earlier models that the views no longer show.

        query: only the models of tasks whose rows this SELECT reads; None for all models but those that run always
        (`TaskSpec.always`), which read what the others read.
        """
        tasks = None if query is None else tasks_read(self.location, query)
        if tasks is not None and not tasks:
            return []
        stale = [
            (one.model, f"{stale_inputs_message(one)}; see `litmine status`")
            for one in with_stale_inputs(self.active_models())
            if tasks is None or one.task in tasks
        ]
        return [
            (one.model, _coverage_warning(one.model, one.texts_unread, one.texts_failed))
            for one in without_repeats(read_coverage(self.location))
            if one.active
            and one.texts_unread + one.texts_failed
            and (not runs_always(one.task) if tasks is None else one.task in tasks)
        ] + stale


def _read_marker(file: LakePath) -> bytes:
    return read_plain(file, _MAX_MARKER_BYTES) if isinstance(file, Path) else file.read_bytes()


def _require(module: str) -> Any:
    """Import a module that litmine does not need itself. Raises SettingError if it is not installed."""
    try:
        return import_module(module)
    except ImportError:
        raise SettingError(f"{module} is not installed; run `pip install {module}`, or use Lake.sql") from None


def _coverage_warning(model: str, unread: int, failed: int) -> str:
    counts = [f"has not read {unread:,} {'text' if unread == 1 else 'texts'} yet"] if unread else []
    counts += [f"could not read {failed:,} {'text' if failed == 1 else 'texts'}"] if failed else []
    return f"{model} {' and '.join(counts)}; see `litmine status`"


def _valid_location(path: str | PathLike[str] | LakePath) -> LakePath:
    """The absolute path or URL of a lake. Raises LakeError for a path that DuckDB does not support."""
    location = parse_lake_path(path)
    if "?" in str(location):
        raise LakeError(f"{path} has a question mark, which DuckDB does not support in paths; choose another folder")
    if escape_surrogates(str(location)) != str(location):
        raise LakeError(f"{path} is not UTF-8, which DuckDB requires of paths; choose another folder")
    return location

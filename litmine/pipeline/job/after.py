"""The `[[after]]` steps of a job: compact, sql, export, report. Each is a dataclass whose fields are its settings."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal

from litmine.atomic_write import open_atomic, require_outside_lakes
from litmine.errors import DONE, NEW_GAPS, SettingError
from litmine.lake.compaction import MERGE_FACTOR
from litmine.lake.documents import DocumentSelection
from litmine.lake.lake import Lake
from litmine.lake.paths import LakePath
from litmine.lake.query import check_select
from litmine.output.rows import WRITERS, format_from_suffix, with_unique_names
from litmine.pipeline.choose_models import check_tagger, tagger_names
from litmine.pipeline.compact import MAX_GRACE_HOURS, compact
from litmine.pipeline.export import export, export_notes
from litmine.pipeline.job.step import Forecast, JobObserver, Rates, StepOutcome
from litmine.pipeline.report.write import check_report_file, write_report

_MAX_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class CompactStep:
    """Merge small files, and delete files that were replaced longer than `grace_hours` ago; see `litmine compact`."""

    kind: ClassVar[str] = "compact"
    writes_file: ClassVar[bool] = False

    grace_hours: float = 6.0

    def __post_init__(self) -> None:
        if not 0 <= self.grace_hours <= MAX_GRACE_HOURS:
            raise SettingError(f"grace_hours must be at least 0 and at most {MAX_GRACE_HOURS:,}")

    @property
    def subject(self) -> str:
        return "small files"

    def run(self, lake: LakePath, observer: JobObserver) -> StepOutcome:  # noqa: ARG002
        result = compact(Lake(lake), grace=timedelta(hours=self.grace_hours))
        code = NEW_GAPS if result.new_gaps else DONE
        return StepOutcome(code, result.summary_lines(), result.counts(), result.new_gaps)

    def forecast(self, lake: LakePath, rates: Rates, new_records: int) -> Forecast:  # noqa: ARG002
        return Forecast("merge them if there are enough", rates.seconds("compact", "parts", MERGE_FACTOR))


@dataclass(frozen=True, slots=True)
class SqlStep:
    """Write the result of a SELECT to a file; its suffix gives the format: CSV, JSON, JSON lines or Parquet.

    A file appears only when it is complete. Until then an earlier file of that name stays.
    """

    kind: ClassVar[str] = "sql"
    writes_file: ClassVar[bool] = True

    query: str
    to: Path

    def __post_init__(self) -> None:
        if format_from_suffix(self.to) not in WRITERS:
            raise SettingError(f"{self.to} must end in one of {', '.join(f'.{form}' for form in WRITERS)}")

    @property
    def subject(self) -> str:
        return str(self.to)

    def run(self, lake: LakePath, observer: JobObserver) -> StepOutcome:  # noqa: ARG002
        opened = Lake(lake)
        require_outside_lakes(self.to, lake)
        rows = with_unique_names(opened.select(self.query))
        with open_atomic(self.to) as out:
            WRITERS[format_from_suffix(self.to)](rows, out)
        return StepOutcome(summary_lines=[f"written to {self.to}", *_coverage_notes(opened, self.query)])

    def forecast(self, lake: LakePath, rates: Rates, new_records: int) -> Forecast:  # noqa: ARG002
        _check_output(lake, self.to)
        check_select(lake, self.query)
        return Forecast(f"write {self.to}", 1.0)


@dataclass(frozen=True, slots=True)
class ExportStep:
    """Export articles and their entities to a file; see `litmine export`."""

    kind: ClassVar[str] = "export"
    writes_file: ClassVar[bool] = True

    format: Literal["pubtator", "bioc", "jsonl"]
    to: Path
    where: str | None = None
    models: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return str(self.to)

    def run(self, lake: LakePath, observer: JobObserver) -> StepOutcome:  # noqa: ARG002
        opened = Lake(lake)
        models = tagger_names(opened, self.models) if self.models else None
        result = export(opened, self.format, self.to, DocumentSelection(models, self.types or None, self.where))
        lines = [f"{result.summary()} written to {self.to}", *export_notes(opened, models)]
        return StepOutcome(summary_lines=lines, counts={"articles": result.articles, "mentions": result.mentions})

    def forecast(self, lake: LakePath, rates: Rates, new_records: int) -> Forecast:  # noqa: ARG002
        _check_output(lake, self.to)
        if self.where is not None:
            check_select(lake, f"SELECT pmid FROM articles WHERE ({self.where}\n)")
        for ref in self.models:
            check_tagger(ref)
        return Forecast(f"write {self.to}")


@dataclass(frozen=True, slots=True)
class ReportStep:
    """Write a report of the lake as an HTML file; see `litmine report`.

    days: what came into the lake in the last so many days of its sources is new. title: title of the page.
    """

    kind: ClassVar[str] = "report"
    writes_file: ClassVar[bool] = True

    to: Path
    days: int = 7
    title: str = ""

    def __post_init__(self) -> None:
        check_report_file(self.to)
        if not 1 <= self.days <= _MAX_DAYS:
            raise SettingError(f"days must be from 1 to {_MAX_DAYS:,}")

    @property
    def subject(self) -> str:
        return str(self.to)

    def run(self, lake: LakePath, observer: JobObserver) -> StepOutcome:  # noqa: ARG002
        opened = Lake(lake)
        contents = write_report(opened, self.to, self.days, self.title)
        notes = [sentence for _, sentence in opened.coverage_warnings()]
        counts = {"articles": contents.status["articles"], "new": contents.new_count}
        return StepOutcome(summary_lines=[f"written to {self.to}", *notes], counts=counts)

    def forecast(self, lake: LakePath, rates: Rates, new_records: int) -> Forecast:
        _check_output(lake, self.to)
        return Forecast(f"write {self.to}", rates.seconds("report", "articles", new_records))


def _check_output(lake: LakePath, file: Path) -> None:
    """Raise SettingError for a file inside the lake, or in a folder that does not exist."""
    require_outside_lakes(file, lake)
    if not file.absolute().parent.is_dir():
        raise SettingError(f"{file} cannot be written (its folder does not exist); create it or choose another file")


def _coverage_notes(lake: Lake, query: str) -> list[str]:
    """Warnings that models whose rows the query reads have not read all texts, for the readers of a file."""
    return [warning for _, warning in lake.coverage_warnings(query)]


# The steps by the value of `do`.
AFTER_STEPS: dict[str, type] = {one.kind: one for one in (CompactStep, SqlStep, ExportStep, ReportStep)}

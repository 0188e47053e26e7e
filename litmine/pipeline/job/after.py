"""What a job does when all is read: `[[after]]` steps, each a dataclass whose fields are its settings."""

import math
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal

from litmine.atomic_write import open_atomic
from litmine.errors import DONE, NEW_GAPS, SettingError
from litmine.lake.documents import Selection
from litmine.lake.lake import Lake
from litmine.lake.paths import Place
from litmine.output.rows import WRITERS, format_from_suffix, with_unique_names
from litmine.pipeline.choose_models import tagger_names
from litmine.pipeline.compact import compact
from litmine.pipeline.export import export
from litmine.pipeline.job.step import Forecast, JobStep, Outcome, Rates, Watch


@dataclass(frozen=True, slots=True)
class Compact:
    """Small files of the lake into large ones; those that were replaced longer ago than grace_hours are deleted."""

    kind: ClassVar[str] = "compact"
    hands_out: ClassVar[bool] = False

    grace_hours: float = 6.0

    def __post_init__(self) -> None:
        if not 0 <= self.grace_hours < math.inf:
            raise SettingError("grace_hours must be at least 0")

    @property
    def what(self) -> str:
        return "small files"

    def do(self, lake: Place, watch: Watch) -> Outcome:  # noqa: ARG002
        done = compact(Lake(lake), grace=timedelta(hours=self.grace_hours))
        return Outcome(NEW_GAPS if done.new_gaps else DONE, done.account(), done.counts(), done.new_gaps)

    def forecast(self, lake: Place, rates: Rates, coming: int) -> Forecast:  # noqa: ARG002
        return Forecast("merge them where there are enough", rates.seconds("compact", "parts", 8))


@dataclass(frozen=True, slots=True)
class Sql:
    """One SELECT over the lake to a file, whole or as it was: CSV, JSON, JSON lines or Parquet, as its name ends."""

    kind: ClassVar[str] = "sql"
    hands_out: ClassVar[bool] = True

    query: str
    to: Path

    def __post_init__(self) -> None:
        if format_from_suffix(self.to) not in WRITERS:
            raise SettingError(f"{self.to} has to end in {', '.join(f'.{form}' for form in WRITERS)}")

    @property
    def what(self) -> str:
        return str(self.to)

    def do(self, lake: Place, watch: Watch) -> Outcome:  # noqa: ARG002
        opened = Lake(lake)
        opened.keep_out(self.to)
        rows = with_unique_names(opened.select(self.query))
        with open_atomic(self.to) as out:
            WRITERS[format_from_suffix(self.to)](rows, out)
        return Outcome(said=[f"written to {self.to}", *_incomplete(opened)])

    def forecast(self, lake: Place, rates: Rates, coming: int) -> Forecast:  # noqa: ARG002
        return Forecast(f"write {self.to}", 1.0)


@dataclass(frozen=True, slots=True)
class Export:
    """The current articles and their mentions to a file for tools that read no SQL; see `litmine export`."""

    kind: ClassVar[str] = "export"
    hands_out: ClassVar[bool] = True

    format: Literal["pubtator", "bioc", "jsonl"]
    to: Path
    where: str | None = None
    models: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        return str(self.to)

    def do(self, lake: Place, watch: Watch) -> Outcome:  # noqa: ARG002
        opened = Lake(lake)
        models = tagger_names(opened, self.models) if self.models else None
        done = export(opened, self.format, self.to, Selection(models, self.types or None, self.where))
        said = f"{done.articles:,} articles with {done.mentions:,} entities written to {self.to}"
        return Outcome(said=[said, *_incomplete(opened)], counts={"articles": done.articles, "mentions": done.mentions})

    def forecast(self, lake: Place, rates: Rates, coming: int) -> Forecast:  # noqa: ARG002
        return Forecast(f"write {self.to}")


def _incomplete(lake: Lake) -> list[str]:
    """What a file for others should not be thought to hold."""
    return [sentence for _, sentence in lake.incomplete()]


After = JobStep
# By the word that `do` says.
AFTER: dict[str, type] = {Compact.kind: Compact, Sql.kind: Sql, Export.kind: Export}

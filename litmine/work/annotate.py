"""`annotate`: bring a lake's entities up to date with some models, and log what was done."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from litmine.errors import LakeError
from litmine.lake.lake import Lake
from litmine.lake.runs import Gap
from litmine.nn.references import absolute
from litmine.tasks.contract import Done, Loading
from litmine.tasks.registry import identify
from litmine.work.journal import Entry, journal
from litmine.work.plan import plan
from litmine.work.workforce import Progress, Workforce


@dataclass(slots=True)
class Annotated:
    """What a run did, in numbers that add up, and its gaps; `new_gaps` were in no earlier run's log."""

    models: list[str]
    planned_parts: int = 0
    planned_texts: int = 0
    parts: int = 0
    texts: int = 0
    entities: int = 0
    tokens: int = 0
    gaps: list[Gap] = field(default_factory=list)
    new_gaps: list[Gap] = field(default_factory=list)
    device: str | None = None
    precision: str | None = None

    def add(self, done: Done) -> None:
        self.texts += done.items
        self.entities += done.rows
        self.tokens += done.tokens
        self.device, self.precision = done.device or self.device, done.precision or self.precision
        self.parts += done.made
        self.gaps += done.gaps

    @property
    def news(self) -> bool:
        """Whether a text was read."""
        return self.texts > 0

    def account(self) -> list[str]:
        """What was done, in sentences."""
        on = f" on {self.device} in {self.precision}" if self.device else ""
        models = ", ".join(self.models)
        said = [
            f"{self.parts:,} of {self.planned_parts:,} parts done: {self.texts:,} texts, {self.entities:,} entities by"
            f" {models}{on}"
            if self.planned_parts
            else f"nothing to do: {models} has read every text of the lake"
        ]
        said += [f"could not be read: {gap}" for gap in self.new_gaps]
        if known := len(self.gaps) - len(self.new_gaps):
            said.append(
                f"{known} part(s) that an earlier run reported cannot be read still; `litmine status` lists them"
            )
        return said

    def tell(self, entry: Entry) -> None:
        """Put the figures into the log's entry."""
        entry.counts = {"parts": self.parts, "texts": self.texts, "entities": self.entities, "tokens": self.tokens}
        entry.device, entry.precision = self.device, self.precision


def annotate(
    lake: Lake,
    refs: Sequence[str],
    workforce: Workforce,
    precision: str = "auto",
    batch_tokens: int | None = None,
    progress: Progress | None = None,
) -> Annotated:
    """Read every new text of the lake with every model that has not read it yet.

    When all is done, gaps apart, the models become the lake's active ones. Raises LakeError when the lake has no
    articles, ModelError when a model cannot be had; an interrupted or failed run is logged as such and re-raised.
    """
    progress = progress or Progress()
    if not lake.parts():
        raise LakeError(f"{lake.place} has no articles yet; `litmine import PATH` brings some")
    loadings = [
        Loading(absolute(ref), identify(ref), workforce.device, precision, batch_tokens) for ref in dict.fromkeys(refs)
    ]
    tasks, unreadable = plan(lake.place, loadings)
    result = Annotated(
        [loading.model for loading in loadings], len(tasks) + len(unreadable), sum(task.size for task in tasks)
    )
    for done in unreadable:
        result.add(done)
    progress.planned(result.planned_texts)
    with journal(lake, "annotate", **workforce.asked) as entry:
        # A text that failed has its target now and is never tried again; a part is, in every run.
        entry.models, entry.gaps, entry.known_gaps = result.models, result.gaps, frozenset(lake.known_gaps())
        result.tell(entry)
        with closing(workforce.do(tasks, progress.under_way)) as finished:
            for done in finished:
                result.add(done)
                result.tell(entry)
                progress.finished(done)
        result.new_gaps = entry.new_gaps
        entry.active_models = result.models
        entry.written = bool(result.parts or result.new_gaps or lake.active_models() != result.models)
    return result

"""`annotate`: bring a lake's entities up to date with some models, and log what was done."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from litmine.errors import LakeError
from litmine.lake.lake import Lake
from litmine.lake.runs import Gap
from litmine.models.registry import identify
from litmine.work.journal import Entry, journal
from litmine.work.local import run_here
from litmine.work.plan import plan
from litmine.work.task import Done, Reading, Task


@dataclass(frozen=True, slots=True)
class Workforce:
    """Who does the work: this process when `workers` and `gpus` are 0, Ray actors otherwise."""

    workers: int = 0
    gpus: int = 0
    address: str | None = None

    @property
    def on_ray(self) -> bool:
        return bool(self.workers or self.gpus or self.address)


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
        self.texts += done.texts
        self.entities += done.entities
        self.tokens += done.tokens
        self.device, self.precision = done.device or self.device, done.precision or self.precision
        self.parts += done.unreadable is None
        self.gaps += [Gap(f"PMID {pmid}", f"{done.task.reading.model}: {why}") for pmid, why in done.failed]
        if done.unreadable is not None:
            self.gaps.append(Gap(f"articles/{done.task.part.name}", done.unreadable))

    def tell(self, entry: Entry) -> None:
        """Put the figures into the log's entry."""
        entry.counts = {"parts": self.parts, "texts": self.texts, "entities": self.entities, "tokens": self.tokens}
        entry.device, entry.precision = self.device, self.precision


class Progress:
    """What a run tells while it goes on; does nothing by itself."""

    def planned(self, texts: int) -> None: ...

    def under_way(self, task: Task, share: float) -> None: ...

    def finished(self, done: Done) -> None: ...


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
        raise LakeError(f"{lake.path} has no articles yet; `litmine import PATH` brings some")
    device = "cuda" if workforce.gpus else "cpu" if workforce.workers else "auto"
    readings = [Reading(ref, identify(ref), device, precision, batch_tokens) for ref in dict.fromkeys(refs)]
    tasks, unreadable = plan(lake.path, readings)
    result = Annotated(
        [reading.model for reading in readings], len(tasks) + len(unreadable), sum(task.texts for task in tasks)
    )
    for done in unreadable:
        result.add(done)
    progress.planned(result.planned_texts)
    asked = {"workers": str(workforce.workers), "gpus": str(workforce.gpus), "address": workforce.address or ""}
    with journal(lake, "annotate", **asked) as entry:
        # A text that failed has its target now and is never tried again; a part is, in every run.
        entry.models, entry.gaps, entry.known_gaps = result.models, result.gaps, frozenset(lake.known_gaps())
        result.tell(entry)
        # Closed at once when the loop ends early, so that no worker goes on behind the log.
        with closing(_run(tasks, workforce, progress.under_way)) as finished:
            for done in finished:
                result.add(done)
                result.tell(entry)
                progress.finished(done)
        result.new_gaps = entry.new_gaps
        entry.active_models = result.models
        entry.written = bool(result.parts or result.new_gaps or lake.active_models() != result.models)
    return result


def _run(tasks: Sequence[Task], workforce: Workforce, watch: Callable[[Task, float], None]) -> Generator[Done]:
    if not tasks:
        return
    if not workforce.on_ray:
        yield from run_here(tasks, watch)
        return
    # Ray takes seconds to import, and a laptop may never need it.
    from litmine.work.ray_backend import run_on_ray

    yield from run_on_ray(tasks, workforce.workers or 1, workforce.gpus, workforce.address)

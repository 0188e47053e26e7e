"""`annotate`: bring a lake's targets up to date with some models, and log what was done."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from litmine.errors import LakeError
from litmine.lake.active_models import TypesOf, activate, input_of
from litmine.lake.lake import Lake
from litmine.lake.paths import PART_TASKS
from litmine.lake.runs import Active, Gap
from litmine.nn.references import absolute_reference
from litmine.pipeline.annotation_plan import group, plan, steps_of
from litmine.pipeline.choose_models import describe_active, describe_hidden, types_found
from litmine.pipeline.run_log import RunLogEntry, log_run
from litmine.runtime.executor import Executor, RunProgress
from litmine.specs import TaskSpec
from litmine.tasks.contract import Loading, UnitResult
from litmine.tasks.part_unit import PartUnit, Step
from litmine.tasks.registry import find, identify_folder, trunk_of, types


@dataclass(slots=True)
class AnnotationResult:
    """What a run did, in numbers that add up, and its gaps; `new_gaps` were in no earlier run's log.

    `parts` counts targets, of which `planned_parts` were to be made; `texts` counts a text once for each group of
    models that read it. `rows` are those written, by table. `shows` says what the views show now, where that changed.
    """

    models: list[str]
    planned_parts: int = 0
    planned_texts: int = 0
    parts: int = 0
    texts: int = 0
    tokens: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    gaps: list[Gap] = field(default_factory=list)
    new_gaps: list[Gap] = field(default_factory=list)
    device: str | None = None
    precision: str | None = None
    shows: list[str] = field(default_factory=list)

    def plan(self, units: Sequence[PartUnit], unreadable: Sequence[UnitResult]) -> None:
        """Add what is to be done, and what cannot be."""
        self.planned_parts += sum(len(unit.steps) for unit in units)
        self.planned_parts += sum(len(result.steps) for result in unreadable)
        self.planned_texts += sum(unit.size for unit in units)
        for result in unreadable:
            self.add(result)

    def add(self, result: UnitResult) -> None:
        self.texts += result.items
        self.tokens += result.tokens
        self.parts += result.made
        for step in result.steps:
            self.rows[step.table] += step.rows
        self.device, self.precision = result.device or self.device, result.precision or self.precision
        self.gaps += result.gaps

    @property
    def news(self) -> bool:
        """Whether a text was read."""
        return self.texts > 0

    def account(self) -> list[str]:
        """What was done, in sentences."""
        on = f" on {self.device} in {self.precision}" if self.device else ""
        models = ", ".join(self.models)
        rows = "".join(f", {count:,} {table}" for table, count in self.rows.items())
        said = [
            f"{self.parts:,} of {self.planned_parts:,} parts done: {self.texts:,} texts{rows} by {models}{on}"
            if self.planned_parts
            else f"nothing to do: {models} has read every text of the lake"
        ]
        said += [f"could not be read: {gap}" for gap in self.new_gaps]
        if known := len(self.gaps) - len(self.new_gaps):
            said.append(
                f"{known} part(s) that an earlier run reported cannot be read still; `litmine status` lists them"
            )
        return said + self.shows

    def tell(self, entry: RunLogEntry) -> None:
        """Put the figures into the log's entry."""
        entry.counts = {"parts": self.parts, "texts": self.texts, **self.rows, "tokens": self.tokens}
        entry.device, entry.precision = self.device, self.precision


def annotate(
    lake: Lake,
    refs: Sequence[str],
    workforce: Executor,
    precision: str = "auto",
    batch_tokens: int | None = None,
    progress: RunProgress | None = None,
    among: Sequence[TaskSpec] = tuple(PART_TASKS.values()),
) -> AnnotationResult:
    """Read every new text of the lake with every model that has not read it yet.

    `among` are the tasks that a reference may be of. When all is done, gaps apart, the models become active ones: a
    model that shares out types with others takes over those that it gives (`lake.active_models.activate`). Raises
    LakeError when the lake has no articles, ModelError when a model is not available or what it builds on is missing;
    an interrupted or failed run is logged as such and re-raised.
    """
    progress = progress or RunProgress()
    if not lake.parts():
        raise LakeError(f"{lake.place} has no articles yet; `litmine import PATH` brings some")
    loadings = _loadings(refs, workforce, precision, batch_tokens, among)
    shown = _shown(lake, lake.active(), loadings)
    steps = steps_of(loadings, {table: [input_of(one) for one in models] for table, models in shown.items()})
    groups = group(steps)
    result = AnnotationResult([loading.model for loading in loadings])
    result.rows.update({step.targets.table: 0 for _, step in steps})
    units, unreadable = plan(lake.place, groups)
    result.plan(units, unreadable)
    progress.planned(result.planned_texts)
    lake.make_tables()
    with log_run(lake, "annotate", **workforce.asked) as entry:
        # A text that failed has its target now and is never tried again; a part is, in every run.
        entry.models, entry.gaps, entry.known_gaps = result.models, result.gaps, frozenset(lake.known_gaps())
        result.tell(entry)
        while units:
            with closing(workforce.do(units, progress.under_way)) as finished:
                for done in finished:
                    result.add(done)
                    result.tell(entry)
                    progress.finished(done)
            # A compaction may have merged parts meanwhile before these models had read all of them.
            units, unreadable = plan(lake.place, groups, {unit.part.stem for unit in units})
            result.plan(units, unreadable)
        result.new_gaps = entry.new_gaps
        # Another run may have changed the active models meanwhile; this run adds its own to those.
        active = lake.active()
        chosen = _chosen(_shown(lake, active, loadings), steps)
        replaced = [one for one in active if one.task in {new.task for new in chosen}]
        entry.active = chosen
        entry.written = bool(result.parts or result.new_gaps or chosen != replaced)
        if chosen != replaced and (active or len(loadings) > 1):
            result.shows = [*describe_active(chosen), *describe_hidden(replaced, chosen, _type_lookup(lake, loadings))]
    return result


def _loadings(
    refs: Sequence[str], workforce: Executor, precision: str, batch_tokens: int | None, among: Sequence[TaskSpec]
) -> list[Loading]:
    found = []
    for ref in dict.fromkeys(refs):
        spec, folder, name = find(ref, among)
        model = identify_folder(spec, folder, name)
        how = workforce.device, precision, batch_tokens
        trunk = trunk_of(str(folder)) if spec.network else ""
        found.append(Loading(absolute_reference(ref), model, *how, spec.name, spec.network, trunk))
    return found


def _shown(lake: Lake, active: Sequence[Active], loadings: Sequence[Loading]) -> dict[str, list[Active]]:
    """What each table shows after the run, of the tasks that read articles alone."""
    types_of = _type_lookup(lake, loadings)
    shown = {}
    for spec in PART_TASKS.values():
        current = [one for one in active if one.task == spec.name]
        new = [Active(spec.name, loading.model) for loading in loadings if loading.task == spec.name]
        if spec.upstream or not new:
            shown[spec.table] = current
        else:
            shown[spec.table] = activate(current, new, types_of) if spec.shared else new
    return shown


def _type_lookup(lake: Lake, loadings: Sequence[Loading]) -> TypesOf:
    """All types of a model: from its folder when this run loads it, otherwise from what it found in the lake."""
    refs = {loading.model: loading.ref for loading in loadings}
    return lambda one: types(refs[one.model]) if one.model in refs else types_found(lake, one)


def _chosen(shown: Mapping[str, Sequence[Active]], steps: Sequence[tuple[Loading, Step]]) -> list[Active]:
    """The models that are active after the run, of the tasks that it does."""
    chosen: list[Active] = []
    for spec in PART_TASKS.values():
        own = [
            Active(spec.name, step.targets.model, step.targets.inputs)
            for _, step in steps
            if step.targets.table == spec.table
        ]
        if own:
            chosen += own if spec.upstream else shown[spec.table]
    return chosen

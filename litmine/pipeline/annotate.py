"""`annotate`: run models over the texts that they have not read yet, and log the run."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from litmine.errors import LakeError
from litmine.lake.active_models import TypesOf, activate, extend_active, input_of
from litmine.lake.lake import Lake
from litmine.lake.paths import PART_TASKS, vocabulary_path
from litmine.lake.runs import ActiveModel, Gap
from litmine.lake.term_lists import list_term_lists
from litmine.nn.references import absolute_reference
from litmine.pipeline.annotation_plan import build_steps, group_steps, plan_units, split_waves
from litmine.pipeline.choose_models import describe_active, describe_hidden, types_found
from litmine.pipeline.choose_vocabulary import lake_vocabulary
from litmine.pipeline.count_format import format_count
from litmine.pipeline.run_log import RunLogEntry, log_run
from litmine.pipeline.term_lists import copy_term_lists, split_term_lists
from litmine.runtime.executor import Executor, RunProgress
from litmine.specs import TaskSpec, follow_up_specs, is_companion, runs_always, spec_by_name
from litmine.tasks.contract import ModelSpec, Unit, UnitResult
from litmine.tasks.part_unit import ModelStep, PartUnit
from litmine.tasks.registry import find_model, has_network, identify_folder, model_types, trunk_digest_of


@dataclass(slots=True)
class AnnotationResult:
    """Counts and gaps of a run.

    models: name@digest and table of each model of the run, also of those that run always (`TaskSpec.always`).
    planned_tables, planned_models: the tables and the models of the planned steps.
    planned_parts, parts: parts to do and done; a part counts once for each chosen model, or once if it lacks only what
        the models that `annotate` adds find.
    planned_texts, texts: texts to read and read; a text counts once for each group of models that are loaded together.
    tokens: tokens read.
    rows: rows written, by table.
    gaps, new_gaps: what could not be read, and which of it no earlier run reported.
    device, precision: what the models ran on.
    view_changes: messages about views that now show other models.
    notes: messages about term lists that the lake did not have before.
    """

    models: dict[str, str]
    planned_tables: set[str] = field(default_factory=set)
    planned_models: set[str] = field(default_factory=set)
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
    view_changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_plan(self, units: Sequence[PartUnit], unreadable: Sequence[UnitResult]) -> None:
        """Count planned units, and parts that cannot be read."""
        for unit in [*units, *(result.unit for result in unreadable)]:
            self.planned_parts += _count_parts(unit, unit.tables)
            self.planned_tables.update(unit.tables)
        self.planned_models.update(step.targets.model for unit in units for step in unit.steps)
        self.planned_texts += sum(unit.size for unit in units)
        for result in unreadable:
            self.add(result)

    def add(self, result: UnitResult) -> None:
        self.texts += result.items
        self.tokens += result.tokens
        # A step that is not in the result had its target before, for example from a worker that was killed.
        done = Counter(result.unit.tables) - Counter(step.table for step in result.steps if not step.exists)
        self.parts += _count_parts(result.unit, [*done.elements()])
        for step in result.steps:
            self.rows[step.table] += step.rows
        self.device, self.precision = result.device or self.device, result.precision or self.precision
        self.gaps += result.gaps

    @property
    def changed(self) -> bool:
        """Whether a text was read."""
        return self.texts > 0

    def summary_lines(self) -> list[str]:
        """Messages for the user: what was done, new gaps, and changes of the views."""
        every_table = self.planned_tables or {*self.models.values()}
        tables = {table for table in every_table if not runs_always(table)} or every_table
        named = self.planned_models or {*self.models}
        models = ", ".join(model for model, table in self.models.items() if table in tables and model in named)
        if not self.planned_parts:
            nothing = f"nothing to do: every text of the lake has been read by {models}"
            return [*self.notes, nothing, *self.view_changes]
        done = f"{self.parts:,} of {format_count(self.planned_parts, 'parts')} done"
        texts = format_count(self.texts, "texts") if self.texts else "no texts"
        rows = ", ".join(format_count(count, table) for table, count in self.rows.items() if count and table in tables)
        read = f"{texts} read, {rows} found" if rows else f"{texts} read"
        device = f" on {self.device} in {self.precision}" if self.device else ""
        lines = [*self.notes, f"{done}: {read} by {models}{device}"]
        lines += [f"could not be read: {gap}" for gap in self.new_gaps]
        if old_gaps := len(self.gaps) - len(self.new_gaps):
            lines.append(
                f"{format_count(old_gaps, 'parts')} still cannot be read, as reported before; see `litmine status`"
            )
        return lines + self.view_changes

    def update_log_entry(self, entry: RunLogEntry) -> None:
        entry.counts = {"parts": self.parts, "texts": self.texts, **self.rows, "tokens": self.tokens}
        entry.device, entry.precision = self.device, self.precision


def _count_parts(unit: Unit, done: Sequence[str]) -> int:
    """How often a part counts, from the steps of its unit and the tables of the finished ones."""
    steps = unit.steps if isinstance(unit, PartUnit) else ()
    chosen = sum(not (_is_added(step.targets.table) or is_companion(step.targets.model)) for step in steps)
    return min(chosen, sum(not _is_added(table) for table in done)) if chosen else min(1, len(done))


def _is_added(table: str) -> bool:
    """Whether `annotate` adds the models of a table to those that the user chose."""
    return runs_always(table) or bool(PART_TASKS[table].extends)


def annotate(
    lake: Lake,
    refs: Sequence[str],
    executor: Executor,
    precision: str = "auto",
    batch_tokens: int | None = None,
    progress: RunProgress | None = None,
    tasks: Sequence[TaskSpec] = tuple(PART_TASKS.values()),
    terms: Sequence[Path] = (),
    follow_up: bool = False,
    needed: Sequence[str] = (),
) -> AnnotationResult:
    """Run every model over the texts of the lake that it has not read yet.

    `refs` are references to models of one of `tasks`, and `terms` files of term lists. To these are added the models
    that run always (`TaskSpec.always`), and the active term lists, of which the lake has copies. With `follow_up` also
    the built-in models of tasks that extend what these find (`TaskSpec.extends`): mentions are linked, to the lake's
    vocabulary. `needed` are models of any task, whose results the others read.
    At the end all become active, even if there are gaps. If the active models of a task divide types among them, a new
    model takes over the types that it finds (`litmine.lake.active_models.activate`); term lists are beside them.

    Raises LakeError when the lake has no articles, TermListError for a list that cannot be read, and ModelError when a
    model or one that it builds on is not available. A failed or interrupted run is logged as such and raises its error.
    """
    progress = progress or RunProgress()
    if not lake.parts():
        raise LakeError(f"{lake.location} has no articles yet; run `litmine import PATH` first")
    refs, files = split_term_lists(refs, terms)
    copied = copy_term_lists(lake, files)
    vocabulary = lake_vocabulary(lake)
    beside_refs = [*needed, *copied.refs]
    model_specs = _model_specs(refs, beside_refs, executor, precision, batch_tokens, tasks, vocabulary, follow_up)
    types_of = _type_lookup(lake, model_specs)
    beside = set(list_term_lists(lake.location))
    active_by_table = _active_by_table(lake.active_models(), model_specs, types_of, beside)
    steps = build_steps(
        model_specs, {table: [input_of(active) for active in models] for table, models in active_by_table.items()}
    )
    groups = group_steps(steps)
    result = AnnotationResult({model_spec.model: spec_by_name(model_spec.task).table for model_spec in model_specs})
    result.notes = copied.notes
    result.rows.update({step.targets.table: 0 for _, step in steps})
    units, unreadable = plan_units(lake.location, groups)
    result.add_plan(units, unreadable)
    progress.planned(result.planned_texts)
    lake.create_missing_tables()
    for linker in (one for one in model_specs if spec_by_name(one.task).vocabulary):
        if not vocabulary_path(lake.location, linker.model).exists():
            from litmine.pipeline.copy_vocabulary import copy_vocabulary

            copy_vocabulary(lake.location, linker)
    with log_run(lake, "annotate", **executor.log_parameters) as entry:
        # A text that failed has a target now and is not tried again. A part that failed is tried in every run.
        entry.models, entry.gaps, entry.known_gaps = [*result.models], result.gaps, frozenset(lake.known_gaps())
        result.update_log_entry(entry)
        while units:
            for wave in split_waves(units):
                with closing(executor.run(wave, progress.under_way)) as finished:
                    for done in finished:
                        result.add(done)
                        result.update_log_entry(entry)
                        progress.finished(done)
            # Meanwhile a compaction may have merged parts that these models had not read.
            units, unreadable = plan_units(lake.location, groups, {unit.part.stem for unit in units})
            result.add_plan(units, unreadable)
        result.new_gaps = entry.new_gaps
        # Another run may have changed the active models meanwhile; this run adds its own to those.
        active_before, beside = lake.active_models(), set(list_term_lists(lake.location))
        active_after = _active_after(_active_by_table(active_before, model_specs, types_of, beside), steps)
        tasks_run = {active.task for active in active_after}
        replaced = [active for active in active_before if active.task in tasks_run]
        entry.active = active_after
        entry.written = bool(result.parts or result.new_gaps or active_after != replaced)
        shown, shown_before, replaced = map(_without_always, (active_after, active_before, replaced))
        several = len({ref for ref in refs if not is_companion(f"{ref}@")}) + len(copied.refs) > 1
        if shown != replaced and (shown_before or several):
            result.view_changes = [*describe_active(shown), *describe_hidden(replaced, shown, types_of, beside)]
    return result


def _model_specs(
    refs: Sequence[str],
    beside: Sequence[str],
    executor: Executor,
    precision: str,
    batch_tokens: int | None,
    tasks: Sequence[TaskSpec],
    vocabulary: str,
    follow_up: bool,
) -> list[ModelSpec]:
    """The models of the references, and those that `annotate` adds; each once, whatever it is called.

    refs: of models of `tasks`. beside: of models of any task, such as term lists.
    """
    model_specs: dict[str, ModelSpec] = {}
    # A reference may mean two models: `builtin` is the built-in model of the task, where that is the only one.
    found = [(ref, *find_model(ref, tasks)) for ref in refs] + [(ref, *find_model(ref)) for ref in beside]
    always = [spec for spec in PART_TASKS.values() if runs_always(spec.table)]
    found += [(spec.builtin, *find_model(spec.builtin, [spec])) for spec in always]
    if follow_up:
        further = follow_up_specs({spec.table for ref, spec, _, _ in found if ref not in spec.companions})
        found += [(spec.builtin, *find_model(spec.builtin, [spec])) for spec in further]
    for ref, spec, folder, name in found:
        links_to = vocabulary if spec.vocabulary else ""
        model = identify_folder(spec, folder, name, links_to)
        settings = executor.device, precision, batch_tokens
        network = has_network(spec, folder)
        trunk = trunk_digest_of(str(folder)) if network else ""
        loaded = ModelSpec(absolute_reference(ref), model, *settings, spec.name, network, trunk, links_to)
        model_specs.setdefault(model, loaded)
    return [*model_specs.values()]


def _active_by_table(
    active: Sequence[ActiveModel], model_specs: Sequence[ModelSpec], types_of: TypesOf, beside: Collection[str]
) -> dict[str, list[ActiveModel]]:
    """The active models of each table after the run. Those of tasks with upstream inputs stay as they are."""
    by_table = {}
    for spec in PART_TASKS.values():
        current = [model for model in active if model.task == spec.name]
        new = [ActiveModel(spec.name, model_spec.model) for model_spec in model_specs if model_spec.task == spec.name]
        if spec.upstream or not new:
            by_table[spec.table] = current
        else:
            by_table[spec.table] = activate(current, new, types_of, beside) if spec.type_column else new
    return by_table


def _without_always(active: Sequence[ActiveModel]) -> list[ActiveModel]:
    """The models of tasks that do not run always."""
    return [model for model in active if not runs_always(model.task)]


def _type_lookup(lake: Lake, model_specs: Sequence[ModelSpec]) -> TypesOf:
    """All types of a model: from its folder when this run loads it, otherwise from what it found in the lake."""
    refs = {model_spec.model: model_spec.ref for model_spec in model_specs}

    @cache  # a query of all results of a model
    def find(task: str, model: str) -> Sequence[str]:
        return model_types(refs[model]) if model in refs else types_found(lake, ActiveModel(task, model))

    return lambda active: find(active.task, active.model)


def _active_after(
    by_table: Mapping[str, Sequence[ActiveModel]], steps: Sequence[tuple[ModelSpec, ModelStep]]
) -> list[ActiveModel]:
    """The active models after the run, only of tasks that the run includes.

    Of the models that extend the same target, the last one is active.
    """
    active: list[ActiveModel] = []
    for spec in PART_TASKS.values():
        of_run = [
            ActiveModel(spec.name, step.targets.model, step.targets.inputs)
            for _, step in steps
            if step.targets.table == spec.table
        ]
        if of_run and spec.extends:
            active += extend_active(by_table[spec.table], of_run)
        elif of_run:
            active += of_run if spec.upstream else by_table[spec.table]
    return active

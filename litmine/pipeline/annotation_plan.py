"""Plan an annotation: which steps the models need, which models are loaded together, and which parts are left."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from litmine.errors import LakeError, ModelError
from litmine.lake.active_models import inputs_of_task
from litmine.lake.articles import list_parts, parse_part_summary
from litmine.lake.compaction import read_replaced_names
from litmine.lake.footers import Footers, read_footers
from litmine.lake.listing import MERGED_PREFIX
from litmine.lake.parquet import check_complete
from litmine.lake.paths import LakePath
from litmine.lake.targets import TargetInput, TargetSet, inputs_key
from litmine.specs import TASKS, TaskSpec, is_companion, spec_by_table
from litmine.tasks.contract import ModelSpec, UnitResult
from litmine.tasks.part_unit import ModelStep, PartUnit


@dataclass(frozen=True, slots=True)
class ModelGroup:
    """Models that are loaded together, and their steps in order."""

    model_specs: tuple[ModelSpec, ...]
    steps: tuple[ModelStep, ...]

    def models_for(self, steps: Sequence[ModelStep]) -> tuple[ModelSpec, ...]:
        """The models of some of the steps: all, or those without a network if no step needs one."""
        models = {step.targets.model for step in steps}
        if any(model_spec.network and model_spec.model in models for model_spec in self.model_specs):
            return self.model_specs
        return tuple(model_spec for model_spec in self.model_specs if not model_spec.network)


def build_steps(
    model_specs: Sequence[ModelSpec], shown: Mapping[str, Sequence[TargetInput]]
) -> list[tuple[ModelSpec, ModelStep]]:
    """The steps of the models; a step comes after the steps that may write its inputs.

    `shown`: by table, the results that the views will show after the run. Models that read the table use these. Raises
    ModelError for a model whose inputs no model makes.
    """
    steps: list[tuple[ModelSpec, ModelStep]] = []
    inputs_by_table: dict[str, list[TargetInput]] = {table: list(inputs) for table, inputs in shown.items()}
    for spec in TASKS:
        for model_spec in model_specs:
            if model_spec.task == spec.name:
                steps += [(model_spec, step) for step in _steps_of_model(spec, model_spec, inputs_by_table)]
        if spec.upstream:
            # Later tasks read the results of this run's models of the task; if there are none, the results shown.
            made = [TargetInput(step.targets) for model_spec, step in steps if model_spec.task == spec.name]
            before = inputs_by_table.get(spec.table, [])
            # Of the models that extend the same target, the last one is active.
            inputs_by_table[spec.table] = [*before, *made] if spec.extends else made or before
    return steps


def _steps_of_model(
    spec: TaskSpec, model_spec: ModelSpec, inputs_by_table: Mapping[str, Sequence[TargetInput]]
) -> list[ModelStep]:
    for table in spec.upstream:
        if not inputs_by_table.get(table):
            maker = spec_by_table(table)
            # With `--task`, `builtin` may be the name of this model.
            ref = spec.builtin if model_spec.ref == maker.builtin else model_spec.ref
            raise ModelError(
                f"{model_spec.model} needs the results of a model that {maker.purpose}, and none is active in this"
                f" lake; run `litmine annotate --model {maker.builtin or 'REF'} --model {ref}` without --task"
            )
    inputs = inputs_of_task(spec, inputs_by_table)
    input_sets: list[tuple[TargetInput, ...]] = [tuple(inputs)]
    if spec.extends:
        # All rows, whatever types the views show. A companion gives what it finds identifiers itself.
        input_sets = [(replace(one, types=None),) for one in inputs if not is_companion(one.targets.model)]
    return [
        ModelStep(TargetSet(spec.table, model_spec.model, inputs_key(input_set)), input_set) for input_set in input_sets
    ]


def group_steps(steps: Sequence[tuple[ModelSpec, ModelStep]]) -> list[ModelGroup]:
    """Group the steps of models that are loaded together.

    Models with the same trunk form a group. A model without a network joins the group of its inputs, or the first one
    if it reads only articles. A group comes after the groups that its steps read. Models with an encoder of their own
    come first, so that models of one trunk need only one group.
    """
    in_order = sorted(steps, key=_order)
    groups: list[list[tuple[ModelSpec, ModelStep]]] = []
    for model_spec, step in in_order:
        read = {one.targets for one in step.inputs}
        earliest = max(
            (at for at, group in enumerate(groups) if any(other.targets in read for _, other in group)), default=0
        )
        fitting = [group for group in groups[earliest:] if _belongs_to(group, model_spec, step)]
        if fitting:
            fitting[0].append((model_spec, step))
        else:
            groups.append([(model_spec, step)])
    return [
        ModelGroup(tuple(dict.fromkeys(model_spec for model_spec, _ in group)), tuple(step for _, step in group))
        for group in groups
    ]


def _order(step: tuple[ModelSpec, ModelStep]) -> int:
    model_spec, model_step = step
    if model_step.inputs:
        return 3
    return int(bool(model_spec.trunk)) if model_spec.network else 2


def _belongs_to(group: Sequence[tuple[ModelSpec, ModelStep]], model_spec: ModelSpec, step: ModelStep) -> bool:
    """Whether a group has the model or its trunk; a model without a network needs one of its inputs, if it has any."""
    if any(other == model_spec for other, _ in group):
        return True
    if model_spec.trunk:
        return any(other.trunk == model_spec.trunk for other, _ in group)
    made = {other.targets for _, other in group}
    return not model_spec.network and (not step.inputs or any(one.targets in made for one in step.inputs))


def plan_units(
    lake: LakePath, groups: Sequence[ModelGroup], replaced_parts: Collection[str] | None = None
) -> tuple[list[PartUnit], list[UnitResult]]:
    """The units that are left, and a failed result for each damaged part or target.

    A unit whose networks have all read its part has only models without a network, so that none is loaded for it.

    With `replaced_parts`, plan only the merged parts that contain one of these parts. A compaction made them after an
    earlier plan.

    Units are sorted by group, because loading models takes longer than a part. In a group, large parts come first, so
    that no worker is left with a large part at the end. Parts of about the same size (less than twice) are in random
    order, so that two runs over one lake seldom do the same part. If they do, no harm is done: each looks for the
    target again before it computes.
    """
    units: list[PartUnit] = []
    unreadable: list[UnitResult] = []
    # One listing for each target set, not for each part, because a lake has thousands of parts.
    done = {step.targets: step.targets.finished_parts(lake) for group in groups for step in group.steps}
    parts = list_parts(lake)
    footers = _footers_of_unread(lake, parts, done)
    for part in parts:
        if replaced_parts is not None:
            is_merged = part.stem.startswith(MERGED_PREFIX)
            if not is_merged or not set(read_replaced_names(part)) & set(replaced_parts):
                continue
        for group in groups:
            steps = tuple(step for step in group.steps if part.stem not in done[step.targets])
            unreadable += [
                UnitResult.failure(PartUnit(lake, part, 0, group.model_specs, (step,)), damage)
                for step in group.steps
                if step not in steps and (damage := _damage(step.targets.target_path(lake, part.stem)))
            ]
            if not steps:
                continue
            model_specs = group.models_for(steps)
            try:
                if part in footers.errors:
                    raise footers.errors[part]
                texts = parse_part_summary(part, footers.texts[part]).texts
                units.append(PartUnit(lake, part, texts, model_specs, steps))
            except LakeError as error:
                unreadable.append(UnitResult.failure(PartUnit(lake, part, 0, model_specs, steps), str(error)))
    random.shuffle(units)
    order = [model_specs for group in groups for model_specs in (group.model_specs, group.models_for(()))]
    units.sort(key=lambda unit: (order.index(unit.model_specs), -unit.size.bit_length()))
    return units, unreadable


def split_waves(units: Sequence[PartUnit]) -> list[list[PartUnit]]:
    """Divide units, in their order, so that each reads only targets of its own wave's unit or of earlier waves.

    Workers run the units of a wave in any order. A unit that reads what another one of the wave writes would find
    nothing.
    """
    waves: list[list[PartUnit]] = []
    written: set[tuple[str, TargetSet]] = set()
    for unit in units:
        own = {(unit.part.stem, step.targets) for step in unit.steps}
        read = {(unit.part.stem, one.targets) for step in unit.steps for one in step.inputs}
        if not waves or (read - own) & written:
            waves.append([])
            written = set()
        waves[-1].append(unit)
        written |= own
    return waves


def _footers_of_unread(lake: LakePath, parts: Sequence[LakePath], done: Mapping[TargetSet, set[str]]) -> Footers:
    """The footers of all parts, or none if every part has every target, so that nobody needs one."""
    unread = any(part.stem not in names for names in done.values() for part in parts)
    return read_footers(lake, parts) if unread else Footers({}, {})


def _damage(target: LakePath) -> str | None:
    """The damage of a target; None if it is complete, or deleted since it was listed."""
    try:
        check_complete(target)
    except LakeError as error:
        return str(error)
    return None

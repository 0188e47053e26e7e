"""Which models the views show: for each task, those of the latest run that chose models for it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from litmine.lake.paths import LakePath
from litmine.lake.runs import ActiveModel, read_runs
from litmine.lake.targets import TargetInput, TargetSet, inputs_key
from litmine.specs import TASKS, TaskSpec, spec_by_name, spec_by_table

# The task of the models in the column `active_models`, which the log had before there were other tasks.
_FIRST_TASK = "ner"

# All values of the task's type column that a model finds: entity types for a tagger. A choice of types is ignored.
TypesOf = Callable[[ActiveModel], Sequence[str]]


def active_models(lake: LakePath) -> list[ActiveModel]:
    """The models that the views show, in the order of the tasks. Raises LakeError when the log is damaged."""
    latest: dict[str, list[ActiveModel]] = {}
    rows = read_runs(lake, "finished", "run_id", "active_models", "active")
    for row in sorted(rows, key=lambda row: (row["finished"], row["run_id"])):
        latest |= _chosen(row)
    return _without_stale_extensions([one for spec in TASKS for one in latest.get(spec.name, ())])


def _without_stale_extensions(active: Sequence[ActiveModel]) -> list[ActiveModel]:
    """The active models without those that extend a model that is no longer active; the view does the same."""
    shown = {(one.task, one.model) for one in active}
    extended = {spec.name: spec_by_table(spec.extends).name for spec in TASKS if spec.extends}
    return [one for one in active if one.task not in extended or (extended[one.task], one.inputs) in shown]


def _chosen(row: Mapping[str, Any]) -> dict[str, list[ActiveModel]]:
    """What a run chose, by task."""
    found: dict[str, list[ActiveModel]] = {}
    if (before := row.get("active_models")) is not None:
        found[_FIRST_TASK] = [ActiveModel(_FIRST_TASK, model) for model in before]
    for one in row.get("active") or ():
        types = None if one["types"] is None else tuple(one["types"])
        found.setdefault(one["task"], []).append(ActiveModel(one["task"], one["model"], one["inputs"] or "", types))
    return found


def input_of(active: ActiveModel) -> TargetInput:
    """An active model as the input of targets of another task."""
    return TargetInput(TargetSet(spec_by_name(active.task).table, active.model, active.inputs), active.types)


def inputs_of_task(spec: TaskSpec, shown: Mapping[str, Sequence[TargetInput]]) -> list[TargetInput]:
    """The targets that the models of a task read, of those that the views show, by table.

    With `TaskSpec.extended_inputs`, a target that extends one of them takes its place.
    """
    inputs = [one for table in spec.upstream for one in shown.get(table, ())]
    if not spec.extended_inputs:
        return inputs
    extending = {
        (other.extends, one.targets.inputs): one.targets
        for other in TASKS
        if other.extends
        for one in shown.get(other.table, ())
    }
    return [replace(one, targets=extending.get((one.targets.table, one.targets.model), one.targets)) for one in inputs]


def current_inputs(spec: TaskSpec, active: Iterable[ActiveModel]) -> str:
    """The key of what a model of the task would read now (`inputs_key`), from the active models of all tasks."""
    shown: dict[str, list[TargetInput]] = {}
    for one in active:
        shown.setdefault(spec_by_name(one.task).table, []).append(input_of(one))
    return inputs_key(inputs_of_task(spec, shown))


def with_stale_inputs(active: Sequence[ActiveModel]) -> list[ActiveModel]:
    """The active models whose results are from other results than those that the views show now.

    Results of taggers and linkers changed after these models read them, so their work is to do again.
    """
    stale = []
    for spec in TASKS:
        if spec.upstream and not spec.extends:
            inputs = current_inputs(spec, active)
            stale += [one for one in active if one.task == spec.name and inputs and one.inputs != inputs]
    return stale


def stale_inputs_message(stale: ActiveModel) -> str:
    """A sentence about a model of `with_stale_inputs`, without a full stop."""
    table = spec_by_name(stale.task).table
    return f"{stale.model} read other results of earlier models than the views show now, so `{table}` is out of date"


def activate(
    current: Iterable[ActiveModel],
    chosen: Sequence[ActiveModel],
    types_of: TypesOf,
    beside: Collection[str] = frozenset(),
) -> list[ActiveModel]:
    """The active models of a task whose models share out types, after `chosen` models are added to the current ones.

    The models in `beside` (name@digest: term lists) take part in no division: they show their types beside the others.
    A new version of one takes the place of the older one.

    Each type belongs to one model. A chosen model that is already active changes nothing. A new version of an active
    model (the same name, another digest) that is chosen without types takes its place. Any other chosen model takes
    over all its types, also from models chosen before it. The current models keep the rest; a model without types is
    no longer active.
    """
    current = list(current)
    others = [model for model in chosen if model.model not in beside]
    lists = [model for model in current if model.model in beside]
    for new in chosen:
        if new.model in beside:
            lists = _add_list(lists, new)
    return [*_divide_types([model for model in current if model.model not in beside], others, types_of), *lists]


def extend_active(current: Iterable[ActiveModel], chosen: Sequence[ActiveModel]) -> list[ActiveModel]:
    """The active models of a task that extends another (`TaskSpec.extends`), one for each model of that task.

    A chosen model takes the place of the one with the same inputs; of several, the last one does.
    """
    by_inputs = {one.inputs: one for one in current}
    for one in chosen:
        by_inputs.pop(one.inputs, None)
        by_inputs[one.inputs] = one
    return list(by_inputs.values())


def _add_list(lists: Sequence[ActiveModel], new: ActiveModel) -> list[ActiveModel]:
    """The active term lists with another one, or a new version of one, which keeps the types that were chosen."""
    older = next((model for model in lists if name_of(model.model) == name_of(new.model)), None)
    if older is None:
        return [*lists, new]
    types = older.types if new.types is None else new.types
    return [replace(new, types=types) if model is older else model for model in lists]


def _divide_types(active: list[ActiveModel], chosen: Sequence[ActiveModel], types_of: TypesOf) -> list[ActiveModel]:
    """The models of `activate` that share out types."""
    for new in chosen:
        if any(model.model == new.model and model.inputs == new.inputs for model in active):
            continue
        older = [model for model in active if name_of(model.model) == name_of(new.model) and model not in chosen]
        if older and new.types is None:
            active = _replace_version(active, older, new, types_of)
            continue
        taken = set(active_types(new, types_of))
        active = [rest for model in active if (rest := _without(model, taken, types_of)) is not None]
        active.append(new)
    return active


def active_types(model: ActiveModel, types_of: TypesOf) -> tuple[str, ...]:
    """The types that the views show of an active model."""
    return tuple(types_of(model)) if model.types is None else model.types


def _replace_version(
    active: list[ActiveModel], older: list[ActiveModel], new: ActiveModel, types_of: TypesOf
) -> list[ActiveModel]:
    """Put a new version in the place of the older ones.

    It gets their types, and those that no version before it found. What an older version found but did not show stays
    hidden, because somebody chose so. A type that the new version lacks goes to another active model that finds it.
    """
    others = [model for model in active if model not in older]
    shown = {kind for model in older for kind in active_types(model, types_of)}
    hidden = {kind for model in older if model.types is not None for kind in types_of(model)} - shown
    taken = {kind for model in others for kind in active_types(model, types_of)}
    lost = shown - set(types_of(new)) - taken
    for position, model in reversed(list(enumerate(others))):
        found = lost.intersection(types_of(model))
        lost -= found
        if found:
            own = active_types(model, types_of)
            others[position] = replace(model, types=tuple(kind for kind in types_of(model) if kind in found.union(own)))
    place = _without(new, taken | hidden, types_of)
    position = sum(model not in older for model in active[: active.index(older[0])])
    return [*others[:position], *([place] if place else []), *others[position:]]


def _without(model: ActiveModel, taken: set[str], types_of: TypesOf) -> ActiveModel | None:
    """A model without the taken types: itself if it shows none of them, None if it shows no others."""
    own = active_types(model, types_of)
    rest = tuple(kind for kind in own if kind not in taken)
    if len(rest) == len(own):
        return model
    return replace(model, types=rest) if rest else None


def name_of(model: str) -> str:
    """The name part of name@digest."""
    return model.rpartition("@")[0]

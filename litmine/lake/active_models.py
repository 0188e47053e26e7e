"""Which models the views show: for each task, those that the latest run to choose models for it has chosen."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from litmine.lake.paths import LakePath
from litmine.lake.runs import ActiveModel, read_runs
from litmine.lake.targets import TargetInput, TargetSet
from litmine.specs import TASKS, spec_named

# The task of the models in the column that runs had before there were other tasks.
_FIRST_TASK = "ner"

# What a model gives of the column that is shared out: its types.
TypesOf = Callable[[ActiveModel], Sequence[str]]


def active_models(lake: LakePath) -> list[ActiveModel]:
    """The models that the views show, in the order of the tasks. Raises LakeError when the log is damaged."""
    latest: dict[str, list[ActiveModel]] = {}
    rows = read_runs(lake, "finished", "run_id", "active_models", "active")
    for row in sorted(rows, key=lambda row: (row["finished"], row["run_id"])):
        latest |= _chosen(row)
    return [one for spec in TASKS for one in latest.get(spec.name, ())]


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
    """An active model as what other targets are made of."""
    return TargetInput(TargetSet(spec_named(active.task).table, active.model, active.inputs), active.types)


def take_over(current: Iterable[ActiveModel], chosen: Sequence[ActiveModel], types_of: TypesOf) -> list[ActiveModel]:
    """What is shown of a task whose models share out types, when some models are chosen beside the current ones.

    Each type is shown of one model. A model that is shown already stays as it is. One whose name is that of a current
    model, of another version, takes that one's place and types. Any other takes over every type that it gives, the
    later of two chosen ones before the earlier; a current model keeps what is left, and goes when nothing is.
    """
    shown = list(current)
    for new in chosen:
        if any(one.model == new.model and one.inputs == new.inputs for one in shown):
            continue
        older = [one for one in shown if name_of(one.model) == name_of(new.model) and one not in chosen]
        if older and new.types is None:
            shown = _replaced(shown, older, new, types_of)
            continue
        taken = set(types_of(new))
        shown = [left for one in shown if (left := _without(one, taken, types_of)) is not None]
        shown.append(new)
    return shown


def _replaced(shown: list[ActiveModel], older: list[ActiveModel], new: ActiveModel, types_of: TypesOf) -> list[ActiveModel]:
    """The same with a new version in the place of the older ones; what nobody else shows is the new one's."""
    others = [one for one in shown if one not in older]
    taken = {kind for one in others for kind in types_of(one)}
    place = _without(new, taken, types_of)
    at = shown.index(older[0])
    return [*shown[:at], *([place] if place else []), *(one for one in shown[at:] if one in others)]


def _without(one: ActiveModel, taken: set[str], types_of: TypesOf) -> ActiveModel | None:
    """What is left of a model's types; the very same where none of them is taken, None where all are."""
    own = types_of(one)
    left = tuple(kind for kind in own if kind not in taken)
    if len(left) == len(own):
        return one
    return replace(one, types=left) if left else None


def name_of(model: str) -> str:
    """The name in name@digest."""
    return model.rpartition("@")[0]

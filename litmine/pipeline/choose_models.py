"""`models use`: which models a lake's views show, and of which types."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from litmine.errors import ModelError
from litmine.lake.active_models import take_over
from litmine.lake.lake import Lake
from litmine.lake.runs import ActiveModel
from litmine.lake.targets import TargetSet
from litmine.lake.views import sql_string
from litmine.pipeline.run_log import log_run
from litmine.settings import did_you_mean
from litmine.specs import TASKS, TaskSpec, spec_for_table, spec_named


def choose(lake: Lake, refs: Sequence[str]) -> list[ActiveModel]:
    """Make these the active models of their tasks; returns what is shown of each.

    A reference may name types: `mine:Disease,Gene`. A type is shown of one model: of the last one named that gives it.
    A model that is named more than once shows all the types that it is named with.
    Each model must have read something of the lake, and give the types (ModelError, naming what there is).
    """
    chosen = _united([_chosen(lake, ref) for ref in refs])
    gives = {(one.task, one.model): types for one, types in chosen}
    active: list[ActiveModel] = []
    for spec in TASKS:
        own = [one for one, _ in chosen if one.task == spec.name]
        shared = take_over([], own, lambda one: one.types or gives[one.task, one.model])
        active += shared if spec.shared else own
    with log_run(lake, "models use", models=" ".join(refs)) as entry:
        entry.active = active
        entry.models = [one.model for one in active]
    return active


def told(active: Sequence[ActiveModel]) -> list[str]:
    """What is shown, a sentence for each task."""
    sentences = []
    for spec in TASKS:
        own = [one for one in active if one.task == spec.name]
        if own:
            models = " and ".join(_of(one, spec, len(own)) for one in own)
            sentences.append(f"{spec.table} shows {models}; all_{spec.table} has every model's")
    return sentences


def _of(one: ActiveModel, spec: TaskSpec, beside: int) -> str:
    if one.types is not None:
        return f"{', '.join(one.types)} of {one.model}"
    return f"all that {one.model} gives" if spec.shared and beside > 1 else one.model


def taggers_of(lake: Lake, refs: Sequence[str]) -> list[str]:
    """The name@digest of each reference to a tagger that has read something of the lake (ModelError otherwise)."""
    return [_target_set(lake, ref, [spec_named("ner")]).model for ref in refs]


def types_of(lake: Lake, active: ActiveModel) -> tuple[str, ...]:
    """The types that are shown of a model: those that it was chosen for, or all that it gives."""
    if active.types is not None:
        return active.types
    spec = spec_named(active.task)
    # A model that is not at hand is known by what it found.
    its_own = f"all_{spec.table} WHERE model = {sql_string(active.model)}"
    rows = lake.rows(f"SELECT DISTINCT {spec.shared} FROM {its_own} ORDER BY 1")
    return tuple(str(kind) for (kind,) in rows)


def _chosen(lake: Lake, ref: str) -> tuple[ActiveModel, tuple[str, ...]]:
    """What a reference chooses, and all types that its model gives."""
    name, types = _parted(lake, ref)
    found = _target_set(lake, name, TASKS)
    spec = spec_for_table(found.table)
    active = ActiveModel(spec.name, found.model, found.inputs)
    if not spec.shared:
        if types is not None:
            raise ModelError(f"{name} {spec.about} and shows all that it gives; leave out :{','.join(types)}")
        return active, ()
    known = _all_types(lake, name, active)
    if types is None:
        return active, known
    for kind in types:
        if kind not in known:
            raise ModelError(f"{name} gives no {kind!r}{did_you_mean(kind, known)}; it gives {', '.join(known)}")
    return replace(active, types=tuple(kind for kind in known if kind in types)), known


def _united(chosen: Sequence[tuple[ActiveModel, tuple[str, ...]]]) -> list[tuple[ActiveModel, tuple[str, ...]]]:
    """Each model once, at its last place, with the types of all its references; None stands for all types."""
    united: dict[ActiveModel, tuple[ActiveModel, tuple[str, ...]]] = {}
    for one, known in chosen:
        model = replace(one, types=None)
        before = united.pop(model, None)
        types = one.types
        if before is not None and types is not None:
            earlier = before[0].types
            types = None if earlier is None else tuple(kind for kind in known if kind in {*earlier, *types})
        united[model] = replace(one, types=types), known
    return list(united.values())


def _all_types(lake: Lake, ref: str, active: ActiveModel) -> tuple[str, ...]:
    """The types that a model gives: as its folder says, or as the lake has them where it is not at hand."""
    if "@" in ref:
        return types_of(lake, active)
    from litmine.tasks.registry import model_types

    return model_types(ref)


def _parted(lake: Lake, ref: str) -> tuple[str, list[str] | None]:
    """A reference and the types behind its last colon, None for none; a model or a folder may have one in its name."""
    name, colon, types = ref.rpartition(":")
    if not colon or ref in {one.model for one in lake.target_sets()} or Path(ref).is_dir():
        return ref, None
    return name, [kind.strip() for kind in types.split(",")]


def _target_set(lake: Lake, ref: str, among: Sequence[TaskSpec]) -> TargetSet:
    """What a model has made in the lake; of several sets the one that is shown, or the last by name."""
    tables = [spec.table for spec in among]
    sets = [one for one in lake.target_sets() if one.table in tables]
    model = ref if any(one.model == ref for one in sets) else _identified(ref, among)
    own = [one for one in sets if one.model == model]
    if not own:
        known = ", ".join(dict.fromkeys(one.model for one in sets)) or "no model"
        raise ModelError(
            f"{ref} has read nothing of this lake yet; it has been read by {known}:"
            f" `litmine annotate --model {ref}` comes first"
        )
    active = {(one.model, one.inputs) for one in lake.active_models()}
    return max(own, key=lambda one: ((one.model, one.inputs) in active, one))


def _identified(ref: str, among: Sequence[TaskSpec]) -> str:
    if "@" in ref:
        return ref
    # Only a reference costs the import of torch.
    from litmine.tasks.registry import identify

    return identify(ref, [spec for spec in among if spec.unit == "part"])

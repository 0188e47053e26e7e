"""`models use`: choose the models that a lake's views show, and the types of each."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from litmine.errors import ModelError, UnknownModelError, UnknownTypeError
from litmine.lake.active_models import (
    TypesOf,
    activate,
    active_types,
    current_inputs,
    extend_active,
    name_of,
    with_stale_inputs,
)
from litmine.lake.lake import Lake
from litmine.lake.runs import ActiveModel
from litmine.lake.sql_text import sql_string
from litmine.lake.targets import TargetSet
from litmine.lake.term_lists import list_term_lists
from litmine.pipeline.run_log import log_run
from litmine.settings import did_you_mean
from litmine.specs import TASKS, TaskSpec, runs_always, spec_by_name, spec_by_table

# The name in `model = 'name@digest'`, `model like 'name@%'`, `model like 'name%'` and `model = 'name'`, and what ends
# it.
_MODEL_IN_QUERY = re.compile(
    r"\bmodel\"?\s*(?:==?|<>|!=|(?:not\s+)?i?like\b|(?:not\s+)?in\s*\()\s*'([^'@%]+)([@%'])", re.IGNORECASE
)


def use_models(lake: Lake, refs: Sequence[str]) -> list[ActiveModel]:
    """Make these the active models of their tasks, and return them. Other tasks keep theirs.

    The linkers of the lake become active for the taggers that are chosen, if they have read them. Of models that read
    results of earlier models, such as relation models, those results become active that were made from the active ones,
    if there are any.

    A reference may name types: `mine:Disease,Gene`. For each type, the views show the last model named for it. A
    model that is named several times shows all the types that it is named with. Raises ModelError for a model that has
    read nothing of the lake, and for a type that the model does not find.
    """
    chosen = _merge_references([_resolve(lake, ref) for ref in refs])
    found = {(one.task, one.model): types for one, types in chosen}
    beside = list_term_lists(lake.location)
    active: list[ActiveModel] = []
    for spec in TASKS:
        of_task = [one for one, _ in chosen if one.task == spec.name and not spec.extends]
        if spec.type_column:
            of_task = activate([], of_task, lambda one: found[one.task, one.model], beside)
        active += of_task
    active += _extensions_of(lake, chosen, active)
    active = _on_current_inputs(lake, active)
    with log_run(lake, "models use", models=" ".join(refs)) as entry:
        entry.active = active
        entry.models = [one.model for one in active]
    named = {one.task for one, _ in chosen}
    return [one for one in active if one.task in named]


def _extensions_of(
    lake: Lake, chosen: Sequence[tuple[ActiveModel, tuple[str, ...]]], active: Sequence[ActiveModel]
) -> list[ActiveModel]:
    """The active models of tasks that extend others (linkers): those chosen, else the present ones, for what they read.

    A linker that has read nothing of the active taggers is not among them.
    """
    before, sets = lake.active_models(), lake.target_sets()
    found: list[ActiveModel] = []
    for spec in (spec for spec in TASKS if spec.extends):
        extended = spec_by_table(spec.extends).name
        shown = [one.model for one in active if one.task == extended] or [
            one.model for one in before if one.task == extended
        ]
        named = [one.model for one, _ in chosen if one.task == spec.name]
        # Of two linkers of one tagger, the last one that was named is active.
        last_named = [*dict.fromkeys(reversed(named))][::-1]
        others = dict.fromkeys(one.model for one in before if one.task == spec.name and one.model not in named)
        for model in (*others, *last_named):
            read = [one for one in sets if (one.table, one.model) == (spec.table, model) and one.inputs in shown]
            found = extend_active(found, [ActiveModel(spec.name, one.model, one.inputs) for one in read])
    return found


def _on_current_inputs(lake: Lake, chosen: Sequence[ActiveModel]) -> list[ActiveModel]:
    """The chosen models, and those of later tasks whose targets from other inputs are shown with this choice."""
    tasks = {one.task for one in chosen}
    after = [*(one for one in lake.active_models() if one.task not in tasks), *chosen]
    sets = set(lake.target_sets())
    moved = {}
    for stale in with_stale_inputs(after):
        spec = spec_by_name(stale.task)
        current = replace(stale, inputs=current_inputs(spec, after))
        if TargetSet(spec.table, current.model, current.inputs) in sets:
            moved[stale] = current
    tasks |= {one.task for one in moved}
    return [moved.get(one, one) for one in after if one.task in tasks]


def default_models(lake: Lake, specs: Sequence[TaskSpec]) -> tuple[str, ...]:
    """The references of the models that `annotate` runs unless told otherwise: the built-in ones of these tasks.

    A companion (`TaskSpec.companions`) is left out if it has read the lake and somebody chose models without it, or if
    another active model shows one of its types. A further model (`TaskSpec.further`) runs if it is active. Raises
    LakeError for a damaged log.
    """
    refs: list[str] = []
    active = {name_of(one.model) for one in lake.active_models()}
    for spec in specs:
        refs += [spec.builtin, *(ref for ref in spec.companions if _is_wanted(lake, spec, ref))]
        refs += [ref for ref in spec.further if ref in active]
    return tuple(refs)


def needed_models(lake: Lake, specs: Sequence[TaskSpec]) -> tuple[str, ...]:
    """The references of the models of earlier tasks whose results models of these tasks read (`TaskSpec.needs`).

    A tagger beside the built-in one is left out where `default_models` leaves out a companion. Raises LakeError for a
    damaged log.
    """
    builtins = {spec.builtin for spec in TASKS}
    needs = dict.fromkeys(ref for spec in specs for ref in spec.needs)
    return tuple(ref for ref in needs if ref in builtins or _is_wanted(lake, spec_by_name("ner"), ref))


def _is_wanted(lake: Lake, spec: TaskSpec, ref: str) -> bool:
    """Whether nobody has chosen models without a further built-in one, and no other active model shows its types."""
    active = [one for one in lake.active_models() if one.task == spec.name]
    names = {name_of(one.model) for one in active}
    if ref in names:
        return True
    chosen_without = bool(active) and ref in {name_of(one.model) for one in lake.target_sets()}
    return not chosen_without and not _types_shown(lake, active).intersection(_builtin_types(ref))


def _types_shown(lake: Lake, active: Sequence[ActiveModel]) -> set[str]:
    """The types that active models of a task show, without those of term lists, which stand beside the others."""
    beside = list_term_lists(lake.location)
    return {
        kind
        for one in active
        if one.model not in beside
        for kind in active_types(one, lambda model: types_found(lake, model))
    }


def describe_active(active: Sequence[ActiveModel]) -> list[str]:
    """What the views show, a sentence for each task."""
    sentences = []
    for spec in TASKS:
        of_task = [one for one in active if one.task == spec.name]
        if of_task:
            models = " and ".join(dict.fromkeys(_describe(one, spec, len(of_task) > 1) for one in of_task))
            sentences.append(f"{spec.table} shows {models}; all_{spec.table} shows every model")
    return sentences


def describe_hidden(
    before: Sequence[ActiveModel], after: Sequence[ActiveModel], types_of: TypesOf, beside: Collection[str] = ()
) -> Iterator[str]:
    """A sentence, with the remedy, for each model that a change hides, and for types that no other model shows.

    The models in `beside` (term lists) neither hide nor replace the types of others. A newer version of a model, or a
    linker in place of another one, hides nothing.
    """
    for spec in TASKS:
        new = [one for one in after if one.task == spec.name]
        if new and not spec.type_column and not spec.extends:
            names = {name_of(one.model) for one in new}
            for one in before:
                if one.task == spec.name and name_of(one.model) not in names:
                    references = " ".join(map(_reference, [*new, one]))
                    yield (
                        f"{spec.table} no longer shows {one.model}; `litmine models use {references}` shows it again"
                    )
        if not (spec.type_column and new):
            continue
        shown = {kind for one in new if one.model not in beside for kind in active_types(one, types_of)}
        for one in (model for model in before if model.task == spec.name and model.model not in beside):
            hidden = [kind for kind in active_types(one, types_of) if kind not in shown]
            if hidden:
                references = " ".join(map(_reference, [*new, replace(one, types=tuple(hidden))]))
                yield (
                    f"{spec.table} no longer shows {', '.join(hidden)} of {one.model};"
                    f" `litmine models use {references}` shows it again"
                )


def tagger_names(lake: Lake, refs: Sequence[str]) -> list[str]:
    """The name@digest of each reference to a tagger that has read something of the lake (ModelError otherwise)."""
    return [_target_set(lake, _term_list_named(lake, ref) or ref, [spec_by_name("ner")]).model for ref in refs]


def check_tagger(ref: str) -> None:
    """Raise ModelError if a reference names no tagger; one that is a name@digest need not be on this machine."""
    _identify(ref, [spec_by_name("ner")])


def check_types(lake: Lake, types: Iterable[str], models: Sequence[str] | None = None) -> None:
    """Raise UnknownTypeError for an entity type that none of the models finds.

    models: name@digest; None for the active models and the types that the views show of them. A type that a model found
    in the lake is known, and so is each type of a built-in model.
    """
    spec = spec_by_name("ner")
    chosen = (
        [one for one in lake.active_models() if one.task == spec.name]
        if models is None
        else [ActiveModel(spec.name, model) for model in models]
    )
    if not chosen:
        raise UnknownTypeError(
            f"no model that finds entities has read {lake.location}, so it has no entity types; run `litmine annotate`"
        )
    known: set[str] = set()
    for one in chosen:
        known.update(one.types or (*types_found(lake, one), *_builtin_types(one.model.partition("@")[0])))
    for kind in types:
        if kind not in known:
            shown = sorted(known)
            raise UnknownTypeError(
                f"no model of this lake finds {kind!r}{did_you_mean(kind, shown)};"
                f" the types are {', '.join(shown) or 'none'}"
            )


def unknown_models_note(lake: Lake, query: str) -> str | None:
    """A sentence about the first model that a query compares `model` with and that has read nothing of the lake."""
    compared = _MODEL_IN_QUERY.findall(query)
    if not compared:
        return None
    readers = {str(model) for (model,) in lake.rows("SELECT DISTINCT model FROM questions")}
    sets = lake.target_sets()
    known = sorted(readers | set(_chosen_models(sets)))
    names = {model.partition("@")[0] for model in readers.union(one.model for one in sets)}
    for name, end in compared:
        # No model is named without its digest, so `model = 'name'` finds nothing.
        found = any(one.startswith(name) for one in names) if end == "%" else end == "@" and name in names
        if not found:
            return (
                f"no model of this lake is named {name!r}{did_you_mean(name, sorted(names))};"
                f" the lake was read by {', '.join(known) or 'no model'}"
            )
    return None


def types_found(lake: Lake, active: ActiveModel) -> tuple[str, ...]:
    """All types that a model has found in the lake, sorted."""
    spec = spec_by_name(active.task)
    rows = lake.rows(
        f"SELECT DISTINCT {spec.type_column} FROM all_{spec.table} WHERE model = {sql_string(active.model)} ORDER BY 1"
    )
    return tuple(str(kind) for (kind,) in rows)


def _describe(active: ActiveModel, spec: TaskSpec, several: bool) -> str:
    if active.types is not None:
        return f"{', '.join(active.types)} of {active.model}"
    return f"all types of {active.model}" if spec.type_column and several else active.model


def _reference(active: ActiveModel) -> str:
    """An active model as an argument of `models use`."""
    return active.model if active.types is None else f"{active.model}:{','.join(active.types)}"


def _resolve(lake: Lake, ref: str) -> tuple[ActiveModel, tuple[str, ...]]:
    """The model that a reference chooses, and all types that it finds."""
    name, types = _split_reference(lake, ref)
    name = _term_list_named(lake, name) or name
    targets = _target_set(lake, name, TASKS)
    spec = spec_by_table(targets.table)
    active = ActiveModel(spec.name, targets.model, targets.inputs)
    if not spec.type_column:
        if types is not None:
            raise ModelError(f"{name} {spec.purpose}, and the views show all its rows; leave out :{','.join(types)}")
        return active, ()
    known = _all_types(lake, name, active)
    if types is None:
        return active, known
    for kind in types:
        if kind not in known:
            raise UnknownTypeError(
                f"{name} does not find {kind!r}{did_you_mean(kind, known)}; it finds {', '.join(known)}"
            )
    return replace(active, types=tuple(kind for kind in known if kind in types)), known


def _merge_references(
    chosen: Sequence[tuple[ActiveModel, tuple[str, ...]]],
) -> list[tuple[ActiveModel, tuple[str, ...]]]:
    """Each model once, at its last place, with the types of all its references; None stands for all types."""
    merged: dict[ActiveModel, tuple[ActiveModel, tuple[str, ...]]] = {}
    for one, known in chosen:
        model = replace(one, types=None)
        before = merged.pop(model, None)
        types = one.types
        if before is not None and types is not None:
            earlier = before[0].types
            types = None if earlier is None else tuple(kind for kind in known if kind in {*earlier, *types})
        merged[model] = replace(one, types=types), known
    return list(merged.values())


def _all_types(lake: Lake, ref: str, active: ActiveModel) -> tuple[str, ...]:
    """The types that a model finds: from its folder, or from the lake if the reference is a name@digest."""
    if "@" in ref:
        return types_found(lake, active)
    from litmine.tasks.registry import model_types

    return model_types(ref)


def _builtin_types(name: str) -> tuple[str, ...]:
    """The types of a built-in model; empty for any other name."""
    from litmine.nn.references import is_builtin
    from litmine.tasks.registry import model_types

    return model_types(name) if is_builtin(name) else ()


def _split_reference(lake: Lake, ref: str) -> tuple[str, list[str] | None]:
    """The model and the types of `model:type,type`; None without types. A model's own name may contain a colon."""
    name, colon, types = ref.rpartition(":")
    if not colon or ref in {one.model for one in lake.target_sets()} or Path(ref).is_dir():
        return ref, None
    return name, [kind.strip() for kind in types.split(",")]


def _target_set(lake: Lake, ref: str, among: Sequence[TaskSpec]) -> TargetSet:
    """The targets of a model in the lake; of several sets the active one, or the last by name."""
    tables = [spec.table for spec in among]
    sets = [one for one in lake.target_sets() if one.table in tables]
    model = ref if any(one.model == ref for one in sets) else _identify(ref, among)
    of_model = [one for one in sets if one.model == model]
    if not of_model:
        known = ", ".join(_chosen_models(sets)) or "no model"
        if "@" in ref:
            names, name = sorted({one.model.partition("@")[0] for one in sets}), ref.partition("@")[0]
            # A digest resembles others by chance only.
            meant = "" if name in names else did_you_mean(name, names)
            raise UnknownModelError(f"no model of this lake is {ref}{meant}; the lake was read by {known}")
        raise ModelError(
            f"{ref} has read nothing of this lake yet; run `litmine annotate --model {ref}` first (read so far by"
            f" {known})"
        )
    active = {(one.model, one.inputs) for one in lake.active_models()}
    return max(of_model, key=lambda one: ((one.model, one.inputs) in active, one))


def _term_list_named(lake: Lake, name: str) -> str | None:
    """The name@digest of the lake's term list with this name; of several versions the active one, or the last."""
    lists = [model for model in list_term_lists(lake.location) if name_of(model) == name]
    active = [one.model for one in lake.active_models() if one.model in lists]
    return next(iter([*active, *reversed(lists)]), None)


def _chosen_models(sets: Sequence[TargetSet]) -> list[str]:
    """The models of these targets without those that run always, which nobody needs to choose."""
    return [*dict.fromkeys(one.model for one in sets if not runs_always(one.table))]


def _identify(ref: str, among: Sequence[TaskSpec]) -> str:
    if "@" in ref:
        return ref
    # A name@digest needs no torch, which takes a second to import.
    from litmine.tasks.registry import identify

    return identify(ref, [spec for spec in among if spec.unit == "part"])

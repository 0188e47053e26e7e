"""What is left to do: the parts without a target, group by group, the big ones first.

Which models are loaded together, in which order, and what each one's targets are made of.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from litmine.errors import LakeError, ModelError
from litmine.lake.articles import part_summary, parts
from litmine.lake.compaction import MERGED, replaces
from litmine.lake.parquet import check_whole
from litmine.lake.paths import Place
from litmine.lake.targets import Input, TargetSet, inputs_key
from litmine.specs import TASKS, TaskSpec, spec_for_table
from litmine.tasks.contract import Loading, UnitResult
from litmine.tasks.part_unit import PartUnit, Step


@dataclass(frozen=True, slots=True)
class Group:
    """Models that are loaded together, and what each of them makes, in order."""

    loadings: tuple[Loading, ...]
    steps: tuple[Step, ...]


def steps_of(loadings: Sequence[Loading], shown: Mapping[str, Sequence[Input]]) -> list[tuple[Loading, Step]]:
    """The steps of some models, those that others build on first.

    `shown` are the inputs that each table will show after the run; a step that reads another task's table is made of
    these. Raises ModelError for a model whose inputs no model makes.
    """
    found: list[tuple[Loading, Step]] = []
    given: dict[str, list[Input]] = {table: list(inputs) for table, inputs in shown.items()}
    for spec in TASKS:
        for loading in loadings:
            if loading.task == spec.name:
                found += [(loading, step) for step in _steps(spec, loading, given)]
        if spec.upstream:
            # What others build on is what this run makes, and where it makes nothing what is shown.
            own = [Input(step.targets) for loading, step in found if loading.task == spec.name]
            given[spec.table] = own or given.get(spec.table, [])
    return found


def _steps(spec: TaskSpec, loading: Loading, given: Mapping[str, Sequence[Input]]) -> list[Step]:
    for table in spec.upstream:
        if not given.get(table):
            maker = spec_for_table(table)
            raise ModelError(
                f"{loading.model} reads what a model that {maker.about} makes, and none is active in this lake;"
                f" give one too: --model {maker.builtin or 'REF'} --model {loading.ref}"
            )
    inputs = [one for table in spec.upstream for one in given[table]]
    sets = [(one,) for one in inputs] if spec.per_input else [tuple(inputs)]
    return [Step(TargetSet(spec.table, loading.model, inputs_key(own)), own) for own in sets]


def group(steps: Sequence[tuple[Loading, Step]]) -> list[Group]:
    """Steps by what they share: models of one trunk are loaded together, and one without a network joins its inputs.

    A group comes after all groups that its steps read. Models with an encoder of their own come first, so that those of
    a trunk need one group.
    """
    in_order = sorted(steps, key=lambda one: 2 if one[1].inputs else bool(one[0].trunk))
    groups: list[list[tuple[Loading, Step]]] = []
    for loading, step in in_order:
        reads = {one.targets for one in step.inputs}
        earliest = max((at for at, own in enumerate(groups) if any(one.targets in reads for _, one in own)), default=0)
        fits = [at for at in range(earliest, len(groups)) if _shares(groups[at], loading, step)]
        if fits:
            groups[fits[0]].append((loading, step))
        else:
            groups.append([(loading, step)])
    return [Group(tuple(dict.fromkeys(one for one, _ in own)), tuple(step for _, step in own)) for own in groups]


def _shares(group: Sequence[tuple[Loading, Step]], loading: Loading, step: Step) -> bool:
    """Whether a group computes with the model's trunk, or the model itself is in it, or has no network and reads it."""
    if any(one == loading for one, _ in group):
        return True
    if loading.trunk:
        return any(one.trunk == loading.trunk for one, _ in group)
    made = {own.targets for _, own in group}
    return not loading.network and any(one.targets in made for one in step.inputs)


def plan(
    lake: Place, groups: Sequence[Group], among: Collection[str] | None = None
) -> tuple[list[PartUnit], list[UnitResult]]:
    """The units left, and the parts or targets that are damaged, as units without a target.

    With `among`, only merged parts that hold one of these names: what a compaction made of planned parts meanwhile.
    Parts of about the same size are in random order, so that two runs over one lake seldom do the same part; that each
    looks for the target again before it computes makes the rest harmless. Big ones come first, so that no worker is
    left with one at the end.
    """
    units: list[PartUnit] = []
    unreadable: list[UnitResult] = []
    # One listing a set of targets, and not one a part: a lake has thousands of parts.
    done = {step.targets: step.targets.done(lake) for group in groups for step in group.steps}
    for part in parts(lake):
        if among is not None and not (part.stem.startswith(MERGED) and set(replaces(part)) & set(among)):
            continue
        for group in groups:
            steps = tuple(step for step in group.steps if part.stem not in done[step.targets])
            unreadable += [
                UnitResult.undone(PartUnit(lake, part, 0, group.loadings, (step,)), damage)
                for step in group.steps
                if step not in steps and (damage := _damage(step.targets.target(lake, part.stem)))
            ]
            if not steps:
                continue
            try:
                units.append(PartUnit(lake, part, part_summary(part).texts, group.loadings, steps))
            except LakeError as error:
                unreadable.append(UnitResult.undone(PartUnit(lake, part, 0, group.loadings, steps), str(error)))
    random.shuffle(units)
    # One group after the other: loading one costs more than a part. About the same size: less than twice.
    order = [group.loadings for group in groups]
    units.sort(key=lambda unit: (order.index(unit.loadings), -unit.size.bit_length()))
    return units, unreadable


def _damage(target: Place) -> str | None:
    """What is wrong with a target that exists; None for one that is whole, or gone since it was listed."""
    try:
        check_whole(target)
    except LakeError as error:
        return str(error)
    return None

"""What is left to do: the parts without a target, group by group, the big ones first."""

import random
from collections.abc import Collection, Sequence

from litmine.errors import LakeError
from litmine.lake.articles import part_summary, parts
from litmine.lake.merge import MERGED, replaces
from litmine.lake.place import Place
from litmine.tasks.contract import UnitResult
from litmine.tasks.part import PartUnit
from litmine.work.grouping import Group


def plan(
    lake: Place, groups: Sequence[Group], among: Collection[str] | None = None
) -> tuple[list[PartUnit], list[UnitResult]]:
    """The units left, and the parts whose footer cannot be read, as done without a target.

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

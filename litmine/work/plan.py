"""What is left to do: the parts without a target, model by model, the big ones first."""

import random
from collections.abc import Sequence

from litmine.errors import LakeError
from litmine.lake.articles import part_summary, parts
from litmine.lake.entities import done
from litmine.lake.place import Place
from litmine.tasks.contract import Done, Loading
from litmine.tasks.ner.step import PartTask


def plan(lake: Place, loadings: Sequence[Loading]) -> tuple[list[PartTask], list[Done]]:
    """The tasks left, and the parts whose footer cannot be read, as done without a target.

    Parts of about the same size are in random order, so that two runs over one lake seldom do the same part; that each
    looks for the target again before it computes makes the rest harmless. Big ones come first, so that no worker is
    left with one at the end.
    """
    tasks: list[PartTask] = []
    unreadable: list[Done] = []
    # One listing a model, and not one a part: a lake has thousands of parts.
    finished = {loading: done(lake, loading.model) for loading in loadings}
    for part in parts(lake):
        for loading in loadings:
            if part.stem in finished[loading]:
                continue
            try:
                tasks.append(PartTask(lake, part, part_summary(part).texts, loading))
            except LakeError as error:
                unreadable.append(Done.undone(PartTask(lake, part, 0, loading), str(error)))
    random.shuffle(tasks)
    # One model after the other: loading one costs more than a part. About the same size: less than twice.
    tasks.sort(key=lambda task: (loadings.index(task.loading), -task.size.bit_length()))
    return tasks, unreadable

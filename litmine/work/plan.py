"""What is left to do: the parts without a target, model by model, in random order."""

import random
from collections.abc import Sequence
from pathlib import Path

from litmine.errors import LakeError
from litmine.lake.articles import part_summary, parts
from litmine.lake.entities import done
from litmine.work.task import Done, Reading, Task


def plan(lake: Path, readings: Sequence[Reading]) -> tuple[list[Task], list[Done]]:
    """The tasks left, and the parts whose footer cannot be read, as done without a target.

    The order is random, so that two runs over one lake seldom do the same part; that each looks for the target again
    before it computes makes the rest harmless.
    """
    tasks: list[Task] = []
    unreadable: list[Done] = []
    # One listing a model, and not one a part: a lake has thousands of parts.
    finished = {reading: done(lake, reading.model) for reading in readings}
    for part in parts(lake):
        for reading in readings:
            if part.stem in finished[reading]:
                continue
            try:
                tasks.append(Task(lake, part, part_summary(part).texts, reading))
            except LakeError as error:
                unreadable.append(Done(Task(lake, part, 0, reading), unreadable=str(error)))
    random.shuffle(tasks)
    # One model after the other: loading one costs more than a part.
    tasks.sort(key=lambda task: readings.index(task.reading))
    return tasks, unreadable

"""Tasks are shared out so that nobody waits at the end, and one that kills workers takes no other along."""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from litmine.runtime.scheduler import ATTEMPTS, Scheduler
from litmine.tasks.contract import UNITS_PER_WORKER, ModelSpec, Unit
from litmine.tasks.part_unit import PartUnit

LOADING = ModelSpec("builtin", "builtin@0")


def tasks(sizes: Sequence[int]) -> list[PartUnit]:
    """In the order in which `plan` gives them."""
    made = [PartUnit(Path("lake"), Path(f"articles/{i}.parquet"), size, (LOADING,), ()) for i, size in enumerate(sizes)]
    return sorted(made, key=lambda task: -task.size.bit_length())


@dataclass
class Run:
    """Workers that compute one task at a time, each so many items a second."""

    speeds: Sequence[float]
    killers: frozenset[Unit] = frozenset()

    def of(self, given: Sequence[Unit]) -> tuple[float, list[Unit], list[Unit]]:
        """The time it took, what was finished, and what was given up. A worker that dies is replaced at once."""
        shares, time, finished, lost = Scheduler(given), 0.0, [], []
        hands: dict[int, list[Unit]] = {worker: [] for worker in range(len(self.speeds))}
        clock: list[tuple[float, int]] = []
        while shares or clock:
            while (step := shares.give(hands)) is not None:
                worker, task = step
                hands[worker].append(task)
                assert len(hands[worker]) <= UNITS_PER_WORKER
                if len(hands[worker]) == 1:
                    heapq.heappush(clock, (time + task.size / self.speeds[worker], worker))
            time, worker = heapq.heappop(clock)
            first, *rest = hands[worker]
            if first in self.killers:
                lost += [task for task in hands[worker] if not shares.died(task)]
                hands[worker] = []
                continue
            finished.append(first)
            hands[worker] = rest
            if rest:
                heapq.heappush(clock, (time + rest[0].size / self.speeds[worker], worker))
        return time, finished, lost


@given(st.lists(st.integers(1, 1000), max_size=40), st.integers(1, 6), st.data())
def test_each_task_is_done_once_and_only_killers_are_given_up(
    sizes: list[int], workers: int, data: st.DataObject
) -> None:
    given: list[Unit] = list(tasks(sizes))
    killers = frozenset(data.draw(st.lists(st.sampled_from(given), max_size=5))) if given else frozenset()
    _, finished, lost = Run([1.0] * workers, killers).of(given)
    assert sorted(finished, key=given.index) == [task for task in given if task not in killers]
    assert sorted(lost, key=given.index) == [task for task in given if task in killers]


def test_a_task_that_kills_is_tried_alone() -> None:
    shares = Scheduler(tasks([8] * 12))
    hands: dict[str, list[Unit]] = {"one": []}
    while (step := shares.give(hands)) is not None:
        hands["one"].append(step[1])
    assert len(hands["one"]) == UNITS_PER_WORKER
    company, hands["one"] = hands["one"], []
    assert all(shares.died(task) for task in company)
    for suspect in company:
        assert shares.give(hands) == ("one", suspect)
        assert shares.give({"one": [suspect]}) is None
    for _ in range(ATTEMPTS - 2):
        assert shares.died(company[0])
    assert not shares.died(company[0])


def test_workers_end_together() -> None:
    """Of 60 parts of very different sizes nobody is left with much; the ideal is an equal division."""
    sizes = random.Random(7)
    for speeds in ([1.0] * 4, [1.0] * 16, [1.0, 1.0, 0.3]):
        ratios = []
        for _ in range(30):
            given = tasks([max(1, min(10_000, int(sizes.lognormvariate(6.5, 1.3)))) for _ in range(60)])
            ideal = max(sum(task.size for task in given) / sum(speeds), *(task.size for task in given))
            ratios.append(Run(speeds).of(given)[0] / ideal)
        assert sum(ratios) / len(ratios) < 1.03

"""Workers finish at about the same time, and a unit that kills its worker costs no other unit."""

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

MODEL_SPEC = ModelSpec("builtin", "builtin@0")


def make_units(sizes: Sequence[int]) -> list[PartUnit]:
    """Units of these sizes, in the order in which `plan_units` returns them."""
    units = [
        PartUnit(Path("lake"), Path(f"articles/{i}.parquet"), size, (MODEL_SPEC,), ()) for i, size in enumerate(sizes)
    ]
    return sorted(units, key=lambda unit: -unit.size.bit_length())


@dataclass
class Run:
    """A simulated run: each worker computes one unit at a time, at its speed in items per second."""

    speeds: Sequence[float]
    killers: frozenset[Unit] = frozenset()

    def simulate(self, units: Sequence[Unit]) -> tuple[float, list[Unit], list[Unit]]:
        """Returns the time, the finished units and the abandoned units. A worker that dies is replaced at once."""
        scheduler, time, finished, lost = Scheduler(units), 0.0, [], []
        running: dict[int, list[Unit]] = {worker: [] for worker in range(len(self.speeds))}
        clock: list[tuple[float, int]] = []
        while scheduler or clock:
            while (step := scheduler.assign(running)) is not None:
                worker, unit = step
                running[worker].append(unit)
                assert len(running[worker]) <= UNITS_PER_WORKER
                if len(running[worker]) == 1:
                    heapq.heappush(clock, (time + unit.size / self.speeds[worker], worker))
            time, worker = heapq.heappop(clock)
            first, *rest = running[worker]
            if first in self.killers:
                lost += [unit for unit in running[worker] if not scheduler.retry(unit)]
                running[worker] = []
                continue
            finished.append(first)
            running[worker] = rest
            if rest:
                heapq.heappush(clock, (time + rest[0].size / self.speeds[worker], worker))
        return time, finished, lost


@given(st.lists(st.integers(1, 1000), max_size=40), st.integers(1, 6), st.data())
def test_each_unit_runs_once_and_only_killers_are_abandoned(
    sizes: list[int], workers: int, data: st.DataObject
) -> None:
    units: list[Unit] = list(make_units(sizes))
    killers = frozenset(data.draw(st.lists(st.sampled_from(units), max_size=5))) if units else frozenset()
    _, finished, lost = Run([1.0] * workers, killers).simulate(units)
    assert sorted(finished, key=units.index) == [unit for unit in units if unit not in killers]
    assert sorted(lost, key=units.index) == [unit for unit in units if unit in killers]


def test_a_unit_that_kills_its_worker_is_retried_alone() -> None:
    scheduler = Scheduler(make_units([8] * 12))
    running: dict[str, list[Unit]] = {"one": []}
    while (step := scheduler.assign(running)) is not None:
        running["one"].append(step[1])
    assert len(running["one"]) == UNITS_PER_WORKER
    lost_units, running["one"] = running["one"], []
    assert all(scheduler.retry(unit) for unit in lost_units)
    for suspect in lost_units:
        assert scheduler.assign(running) == ("one", suspect)
        assert scheduler.assign({"one": [suspect]}) is None
    for _ in range(ATTEMPTS - 2):
        assert scheduler.retry(lost_units[0])
    assert not scheduler.retry(lost_units[0])


def test_workers_finish_at_about_the_same_time() -> None:
    """For 60 parts of very different sizes the time stays near that of an equal division."""
    sizes = random.Random(7)
    for speeds in ([1.0] * 4, [1.0] * 16, [1.0, 1.0, 0.3]):
        ratios = []
        for _ in range(30):
            units = make_units([max(1, min(10_000, int(sizes.lognormvariate(6.5, 1.3)))) for _ in range(60)])
            ideal = max(sum(unit.size for unit in units) / sum(speeds), *(unit.size for unit in units))
            ratios.append(Run(speeds).simulate(units)[0] / ideal)
        assert sum(ratios) / len(ratios) < 1.03

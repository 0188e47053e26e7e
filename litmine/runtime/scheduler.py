"""Decide which worker gets which unit: largest units first, few units ahead, and units of a dead worker alone.

Workers idle at the end of a run. A simulation of 16 workers and 60 parts of very different sizes gave 1.42 times the
ideal time for parts in random order and three units per worker, and 1.00 times for this scheduler. With one worker
three times slower than seven others it gave 1.97 and 1.12 times (docs/decisions/0110-biggest-first.md).
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import TypeVar

from litmine.tasks.contract import UNITS_PER_WORKER, Unit

ATTEMPTS = 3
# A worker with a unit gets another only if its load stays below this share of an equal division of the waiting items.
_AHEAD_SHARE = 0.5

W = TypeVar("W")


class Scheduler:
    """The waiting units of a run; it assigns them in the order in which they come, which is largest first."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self._waiting = deque(units)
        self._suspects: deque[Unit] = deque()
        self._deaths: Counter[Unit] = Counter()
        self._size = sum(unit.size for unit in units)

    def __len__(self) -> int:
        """Number of units not assigned yet."""
        return len(self._waiting) + len(self._suspects)

    def assign(self, running: Mapping[W, Sequence[Unit]]) -> tuple[W, Unit] | None:
        """The next unit and its worker, None if no worker should get one now.

        `running` has the current units of each worker.
        """
        idle = next((worker for worker, units in running.items() if not units), None)
        if self._suspects and idle is not None:
            return idle, self._suspects.popleft()
        loads = {worker: sum(unit.size for unit in units) for worker, units in running.items() if self._has_room(units)}
        if not self._waiting or not loads:
            return None
        worker = idle if idle is not None else min(loads, key=lambda worker: loads[worker])
        if running[worker] and loads[worker] + self._waiting[0].size > _AHEAD_SHARE * self._size / len(running):
            return None
        unit = self._waiting.popleft()
        self._size -= unit.size
        return worker, unit

    def retry(self, unit: Unit) -> bool:
        """Put a unit back whose worker died. Returns False after ATTEMPTS deaths, when the unit is given up.

        The unit runs alone on a worker next time, so that no other unit is lost with it.
        """
        self._deaths[unit] += 1
        if self._deaths[unit] < ATTEMPTS:
            self._suspects.append(unit)
            return True
        return False

    def _has_room(self, units: Sequence[Unit]) -> bool:
        return len(units) < UNITS_PER_WORKER and not any(unit in self._deaths for unit in units)

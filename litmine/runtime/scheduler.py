"""Decide which worker gets which unit. Large units go first, and a unit whose worker died runs alone.

A worker idles at the end of a run if others still have large units. In a simulation of 16 workers and 60 parts of very
different sizes, a run took 1.00 times the ideal time with this scheduler, and 1.42 times with parts in random order and
three units per worker. With seven workers and an eighth that is three times slower, it took 1.12 and 1.97 times
(docs/decisions/0110-biggest-first.md).
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import TypeVar

from litmine.tasks.contract import UNITS_PER_WORKER, Unit

# A unit whose worker dies this many times is given up.
ATTEMPTS = 3
# A busy worker gets another unit only if its load then stays below this share of the waiting items per worker.
_AHEAD_SHARE = 0.5

W = TypeVar("W")


class Scheduler:
    """The waiting units of a run; it assigns them in the order in which they come, which is largest first."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self._waiting = deque(units)
        # Units whose worker died.
        self._suspects: deque[Unit] = deque()
        self._deaths: Counter[Unit] = Counter()
        self._waiting_items = sum(unit.size for unit in units)

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
        equal_share = self._waiting_items / len(running)
        if running[worker] and loads[worker] + self._waiting[0].size > _AHEAD_SHARE * equal_share:
            return None
        unit = self._waiting.popleft()
        self._waiting_items -= unit.size
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

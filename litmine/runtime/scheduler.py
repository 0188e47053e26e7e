"""Which unit is given to which worker: the biggest first, no more ahead than is fair, and suspects alone.

The end of a run is where workers wait. In a simulation of 16 workers over 60 parts of very different sizes, parts in
random order and three in hand took 1.42 times the ideal time on average, and 1.00 times as here; with a worker three
times slower than seven others 1.97 and 1.12 times (docs/decisions/0110-biggest-first.md).
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import TypeVar

from litmine.tasks.contract import UNITS_PER_WORKER, Unit

ATTEMPTS = 3
# A worker has in hand at most this share of what an equal division of the rest would give it, or one unit.
_AHEAD = 0.5

W = TypeVar("W")


class Scheduler:
    """What is left of some units, to be given out in their order."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self._waiting = deque(units)
        self._suspects: deque[Unit] = deque()
        self._deaths: Counter[Unit] = Counter()
        self._size = sum(unit.size for unit in units)

    def __len__(self) -> int:
        return len(self._waiting) + len(self._suspects)

    def give(self, hands: Mapping[W, Sequence[Unit]]) -> tuple[W, Unit] | None:
        """The next unit, and who gets it; None as long as nobody should. `hands`: what each worker has now."""
        idle = next((worker for worker, held in hands.items() if not held), None)
        if self._suspects and idle is not None:
            return idle, self._suspects.popleft()
        loads = {worker: sum(unit.size for unit in held) for worker, held in hands.items() if self._has_room(held)}
        if not self._waiting or not loads:
            return None
        worker = idle if idle is not None else min(loads, key=lambda one: loads[one])
        if hands[worker] and loads[worker] + self._waiting[0].size > _AHEAD * self._size / len(hands):
            return None
        unit = self._waiting.popleft()
        self._size -= unit.size
        return worker, unit

    def died(self, unit: Unit) -> bool:
        """A worker died with the unit in hand: it is tried again, with nothing beside it that it could take along.

        Returns False when that has been done often enough.
        """
        self._deaths[unit] += 1
        if self._deaths[unit] < ATTEMPTS:
            self._suspects.append(unit)
            return True
        return False

    def _has_room(self, held: Sequence[Unit]) -> bool:
        return len(held) < UNITS_PER_WORKER and not any(unit in self._deaths for unit in held)

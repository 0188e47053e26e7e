"""The progress of a run on a meter, in what its units count: the finished ones, and the shares of those under way."""

from litmine.cli.meter import Meter
from litmine.tasks.contract import Unit, UnitResult
from litmine.work.workforce import Progress


class Shown(Progress):
    """What an annotate run tells, on a meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._finished = 0
        self._under_way: dict[Unit, float] = {}

    def planned(self, items: int) -> None:
        self._meter.expect(items)

    def under_way(self, unit: Unit, share: float) -> None:
        self._under_way[unit] = share * unit.size
        self._show()

    def finished(self, done: UnitResult) -> None:
        self._under_way.pop(done.unit, None)
        self._finished += done.unit.size
        self._show()

    def _show(self) -> None:
        self._meter.at(self._finished + sum(self._under_way.values()))

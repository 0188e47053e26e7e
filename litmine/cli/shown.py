"""The progress of an annotate run on a meter, in articles: the finished parts, and the shares of those under way."""

from litmine.cli.meter import Meter
from litmine.work.annotate import Progress
from litmine.work.task import Done, Task


class Shown(Progress):
    """What an annotate run tells, on a meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._finished = 0
        self._under_way: dict[Task, float] = {}

    def planned(self, texts: int) -> None:
        self._meter.expect(texts)

    def under_way(self, task: Task, share: float) -> None:
        self._under_way[task] = share * task.texts
        self._show()

    def finished(self, done: Done) -> None:
        self._under_way.pop(done.task, None)
        self._finished += done.task.texts
        self._show()

    def _show(self) -> None:
        self._meter.at(self._finished + sum(self._under_way.values()))

"""Progress of a command on stderr: a bar on a terminal, a line every 30 seconds elsewhere."""

import math
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from litmine.cli.console import print_message
from litmine.runtime import executor
from litmine.tasks.contract import Unit, UnitResult

if TYPE_CHECKING:
    from rich.progress import Progress


_LINE_SECONDS = 30.0


class Meter:
    """Shows how many units are done, of `total` if known, with the rate and the time left."""

    def __init__(self, what: str, unit: str, total: int | None = None) -> None:
        self._what, self._unit, self._total = what, unit, total
        self._count = 0.0
        self._started = self._printed = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        if sys.stderr is not None and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(self._what, total=self._total, rate="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def set_total(self, total: int) -> None:
        """Set the total, once it is known."""
        self._total = total
        if self._bar is not None:
            self._bar.update(self._task, total=total)

    def update(self, count: float) -> None:
        """Show that `count` units are done."""
        self._count = count
        now = time.monotonic()
        rate = count / max(now - self._started, 1e-9)
        if self._bar is not None:
            self._bar.update(self._task, completed=int(count), rate=f"{rate:,.1f} {self._unit}/s")
        elif now - self._printed >= _LINE_SECONDS:
            self._printed = now
            rest = (
                f" of {self._total:,}, {math.ceil((self._total - count) / rate / 60):,} min left"
                if self._total and rate
                else ""
            )
            print_message(f"{self._what}: {int(count):,}{rest} ({rate:,.1f} {self._unit}/s)")


class ExecutorProgress(executor.RunProgress):
    """Shows an executor's finished items, and the finished shares of the units in progress, on a meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._total = 0
        self._finished = 0
        self._under_way: dict[Unit, float] = {}

    def planned(self, items: int) -> None:
        self._total = items
        self._meter.set_total(items)

    def under_way(self, unit: Unit, share: float) -> None:
        self._under_way[unit] = share * unit.size
        self._show()

    def finished(self, done: UnitResult) -> None:
        self._under_way.pop(done.unit, None)
        self._finished += done.unit.size
        self._show()

    def interruption(self) -> str:
        """What an interruption costs: a unit that is not finished starts again."""
        lost = round(sum(self._under_way.values()))
        repeated = f"; about {lost:,} articles of unfinished parts will be read again" if lost else ""
        return f"{self._finished:,} of {self._total:,} articles done{repeated}"

    def _show(self) -> None:
        self._meter.update(self._finished + sum(self._under_way.values()))

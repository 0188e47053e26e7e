"""The progress of a run on a meter, in what its units count: the finished ones, and the shares of those under way.

Progress: a bar on a terminal, plain lines in a log.
"""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from litmine.cli.console import say
from litmine.runtime import executor
from litmine.tasks.contract import Unit, UnitResult

if TYPE_CHECKING:
    from rich.progress import Progress


_LINE_SECONDS = 30.0


class Meter:
    """Counts `unit`s up to `total` (None when nobody knows) and shows the rate and the time left."""

    def __init__(self, what: str, unit: str, total: int | None = None) -> None:
        self._what, self._unit, self._total = what, unit, total
        self._count = 0.0
        self._started = self._said = time.monotonic()
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

    def expect(self, total: int) -> None:
        """Say how many there are in all, once it is known."""
        self._total = total
        if self._bar is not None:
            self._bar.update(self._task, total=total)

    def at(self, count: float) -> None:
        """`count` units are done."""
        self._count = count
        now = time.monotonic()
        rate = count / max(now - self._started, 1e-9)
        if self._bar is not None:
            self._bar.update(self._task, completed=int(count), rate=f"{rate:,.1f} {self._unit}/s")
        elif now - self._said >= _LINE_SECONDS:
            self._said = now
            of = (
                f" of {self._total:,}, {(self._total - count) / rate / 60:,.0f} min left"
                if self._total and rate
                else ""
            )
            say(f"{self._what}: {int(count):,}{of} ({rate:,.1f} {self._unit}/s)")


class Shown(executor.Progress):
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

"""How busy a GPU is: as its driver tells, of all processes, and as events in this process' stream tell."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

import torch

from litmine.models.engine import Engine, Running

# Milliseconds between two looks.
_EVERY = 100


class Busy:
    """Watches while a block runs: `share` is the mean from the first to the last sample that was not idle."""

    def __init__(self) -> None:
        self.samples: list[float] = []
        self.watts: list[float] = []
        self._watcher: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        asked = (
            "--query-gpu=utilization.gpu,power.draw",
            "--format=csv,noheader,nounits",
            "-lms",
            str(_EVERY),
            "-i",
            "0",
        )
        try:
            self._watcher = subprocess.Popen(("nvidia-smi", *asked), stdout=subprocess.PIPE, text=True)
        except OSError:
            self._watcher = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watcher is None:
            return
        self._watcher.terminate()
        for line in self._watcher.communicate()[0].splitlines():
            try:
                used, watts = line.split(",")
                self.samples.append(float(used) / 100)
                self.watts.append(float(watts))
            except ValueError:
                continue
        at_work = [i for i, used in enumerate(self.samples) if used]
        if at_work:
            between = slice(at_work[0], at_work[-1] + 1)
            self.samples, self.watts = self.samples[between], self.watts[between]

    @property
    def share(self) -> float | None:
        return round(sum(self.samples) / len(self.samples), 3) if self.samples else None

    @property
    def power(self) -> float | None:
        """Watts, on average."""
        return round(sum(self.watts) / len(self.watts)) if self.watts else None


@contextmanager
def batches_timed(on_gpu: bool) -> Iterator[list[tuple[Any, Any]]]:
    """On a GPU, an event before and after each batch that a tagger of this process begins meanwhile."""
    found: list[tuple[Any, Any]] = []
    if not on_gpu:
        yield found
        return
    begin = Engine.begin

    def timed(engine: Engine, row: Any) -> Running:
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        before.record()
        running = begin(engine, row)
        after.record()
        found.append((before, after))
        return running

    with patch.object(Engine, "begin", timed):
        yield found


def busy_between(batches: list[tuple[Any, Any]]) -> float | None:
    """The share of the time from the first batch's begin to the last one's end in which some batch was computed."""
    if not batches:
        return None
    torch.cuda.synchronize()
    first = batches[0][0]
    times: list[tuple[float, float]] = sorted(
        (first.elapsed_time(before), first.elapsed_time(after)) for before, after in batches
    )
    busy, until = 0.0, times[0][0]
    for before, after in times:
        busy += max(0.0, after - max(before, until))
        until = max(until, after)
    return round(busy / (until - times[0][0]), 3)

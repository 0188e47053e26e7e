"""How busy a GPU is, as its driver tells, of all processes."""

import subprocess
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

# Milliseconds between two looks.
_EVERY = 100
_ASKED = ("--query-gpu=timestamp,utilization.gpu,power.draw", "--format=csv,noheader,nounits", "-lms", str(_EVERY))


class Busy:
    """Watches while a block runs; what it saw can be asked for afterwards."""

    def __init__(self) -> None:
        # Seconds since the epoch, share of the time in which any kernel ran, and watts.
        self._seen: list[tuple[float, float, float]] = []
        self._watcher: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._watcher = subprocess.Popen(("nvidia-smi", *_ASKED, "-i", "0"), stdout=subprocess.PIPE, text=True)
        except OSError:
            self._watcher = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watcher is not None:
            self._watcher.terminate()
            self._seen = read_samples(self._watcher.communicate()[0].splitlines())

    def share(self, start: float, end: float) -> float | None:
        """The mean from one time to another, seconds since the epoch; None where nothing was seen."""
        seen = [used for at, used, _ in self._seen if start <= at <= end]
        return round(sum(seen) / len(seen), 3) if seen else None

    def power(self, start: float, end: float) -> float | None:
        """Watts, on average."""
        seen = [watts for at, _, watts in self._seen if start <= at <= end]
        return round(sum(seen) / len(seen)) if seen else None


def read_samples(lines: Sequence[str]) -> list[tuple[float, float, float]]:
    """What `nvidia-smi` printed: when, share and watts; a line that is cut off is left out."""
    found = []
    for line in lines:
        try:
            at, used, watts = line.split(",")
            when = datetime.strptime(at.strip(), "%Y/%m/%d %H:%M:%S.%f").astimezone()
            found.append((when.timestamp(), float(used) / 100, float(watts)))
        except ValueError:
            continue
    return found

"""Utilisation and power of a GPU over time, as its driver reports them for all processes."""

import subprocess
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

# Milliseconds between two samples.
_INTERVAL = 100
_QUERY = ("--query-gpu=timestamp,utilization.gpu,power.draw", "--format=csv,noheader,nounits", "-lms", str(_INTERVAL))


class GpuUsage:
    """Context manager that samples the GPU while its block runs."""

    def __init__(self) -> None:
        # Seconds since the epoch, share of the time in which any kernel ran, and watts.
        self._samples: list[tuple[float, float, float]] = []
        self._monitor: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._monitor = subprocess.Popen(("nvidia-smi", *_QUERY, "-i", "0"), stdout=subprocess.PIPE, text=True)
        except OSError:
            self._monitor = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._monitor is not None:
            self._monitor.terminate()
            self._samples = read_samples(self._monitor.communicate()[0].splitlines())

    def share(self, start: float, end: float) -> float | None:
        """Mean utilisation between two times in seconds since the epoch; None without samples."""
        samples = [used for at, used, _ in self._samples if start <= at <= end]
        return round(sum(samples) / len(samples), 3) if samples else None

    def power(self, start: float, end: float) -> float | None:
        """Mean power in watts between two times; None without samples."""
        samples = [watts for at, _, watts in self._samples if start <= at <= end]
        return round(sum(samples) / len(samples)) if samples else None


def read_samples(lines: Sequence[str]) -> list[tuple[float, float, float]]:
    """Time, utilisation and watts from the output of `nvidia-smi`; skips incomplete lines."""
    found = []
    for line in lines:
        try:
            at, used, watts = line.split(",")
            when = datetime.strptime(at.strip(), "%Y/%m/%d %H:%M:%S.%f").astimezone()
            found.append((when.timestamp(), float(used) / 100, float(watts)))
        except ValueError:
            continue
    return found

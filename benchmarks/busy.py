"""How busy a GPU is, as its driver tells."""

import subprocess
from types import TracebackType
from typing import Self

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

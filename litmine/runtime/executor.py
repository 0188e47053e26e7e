"""Choose what runs the units, this process or Ray actors, and report progress while they run."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from litmine.tasks.contract import Unit, UnitResult


@dataclass(frozen=True, slots=True)
class Executor:
    """Who does the work: this process when `workers` and `gpus` are 0, Ray actors otherwise."""

    workers: int = 0
    gpus: int = 0
    address: str | None = None

    @property
    def on_ray(self) -> bool:
        return bool(self.workers or self.gpus or self.address)

    @property
    def device(self) -> str:
        """What models are loaded on."""
        return "cuda" if self.gpus else "cpu" if self.workers else "auto"

    @property
    def asked(self) -> dict[str, str]:
        """As the log says it."""
        return {"workers": str(self.workers), "gpus": str(self.gpus), "address": self.address or ""}

    def do(self, units: Sequence[Unit], watch: Callable[[Unit, float], None]) -> Generator[UnitResult]:
        """Do the units, yielding each as it is finished. To be closed, so that no worker goes on behind the log."""
        if not units:
            return
        if not self.on_ray:
            # It loads torch, which a command that only names an executor does not need.
            from litmine.runtime.local_executor import run_local

            yield from run_local(units, watch)
            return
        # Ray takes seconds to import, and a laptop may never need it.
        from litmine.runtime.ray_workers import run_on_ray

        yield from run_on_ray(units, self.workers or 1, self.gpus, self.address)


class RunProgress:
    """What a run tells while it goes on; does nothing by itself."""

    def planned(self, items: int) -> None: ...

    def under_way(self, unit: Unit, share: float) -> None: ...

    def finished(self, done: UnitResult) -> None: ...

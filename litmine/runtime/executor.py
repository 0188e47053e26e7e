"""Run units in this process, in local worker processes or on Ray, and report progress."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from litmine.tasks.contract import Unit, UnitResult


@dataclass(frozen=True, slots=True)
class Executor:
    """Where units run: on this machine without Ray if no field is set, else on Ray actors.

    workers: number of actors on CPUs. gpus: number of actors with a GPU each. address: host:port of a running Ray
    cluster, or "auto".
    """

    workers: int = 0
    gpus: int = 0
    address: str | None = None

    @property
    def on_ray(self) -> bool:
        return bool(self.workers or self.gpus or self.address)

    @property
    def device(self) -> str:
        """The device on which workers load their models."""
        return "cuda" if self.gpus else "cpu" if self.workers else "auto"

    @property
    def log_parameters(self) -> dict[str, str]:
        """The fields as parameters of the run log."""
        return {"workers": str(self.workers), "gpus": str(self.gpus), "address": self.address or ""}

    def run(self, units: Sequence[Unit], watch: Callable[[Unit, float], None]) -> Generator[UnitResult]:
        """Yield the result of each unit as soon as it is finished.

        `watch` is called with a unit and the share of its tokens already started. Close the generator to stop the
        workers early. Raises what `litmine.runtime.local_executor.run_local` and
        `litmine.runtime.ray_workers.run_on_ray` raise.
        """
        if not units:
            return
        if not self.on_ray:
            # It imports the code of the workers, which a command that only creates an Executor does not need.
            from litmine.runtime.local_executor import run_local

            yield from run_local(units, watch)
            return
        # Ray takes seconds to import, and most runs on one machine do not use it.
        from litmine.runtime.ray_workers import run_on_ray

        yield from run_on_ray(units, self.workers or 1, self.gpus, self.address)


class RunProgress:
    """Callbacks for the progress of a run. The methods of this class do nothing."""

    def planned(self, items: int) -> None:
        """The run has `items` items in all."""

    def under_way(self, unit: Unit, share: float) -> None:
        """A worker has started `share` of the unit's tokens."""

    def finished(self, done: UnitResult) -> None:
        """A unit is finished."""

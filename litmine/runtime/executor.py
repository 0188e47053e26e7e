"""Units on this machine: a worker in this process, its stages side by side, or one in each of several on one GPU.

Who does units, and what a run tells while they are done.
"""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import groupby

from litmine.runtime.worker import Worker
from litmine.runtime.worker_process import Apart, sharers, staff
from litmine.tasks.contract import THREADS, Unit, UnitResult, out_of_memory


@dataclass(frozen=True, slots=True)
class Workforce:
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
            # It loads torch, which whoever only names a workforce does not need.

            yield from run_local(units, watch)
            return
        # Ray takes seconds to import, and a laptop may never need it.
        from litmine.runtime.ray_workers import run_on_ray

        yield from run_on_ray(units, self.workers or 1, self.gpus, self.address)


class Progress:
    """What a run tells while it goes on; does nothing by itself."""

    def planned(self, items: int) -> None: ...

    def under_way(self, unit: Unit, share: float) -> None: ...

    def finished(self, done: UnitResult) -> None: ...


def run_local(
    units: Sequence[Unit], watch: Callable[[Unit, float], None], processes: int | None = None
) -> Iterator[UnitResult]:
    """Do the units, yielding each as it is finished; `watch` follows those that compute.

    They are done in this process, or on as many as keep the GPU busy; `processes` says how many. Raises LitmineError
    when one of these dies, and what ends one.
    """
    for loadings, group in groupby(units, key=lambda unit: unit.loadings):
        own = list(group)
        workers = staff(loadings, processes or sharers(loadings[0].device, len(own), os.cpu_count() or 1), None)
        pool = ThreadPoolExecutor(THREADS * len(workers), thread_name_prefix="litmine")
        try:
            yield from _run(workers, iter(own), watch, pool)
        finally:
            for worker in workers:
                worker.stop()
            pool.shutdown(cancel_futures=True)


def _run(
    workers: Sequence[Worker | Apart],
    units: Iterator[Unit],
    watch: Callable[[Unit, float], None],
    pool: ThreadPoolExecutor,
) -> Iterator[UnitResult]:
    """Give each unit to who has least in hand."""
    running: dict[Future[UnitResult], tuple[Unit, int]] = {}
    in_hand = [0] * len(workers)
    while True:
        # No more in hand than there are threads: a part's texts are in memory only while it is worked on.
        while min(in_hand) < THREADS and (unit := next(units, None)) is not None:
            one = in_hand.index(min(in_hand))
            in_hand[one] += 1
            future = pool.submit(workers[one].do, unit, lambda share, unit=unit: watch(unit, share))  # type: ignore[misc]
            running[future] = unit, one
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED)[0]:
            unit, one = running.pop(future)
            in_hand[one] -= 1
            yield _outcome(future, unit)


def _outcome(future: Future[UnitResult], unit: Unit) -> UnitResult:
    try:
        return future.result()
    except MemoryError as error:
        return UnitResult.undone(unit, out_of_memory(error))

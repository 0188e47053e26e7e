"""Run units on this machine: one worker in this process, or several worker processes that share a GPU.

It is apart from `executor` because it loads torch, which takes seconds to import.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import groupby

from litmine.runtime.worker import Worker
from litmine.runtime.worker_process import WorkerProcess, sharers, staff
from litmine.tasks.contract import UNITS_PER_WORKER, Unit, UnitResult, out_of_memory_reason


def run_local(
    units: Sequence[Unit], watch: Callable[[Unit, float], None], processes: int | None = None
) -> Iterator[UnitResult]:
    """Do the units, yielding each as it is finished; `watch` follows those that compute.

    They are done in this process, or on as many as keep the GPU busy; `processes` says how many. Raises LitmineError
    when one of these dies, and what ends one.
    """
    for model_specs, group in groupby(units, key=lambda unit: unit.model_specs):
        own = list(group)
        workers = staff(model_specs, processes or sharers(model_specs[0].device, len(own), os.cpu_count() or 1), None)
        pool = ThreadPoolExecutor(UNITS_PER_WORKER * len(workers), thread_name_prefix="litmine")
        try:
            yield from _run(workers, iter(own), watch, pool)
        finally:
            for worker in workers:
                worker.stop()
            pool.shutdown(cancel_futures=True)


def _run(
    workers: Sequence[Worker | WorkerProcess],
    units: Iterator[Unit],
    watch: Callable[[Unit, float], None],
    pool: ThreadPoolExecutor,
) -> Iterator[UnitResult]:
    """Give each unit to who has least in hand."""
    running: dict[Future[UnitResult], tuple[Unit, int]] = {}
    in_hand = [0] * len(workers)
    while True:
        # No more in hand than there are threads: a part's texts are in memory only while it is worked on.
        while min(in_hand) < UNITS_PER_WORKER and (unit := next(units, None)) is not None:
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
        return UnitResult.failure(unit, out_of_memory_reason(error))

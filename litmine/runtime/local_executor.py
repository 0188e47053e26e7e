"""Run units on this machine: in this process, or in several worker processes that share a GPU."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import groupby

from litmine.runtime.worker import Worker
from litmine.runtime.worker_process import WorkerProcess, start_workers, workers_per_gpu
from litmine.tasks.contract import UNITS_PER_WORKER, Unit, UnitResult, out_of_memory_reason


def run_local(
    units: Sequence[Unit], watch: Callable[[Unit, float], None], processes: int | None = None
) -> Iterator[UnitResult]:
    """Yield the result of each unit as soon as it is finished.

    `watch` is called with a unit and the share of its tokens already started. `processes` is the number of worker
    processes, 1 for this process only; by default it is what keeps the GPU busy. Raises WorkerDiedError when a worker
    process dies, and the errors of `Worker`.
    """
    for model_specs, group in groupby(units, key=lambda unit: unit.model_specs):
        group_units = list(group)
        size = processes or workers_per_gpu(model_specs, len(group_units), os.cpu_count() or 1)
        workers = start_workers(model_specs, size, None)
        pool = ThreadPoolExecutor(UNITS_PER_WORKER * len(workers), thread_name_prefix="litmine")
        try:
            yield from _run_group(workers, iter(group_units), watch, pool)
        finally:
            for worker in workers:
                worker.stop()
            pool.shutdown(cancel_futures=True)


def _run_group(
    workers: Sequence[Worker | WorkerProcess],
    units: Iterator[Unit],
    watch: Callable[[Unit, float], None],
    pool: ThreadPoolExecutor,
) -> Iterator[UnitResult]:
    """Assign each unit to the worker with the fewest running units."""
    running: dict[Future[UnitResult], tuple[Unit, int]] = {}
    unit_counts = [0] * len(workers)
    while True:
        # No unit waits for a thread: a unit's texts are in memory only while it runs.
        while min(unit_counts) < UNITS_PER_WORKER and (unit := next(units, None)) is not None:
            number = unit_counts.index(min(unit_counts))
            unit_counts[number] += 1
            future = pool.submit(workers[number].run, unit, lambda share, unit=unit: watch(unit, share))  # type: ignore[misc]
            running[future] = unit, number
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED)[0]:
            unit, number = running.pop(future)
            unit_counts[number] -= 1
            yield _result_or_failure(future, unit)


def _result_or_failure(future: Future[UnitResult], unit: Unit) -> UnitResult:
    try:
        return future.result()
    except MemoryError as error:
        return UnitResult.failure(unit, out_of_memory_reason(error))

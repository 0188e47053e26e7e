"""Tasks on this machine: a worker in this process, its stages side by side, or one in each of several on one GPU."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import groupby

from litmine.tasks.contract import THREADS, Done, Task, out_of_memory
from litmine.work.apart import Apart, sharers, staff
from litmine.work.worker import Worker


def run_local(
    tasks: Sequence[Task], watch: Callable[[Task, float], None], processes: int | None = None
) -> Iterator[Done]:
    """Do the tasks, yielding each as it is finished; `watch` follows those that compute.

    They are done in this process, or on as many as keep the GPU busy; `processes` says how many. Raises LitmineError
    when one of these dies, and what ends one.
    """
    for loading, group in groupby(tasks, key=lambda task: task.loading):
        own = list(group)
        workers = staff(loading, processes or sharers(loading.device, len(own), os.cpu_count() or 1), None)
        pool = ThreadPoolExecutor(THREADS * len(workers), thread_name_prefix="litmine")
        try:
            yield from _run(workers, iter(own), watch, pool)
        finally:
            for worker in workers:
                worker.stop()
            pool.shutdown(cancel_futures=True)


def _run(
    workers: Sequence[Worker | Apart],
    tasks: Iterator[Task],
    watch: Callable[[Task, float], None],
    pool: ThreadPoolExecutor,
) -> Iterator[Done]:
    """Give each task to who has least in hand."""
    running: dict[Future[Done], tuple[Task, int]] = {}
    in_hand = [0] * len(workers)
    while True:
        # No more in hand than there are threads: a part's texts are in memory only while it is worked on.
        while min(in_hand) < THREADS and (task := next(tasks, None)) is not None:
            one = in_hand.index(min(in_hand))
            in_hand[one] += 1
            future = pool.submit(workers[one].do, task, lambda share, task=task: watch(task, share))  # type: ignore[misc]
            running[future] = task, one
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED)[0]:
            task, one = running.pop(future)
            in_hand[one] -= 1
            yield _outcome(future, task)


def _outcome(future: Future[Done], task: Task) -> Done:
    try:
        return future.result()
    except MemoryError as error:
        return Done.undone(task, out_of_memory(error))

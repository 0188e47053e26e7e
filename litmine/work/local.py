"""Tasks in this process: one worker, its three stages side by side."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import groupby

from litmine.work.task import Done, Task
from litmine.work.worker import THREADS, Worker


def run_here(tasks: Sequence[Task], watch: Callable[[Task, float], None]) -> Iterator[Done]:
    """Do the tasks, yielding each as it is finished; `watch` follows the one that computes."""
    for loading, own in groupby(tasks, key=lambda task: task.loading):
        worker = Worker(loading)
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="litmine")
        waiting = iter(list(own))
        running: set[Future[Done]] = set()
        try:
            while True:
                # No more in hand than there are threads: a part's texts are in memory only while it is worked on.
                for task in waiting:
                    running.add(pool.submit(worker.do, task, lambda share, task=task: watch(task, share)))  # type: ignore[misc]
                    if len(running) == THREADS:
                        break
                if not running:
                    break
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        finally:
            worker.stop()
            pool.shutdown(cancel_futures=True)

"""Tasks in this process: one worker, its three stages side by side."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import groupby

from litmine.work.task import Done, Task, out_of_memory
from litmine.work.worker import THREADS, Worker


def run_here(tasks: Sequence[Task], watch: Callable[[Task, float], None]) -> Iterator[Done]:
    """Do the tasks, yielding each as it is finished; `watch` follows the one that computes."""
    for loading, own in groupby(tasks, key=lambda task: task.loading):
        worker = Worker(loading)
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="litmine")
        waiting = iter(list(own))
        running: dict[Future[Done], Task] = {}
        try:
            while True:
                # No more in hand than there are threads: a part's texts are in memory only while it is worked on.
                for task in waiting:
                    future = pool.submit(worker.do, task, lambda share, task=task: watch(task, share))  # type: ignore[misc]
                    running[future] = task
                    if len(running) == THREADS:
                        break
                if not running:
                    break
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield _outcome(future, running.pop(future))
        finally:
            worker.stop()
            pool.shutdown(cancel_futures=True)


def _outcome(future: Future[Done], task: Task) -> Done:
    try:
        return future.result()
    except MemoryError as error:
        return Done.undone(task, out_of_memory(error))

"""Tasks on this machine: a worker in this process, its stages side by side, or one in each of several on one GPU."""

import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import groupby
from multiprocessing.connection import Connection

import torch

from litmine.errors import LitmineError
from litmine.work.crew import Crew
from litmine.work.task import THREADS, Done, Task, out_of_memory
from litmine.work.worker import Worker

# Processes that share a GPU at most; cores, and bytes of the GPU's memory, for each.
_MOST, _CORES_EACH, _MEMORY_EACH = 8, 2, 8 * 2**30


def run_local(tasks: Sequence[Task], watch: Callable[[Task, float], None]) -> Iterator[Done]:
    """Do the tasks on as many processes as keep this machine's GPU busy, or in this one; as `run_here`."""
    size = sharers(tasks)
    return run_shared(tasks, size, watch) if size > 1 else run_here(tasks, watch)


def run_here(tasks: Iterable[Task], watch: Callable[[Task, float], None]) -> Iterator[Done]:
    """Do the tasks in this process, yielding each as it is finished; `watch` follows those that compute.

    A task is asked for when there is a thread for it.
    """
    for loading, own in groupby(tasks, key=lambda task: task.loading):
        worker = Worker(loading)
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="litmine")
        running: dict[Future[Done], Task] = {}
        try:
            while True:
                # No more in hand than there are threads: a part's texts are in memory only while it is worked on.
                for task in own:
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


def sharers(tasks: Sequence[Task]) -> int:
    """How many processes are to share the GPU: 1 where there is none, or too little to do to start them."""
    if tasks[0].loading.device == "cpu" or not torch.cuda.is_available():
        return 1
    memory = torch.cuda.get_device_properties(0).total_memory
    return max(1, min(_MOST, (os.cpu_count() or 1) // _CORES_EACH, memory // _MEMORY_EACH, len(tasks) // (2 * THREADS)))


def run_shared(tasks: Sequence[Task], size: int, watch: Callable[[Task, float], None]) -> Iterator[Done]:
    """Do the tasks on `size` processes of this machine, each of which loads the model for itself.

    A process decodes and writes in Python, a thread at a time: several keep a GPU busy that one cannot. Raises
    LitmineError when one dies, and what ends one.
    """
    threads = max(1, (os.cpu_count() or 1) // size)
    waiting, in_hand = deque(tasks), Counter[Connection]()
    with Crew(size, _share, [threads], "one of the processes that share the GPU", "run the command again") as crew:

        def supply(hand: Connection) -> None:
            if waiting:
                in_hand[hand] += 1
                crew.give(hand, waiting.popleft())
            elif hand in unaware:
                unaware.remove(hand)
                crew.give(hand, None)

        unaware = crew.hands
        for hand in crew.hands * THREADS:
            supply(hand)
        while in_hand.total():
            for hand, said in crew.hear([hand for hand, tasks in in_hand.items() if tasks]):
                if isinstance(said, Done):
                    in_hand[hand] -= 1
                    supply(hand)
                    yield said
                else:
                    watch(*said)


def _share(threads: int, parent: Connection) -> None:
    """What such a process does: its tasks come one by one, and None when there are no more."""
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    torch.set_num_threads(threads)
    speaking = threading.Lock()

    def say(said: object) -> None:
        with speaking:
            parent.send(said)

    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        try:
            for done in run_here(iter(lambda: parent.recv()[0], None), lambda task, share: say((task, share))):
                say(done)
        except LitmineError as error:
            say(error)


def _outcome(future: Future[Done], task: Task) -> Done:
    try:
        return future.result()
    except MemoryError as error:
        return Done.undone(task, out_of_memory(error))

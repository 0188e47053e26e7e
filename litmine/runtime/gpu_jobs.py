"""Jobs that leave a GPU half idle, side by side on this machine, each in a process of its own."""

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import TypeVar, cast

import torch

from litmine.errors import LitmineError
from litmine.runtime.process_pool import ProcessPool

R = TypeVar("R")
Say = Callable[[str], None]

# Bytes of a GPU's memory for each.
_MEMORY_EACH = 8 * 2**30


def run_abreast(jobs: Sequence[Callable[[Say], R]], say: Say) -> list[R]:
    """Run the jobs as many at a time as this machine's GPU has room for, else one after another in this process.

    Returns what they gave, in their order; what they say is said here. Raises as `run_apart`.
    """
    size = room(len(jobs))
    if size == 1:
        return [job(say) for job in jobs]
    torch.cuda.empty_cache()
    return run_apart(jobs, size, max(1, (os.cpu_count() or 1) // size), say)


def room(jobs: int) -> int:
    """How many jobs at a time: 1 where there is no GPU."""
    if not torch.cuda.is_available():
        return 1
    memory = torch.cuda.get_device_properties(0).total_memory
    return max(1, min(jobs, os.cpu_count() or 1, memory // _MEMORY_EACH))


def run_apart(jobs: Sequence[Callable[[Say], R]], size: int, threads: int, say: Say) -> list[R]:
    """Run the jobs on `size` processes of so many threads; they, and what they return, have to be picklable.

    Raises LitmineError when a process dies, and what a job raises of that kind; no process outlives this one.
    """
    waiting, results = deque(enumerate(jobs)), dict[int, R]()
    busy = dict[Connection, int]()
    with ProcessPool(
        size, _work, [threads], "one of the processes that share the GPU", "run the command again"
    ) as crew:

        def supply(hand: Connection) -> None:
            if waiting:
                busy[hand], job = waiting.popleft()
                crew.give(hand, job)

        for hand in crew.hands:
            supply(hand)
        while busy:
            for hand, (said, result) in crew.hear([*busy]):
                if said is None:
                    results[busy.pop(hand)] = cast("R", result)
                    supply(hand)
                else:
                    say(said)
    return [results[number] for number in range(len(jobs))]


def _work(threads: int, parent: Connection) -> None:
    """What a process does, until its parent is gone or ends it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    torch.set_num_threads(threads)
    with suppress(EOFError, BrokenPipeError):
        while True:
            (job,) = parent.recv()
            try:
                parent.send((None, job(lambda sentence: parent.send((sentence, None)))))
            except LitmineError as error:
                parent.send(error)


def _end_with_parent() -> None:
    """Leave at once when the parent was killed: a job may be silent for long, and its command be given again."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)

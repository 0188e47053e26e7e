"""Run several training jobs at the same time on one GPU, each in its own process.

A job that trains a small model leaves a GPU half idle (docs/decisions/0100-teachers-side-by-side.md).
"""

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
from litmine.specs.commands import MessageCallback

R = TypeVar("R")

# GPU memory that a job may need, in bytes.
_MEMORY_PER_JOB = 8 * 2**30


def run_gpu_jobs(jobs: Sequence[Callable[[MessageCallback], R]], log: MessageCallback) -> list[R]:
    """Run as many jobs at a time as fit on this machine's GPU, or one after another in this process.

    Returns the results in the order of the jobs. `log` receives the jobs' messages. Raises the errors of
    `run_in_processes`.
    """
    size = gpu_job_limit(len(jobs))
    if size == 1:
        return [job(log) for job in jobs]
    torch.cuda.empty_cache()
    return run_in_processes(jobs, size, max(1, (os.cpu_count() or 1) // size), log)


def gpu_job_limit(jobs: int) -> int:
    """How many of `jobs` jobs may run at the same time; 1 without a GPU."""
    if not torch.cuda.is_available():
        return 1
    memory = torch.cuda.get_device_properties(0).total_memory
    return max(1, min(jobs, os.cpu_count() or 1, memory // _MEMORY_PER_JOB))


def run_in_processes(
    jobs: Sequence[Callable[[MessageCallback], R]], size: int, threads: int, log: MessageCallback
) -> list[R]:
    """Run the jobs in `size` processes with `threads` threads each; jobs and results must be picklable.

    Raises LitmineError when a process dies, and the LitmineError of a job. The processes end with this one.
    """
    waiting, results = deque(enumerate(jobs)), dict[int, R]()
    busy = dict[Connection, int]()
    with ProcessPool(
        size, _serve_jobs, [threads], "one of the processes that share the GPU", "run the command again"
    ) as pool:

        def start_next_job(connection: Connection) -> None:
            if waiting:
                busy[connection], job = waiting.popleft()
                pool.send(connection, job)

        for connection in pool.connections:
            start_next_job(connection)
        while busy:
            for connection, (message, result) in pool.receive([*busy]):
                if message is None:
                    results[busy.pop(connection)] = cast("R", result)
                    start_next_job(connection)
                else:
                    log(message)
    return [results[number] for number in range(len(jobs))]


def _serve_jobs(threads: int, parent: Connection) -> None:
    """Run in a process of the pool: run the jobs that the parent sends until the parent closes the connection."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    torch.set_num_threads(threads)
    with suppress(EOFError, BrokenPipeError):
        while True:
            (job,) = parent.recv()
            try:
                parent.send((None, job(lambda message: parent.send((message, None)))))
            except LitmineError as error:
                parent.send(error)


def _exit_with_parent() -> None:
    """Exit as soon as the parent is killed.

    A job may send no message for a long time, and the user may start the same command again meanwhile.
    """
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)

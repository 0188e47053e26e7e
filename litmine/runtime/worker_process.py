"""A worker in its own process, one of several that share a GPU.

Decoding and writing are Python code, which runs in one thread at a time. So one process cannot keep a GPU busy.
"""

import os
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue

from litmine.errors import LitmineError
from litmine.runtime.process_pool import ProcessPool
from litmine.runtime.worker import StoppedError, Worker, ignore_progress
from litmine.tasks.contract import MAX_WORKERS_PER_GPU, UNITS_PER_WORKER, ModelSpec, Unit, UnitResult

# CPU cores, and GPU memory in bytes, that a worker process needs.
_CORES_PER_WORKER, _MEMORY_PER_WORKER = 2, 8 * 2**30


def workers_per_gpu(model_specs: Sequence[ModelSpec], units: int, cores: int) -> int:
    """How many worker processes share a GPU on a machine with `cores` CPU cores, for `units` units of these models.

    1 without a GPU, for models without a network, and when there are too few units for several workers.
    """
    if model_specs[0].device == "cpu" or not any(model_spec.network for model_spec in model_specs):
        return 1
    # It takes seconds to import, and models without a network do not use it.
    import torch

    if not torch.cuda.is_available():
        return 1
    memory = torch.cuda.get_device_properties(0).total_memory
    limits = cores // _CORES_PER_WORKER, memory // _MEMORY_PER_WORKER, units // (2 * UNITS_PER_WORKER)
    return max(1, min(MAX_WORKERS_PER_GPU, *limits))


def start_workers(model_specs: Sequence[ModelSpec], size: int, cores: int | None) -> "list[Worker | WorkerProcess]":
    """One worker in this process if `size` is 1, else `size` worker processes; they divide `cores` equally.

    `cores` is None for all cores of the machine. Raises as `Worker`, and WorkerDiedError when a process dies.
    """
    if size == 1:
        return [Worker(model_specs, cores)]
    threads = max(1, (cores or os.cpu_count() or 1) // size)
    return [*_load_all([WorkerProcess(model_specs, threads) for _ in range(size)])]


def _load_all(workers: "list[WorkerProcess]") -> "list[WorkerProcess]":
    """Wait until all workers have loaded their models; stop all of them if one fails."""
    try:
        for worker in workers:
            worker.load()
    except BaseException:
        for worker in workers:
            worker.stop()
        raise
    return workers


class WorkerProcess:
    """A `Worker` in its own process with `threads` CPU threads. Call `load` before `run`."""

    def __init__(self, model_specs: Sequence[ModelSpec], threads: int) -> None:
        self._arguments = model_specs, threads
        name, remedy = "one of the processes that share the GPU", "run the command again"
        self._pool = ProcessPool(1, _serve_units, self._arguments, name, remedy, pipes=UNITS_PER_WORKER)
        self._pool.__enter__()
        self._idle = SimpleQueue[Connection]()
        for connection in self._pool.connections:
            self._idle.put(connection)

    def load(self) -> None:
        """Wait until the models are loaded. Raises as `Worker`, and WorkerDiedError when the process has died."""
        self._pool.receive(self._pool.connections[:1])

    def run(self, unit: Unit, watch: Callable[[float], None] = ignore_progress) -> UnitResult:
        """As `Worker.run`, from up to UNITS_PER_WORKER threads. Raises WorkerDiedError when the process has died."""
        connection = self._idle.get()
        try:
            self._pool.send(connection, unit)
            while True:
                ((_, message),) = self._pool.receive([connection])
                if isinstance(message, UnitResult):
                    return message
                if isinstance(message, Exception):
                    raise message
                watch(message)
        finally:
            self._idle.put(connection)

    def stop(self) -> None:
        """End the process; every running `run` raises StoppedError at its next batch."""
        self._pool.terminate()
        # Wait for all calls of `run`: the system may reuse the descriptor of a closed pipe while a thread reads it.
        connections = [self._idle.get() for _ in range(UNITS_PER_WORKER)]
        self._pool.__exit__(None, None, None)
        # A later call of `run` raises WorkerDiedError instead of waiting for a connection.
        for connection in connections:
            self._idle.put(connection)

    def replacement(self) -> "WorkerProcess":
        """A new worker process with the same models, already loaded. Raises as `load`."""
        (worker,) = _load_all([WorkerProcess(*self._arguments)])
        return worker


def _serve_units(model_specs: Sequence[ModelSpec], threads: int, *parents: Connection) -> None:
    """Run in the worker process: one thread for each pipe runs the units that the parent sends until it is closed."""
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    with suppress(BrokenPipeError):
        try:
            worker = Worker(model_specs, threads)
        except LitmineError as error:
            parents[0].send(error)
            return
        parents[0].send(None)
        serving = [threading.Thread(target=_serve_pipe, args=(worker, parent)) for parent in parents]
        for thread in serving:
            thread.start()
        try:
            for thread in serving:
                thread.join()
        finally:
            worker.stop()
            # Wait for threads that are writing a file.
            for thread in serving:
                thread.join()


def _serve_pipe(worker: Worker, parent: Connection) -> None:
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            (unit,) = parent.recv()
            parent.send(_result_or_error(worker, unit, parent.send))


def _result_or_error(worker: Worker, unit: Unit, watch: Callable[[float], None]) -> UnitResult | Exception:
    """The result of a unit, or the exception that `WorkerProcess.run` raises for it."""
    try:
        return worker.run(unit, watch)
    except (BrokenPipeError, ConnectionResetError):
        raise
    except (LitmineError, MemoryError, StoppedError) as error:
        return error
    except Exception as error:  # noqa: BLE001 - a bug keeps its traceback
        return RuntimeError("".join(traceback.format_exception(error)))

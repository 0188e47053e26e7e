"""A worker in a process of its own, one of several that share a GPU.

A worker decodes and writes in Python, a thread at a time: several keep a GPU busy that one cannot.
"""

import os
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue

import torch

from litmine.errors import LitmineError
from litmine.nn.engine import ignore_progress
from litmine.runtime.process_pool import ProcessPool
from litmine.runtime.worker import StoppedError, Worker
from litmine.tasks.contract import MAX_WORKERS_PER_GPU, UNITS_PER_WORKER, ModelSpec, Unit, UnitResult

# Cores, and bytes of the GPU's memory, for each process.
_CORES_EACH, _MEMORY_EACH = 2, 8 * 2**30


def sharers(device: str, units: int, cores: int) -> int:
    """How many processes are to share a GPU beside so many cores: 1 where there is none, or too little to do."""
    if device == "cpu" or not torch.cuda.is_available():
        return 1
    memory = torch.cuda.get_device_properties(0).total_memory
    return max(
        1, min(MAX_WORKERS_PER_GPU, cores // _CORES_EACH, memory // _MEMORY_EACH, units // (2 * UNITS_PER_WORKER))
    )


def staff(model_specs: Sequence[ModelSpec], size: int, cores: int | None) -> "list[Worker | WorkerProcess]":
    """A worker in this process, or `size` in their own; for each an equal part of the cores, None for all there are.

    Raises as Worker does, and WorkerDiedError when a process dies.
    """
    if size == 1:
        return [Worker(model_specs, cores)]
    threads = max(1, (cores or os.cpu_count() or 1) // size)
    return [*_loaded([WorkerProcess(model_specs, threads) for _ in range(size)])]


def _loaded(workers: "list[WorkerProcess]") -> "list[WorkerProcess]":
    """The same once all have their model; no process is left behind where one cannot."""
    try:
        for one in workers:
            one.load()
    except BaseException:
        for one in workers:
            one.stop()
        raise
    return workers


class WorkerProcess:
    """A Worker elsewhere, with `threads` processor threads: `do` and `stop` are its own, once `load` is through."""

    def __init__(self, model_specs: Sequence[ModelSpec], threads: int) -> None:
        self._given = model_specs, threads
        name, remedy = "one of the processes that share the GPU", "run the command again"
        self._crew = ProcessPool(1, _serve, self._given, name, remedy, pipes=UNITS_PER_WORKER)
        self._crew.__enter__()
        self._free = SimpleQueue[Connection]()
        for hand in self._crew.hands:
            self._free.put(hand)

    def load(self) -> None:
        """Wait for the model. Raises as Worker does, and WorkerDiedError when the process has died."""
        self._crew.hear(self._crew.hands[:1])

    def do(self, unit: Unit, watch: Callable[[float], None] = ignore_progress) -> UnitResult:
        """As `Worker.do`, for as many threads at a time; WorkerDiedError when the process has died."""
        hand = self._free.get()
        try:
            self._crew.give(hand, unit)
            while True:
                ((_, said),) = self._crew.hear([hand])
                if isinstance(said, UnitResult):
                    return said
                if isinstance(said, Exception):
                    raise said
                watch(said)
        finally:
            self._free.put(hand)

    def stop(self) -> None:
        """End the process; each `do` under way ends at its next batch, without a target (StoppedError)."""
        self._crew.terminate()
        # A pipe that is closed while somebody listens may be another's by the time he looks.
        hands = [self._free.get() for _ in range(UNITS_PER_WORKER)]
        self._crew.__exit__(None, None, None)
        # Who comes too late is told.
        for hand in hands:
            self._free.put(hand)

    def another(self) -> "WorkerProcess":
        """One like it, which has its model. Raises as `load`."""
        (one,) = _loaded([WorkerProcess(*self._given)])
        return one


def _serve(model_specs: Sequence[ModelSpec], threads: int, *parents: Connection) -> None:
    """What the process does: a thread for each pipe, whose units come one by one until it is closed."""
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    with suppress(BrokenPipeError):
        try:
            worker = Worker(model_specs, threads)
        except LitmineError as error:
            parents[0].send(error)
            return
        parents[0].send(None)
        serving = [threading.Thread(target=_answer, args=(worker, parent)) for parent in parents]
        for thread in serving:
            thread.start()
        try:
            for thread in serving:
                thread.join()
        finally:
            worker.stop()
            # None is left at a file that is half written.
            for thread in serving:
                thread.join()


def _answer(worker: Worker, parent: Connection) -> None:
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            (unit,) = parent.recv()
            parent.send(_outcome(worker, unit, parent.send))


def _outcome(worker: Worker, unit: Unit, watch: Callable[[float], None]) -> UnitResult | Exception:
    """What is to be raised where the unit came from is given too."""
    try:
        return worker.do(unit, watch)
    except (BrokenPipeError, ConnectionResetError):
        raise
    except (LitmineError, MemoryError, StoppedError) as error:
        return error
    except Exception as error:  # noqa: BLE001 - a bug keeps its traceback
        return RuntimeError("".join(traceback.format_exception(error)))

"""A pool of processes on this machine, each connected by one or more pipes.

Unlike `multiprocessing.Pool` it reports a process that dies, and an interrupt lets the processes clean up.
"""

import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Self

from litmine.errors import LitmineError

# Seconds to wait for a process to exit by itself.
_EXIT_SECONDS = 10


class WorkerDiedError(LitmineError):
    """A process died, and its current work is lost."""


class ProcessPool:
    """A context manager for `size` processes that call `work(*arguments, *connections)`; they end with the block.

    A process gets `pipes` connections. `name` describes a process in the message of WorkerDiedError, and `remedy` is
    the advice in it. `work` and `arguments` must be picklable.
    """

    def __init__(
        self, size: int, work: Callable[..., None], arguments: Sequence[Any], name: str, remedy: str, pipes: int = 1
    ) -> None:
        self._size, self._work, self._arguments, self._pipes = size, work, tuple(arguments), pipes
        self._name, self._remedy = name, remedy
        self._processes: dict[Connection, SpawnProcess] = {}

    @property
    def connections(self) -> list[Connection]:
        """The parent's ends of all pipes."""
        return list(self._processes)

    def __enter__(self) -> Self:
        context = get_context("spawn")
        # The resource tracker unblocks SIGINT when it starts, which it would otherwise do with the first process.
        resource_tracker.ensure_running()
        # A terminal sends Ctrl-C to all its processes. These inherit the blocked signal; `terminate` stops them.
        previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for _ in range(self._size):
                parent_ends, child_ends = zip(*(context.Pipe() for _ in range(self._pipes)), strict=True)
                arguments = (self._work, *self._arguments, *child_ends)
                process = context.Process(target=_run_until_terminated, args=arguments, daemon=True)
                process.start()
                for connection in child_ends:
                    connection.close()
                self._processes |= dict.fromkeys(parent_ends, process)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.terminate()
        for connection in self._processes:
            connection.close()
        for process in set(self._processes.values()):
            process.join(_EXIT_SECONDS)
            if process.is_alive():
                process.kill()

    def terminate(self) -> None:
        """Interrupt the processes; they clean up as after Ctrl-C."""
        # A process with several pipes gets one signal only: a second one would interrupt its clean-up.
        for process in set(self._processes.values()):
            process.terminate()

    def send(self, connection: Connection, *message: Any) -> None:
        """Send a tuple to a process. Raises WorkerDiedError when the process has died."""
        try:
            connection.send(message)
        except OSError as error:
            raise self._died_error(connection) from error

    def receive(self, connections: Sequence[Connection]) -> list[tuple[Connection, Any]]:
        """Wait for messages; returns the next message of each connection that has one.

        Raises WorkerDiedError when a process has died, and a LitmineError that a process sends.
        """
        messages = []
        for connection in wait(connections):
            assert isinstance(connection, Connection)
            try:
                message = connection.recv()
            except (EOFError, OSError) as error:
                raise self._died_error(connection) from error
            if isinstance(message, LitmineError):
                raise message
            messages.append((connection, message))
        return messages

    def _died_error(self, connection: Connection) -> WorkerDiedError:
        process = self._processes[connection]
        process.join(_EXIT_SECONDS)
        code = process.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return WorkerDiedError(f"{self._name} {how}; finished work is kept: {self._remedy}")


def _run_until_terminated(work: Callable[..., None], *arguments: Any) -> None:
    terminated = False

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal terminated
        terminated = True
        raise KeyboardInterrupt

    # SIGTERM raises KeyboardInterrupt, so that `finally` blocks remove half-written files.
    signal.signal(signal.SIGTERM, interrupt)
    try:
        work(*arguments)
    finally:
        if terminated:
            # Skip the interpreter's shutdown and any other exception: DuckDB turns an interrupt during its import into
            # another error, and its library prints to stderr at exit when that import is incomplete.
            os._exit(0)

"""Processes of this machine, each at the other end of a pipe, or of several."""

import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Self

from litmine.errors import LitmineError

# Seconds that a process has to leave by itself.
_GRACE = 10


class WorkerDiedError(LitmineError):
    """A process died, and with it what it had in hand."""


class ProcessPool:
    """`size` processes that call `work` with `given` and their ends of `pipes`; whoever leaves the block ends them.

    `name` is what a sentence calls one that dies, and `remedy` what to do then.
    """

    def __init__(
        self, size: int, work: Callable[..., None], given: Sequence[Any], name: str, remedy: str, pipes: int = 1
    ) -> None:
        self._size, self._work, self._given, self._pipes = size, work, tuple(given), pipes
        self._name, self._remedy = name, remedy
        self._processes: dict[Connection, SpawnProcess] = {}

    @property
    def hands(self) -> list[Connection]:
        return list(self._processes)

    def __enter__(self) -> Self:
        context = get_context("spawn")
        # It unblocks Ctrl-C when it starts, which would else be with the first process.
        resource_tracker.ensure_running()
        # Ctrl-C reaches all processes of a terminal: these inherit that they do not hear it, and are told by this one.
        heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for _ in range(self._size):
                here, there = zip(*(context.Pipe() for _ in range(self._pipes)), strict=True)
                process = context.Process(target=_begin, args=(self._work, *self._given, *there), daemon=True)
                process.start()
                for end in there:
                    end.close()
                self._processes |= dict.fromkeys(here, process)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.terminate()
        for hand in self._processes:
            hand.close()
        for process in set(self._processes.values()):
            process.join(_GRACE)
            if process.is_alive():
                process.kill()

    def terminate(self) -> None:
        """Let them unwind, as Ctrl-C does."""
        # Each once, however many pipes it has: a second time would end it in the middle of that.
        for process in set(self._processes.values()):
            process.terminate()

    def give(self, hand: Connection, *given: Any) -> None:
        """Send something to one (WorkerDiedError when it has died)."""
        try:
            hand.send(given)
        except OSError as error:
            raise self._death(hand) from error

    def hear(self, hands: Sequence[Connection]) -> list[tuple[Connection, Any]]:
        """The next message of each ready connection. Raises WorkerDiedError, or the LitmineError that it sends."""
        heard = []
        for hand in wait(hands):
            assert isinstance(hand, Connection)
            try:
                said = hand.recv()
            except (EOFError, OSError) as error:
                raise self._death(hand) from error
            if isinstance(said, LitmineError):
                raise said
            heard.append((hand, said))
        return heard

    def _death(self, hand: Connection) -> WorkerDiedError:
        process = self._processes[hand]
        process.join(_GRACE)
        code = process.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return WorkerDiedError(f"{self._name} {how}; what was finished stays: {self._remedy}")


def _begin(work: Callable[..., None], *given: Any) -> None:
    told = False

    def unwind(_number: int, _frame: object) -> None:
        nonlocal told
        told = True
        raise KeyboardInterrupt

    # Unwinds as Ctrl-C does, so that nothing half-written is left.
    signal.signal(signal.SIGTERM, unwind)
    try:
        work(*given)
    finally:
        if told:
            # Whatever became of the interruption: DuckDB makes another error of one that meets its import, and its
            # library says on stderr, at the interpreter's own end, what is left half-made.
            os._exit(0)

"""Files shared out among processes of this machine, each of which takes one after another until none is left."""

import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Self

from litmine.errors import LitmineError
from litmine.work.take import Job, Taken, Taker

# Seconds that a process has to leave by itself.
_GRACE = 10


def take_spread(job: Job, files: Sequence[Path], workers: int, watch: Callable[[int], None]) -> Generator[Taken]:
    """Take the files, in their order, on several processes; one that another command is at is come back to at the end.

    `watch` is told how many records more have been read. Raises LitmineError when a process dies, and what ends one.
    """
    waiting = deque((file, False) for file in files)
    with _Crew(job, min(workers, len(files))) as crew:
        while waiting or crew.busy:
            while waiting and crew.idle:
                crew.hand_out(*waiting.popleft())
            for said in crew.hear():
                if isinstance(said, int):
                    watch(said)
                elif said.became == "claimed":
                    waiting.append((said.file, True))
                else:
                    yield said


class _Crew:
    """Processes, each at the other end of a pipe: a file goes in, and records read and what became of it come out."""

    def __init__(self, job: Job, size: int) -> None:
        self._job = job
        self._size = size
        self._processes: dict[Connection, SpawnProcess] = {}
        self.idle: list[Connection] = []
        self.busy: list[Connection] = []

    def __enter__(self) -> Self:
        context = get_context("spawn")
        # It unblocks Ctrl-C when it starts, which would else be with the first process.
        resource_tracker.ensure_running()
        # Ctrl-C reaches all processes of a terminal: these inherit that they do not hear it, and are told by this one.
        heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for _ in range(self._size):
                here, there = context.Pipe()
                process = context.Process(target=_work, args=(self._job, there), daemon=True)
                process.start()
                there.close()
                self._processes[here] = process
                self.idle.append(here)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hand, process in self._processes.items():
            hand.close()
            if kind is not None:
                process.terminate()
        for process in self._processes.values():
            process.join(_GRACE)
            if process.is_alive():
                process.kill()

    def hand_out(self, file: Path, patiently: bool) -> None:
        """Give a file to one that is idle."""
        hand = self.idle.pop()
        self.busy.append(hand)
        try:
            hand.send((file, patiently))
        except OSError as error:
            raise self._death(hand) from error

    def hear(self) -> list[int | Taken]:
        """What the busy ones say next, one thing each: records that they have read, or what became of their file."""
        heard: list[int | Taken] = []
        for hand in wait(self.busy):
            assert isinstance(hand, Connection)
            try:
                said = hand.recv()
            except (EOFError, OSError) as error:
                raise self._death(hand) from error
            if isinstance(said, LitmineError):
                raise said
            if isinstance(said, Taken):
                self.busy.remove(hand)
                self.idle.append(hand)
            heard.append(said)
        return heard

    def _death(self, hand: Connection) -> LitmineError:
        process = self._processes[hand]
        process.join(_GRACE)
        code = process.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return LitmineError(
            f"one of the import's processes {how}; what was finished stays: run the command again, with fewer --workers"
            " if memory is short"
        )


def _work(job: Job, parent: Connection) -> None:
    """What a process does, until its parent is gone or ends it."""
    # Unwinds as Ctrl-C does, so that nothing half-written is left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        taker = Taker(job, parent.send)
        while True:
            file, patiently = parent.recv()
            try:
                parent.send(taker.take(file, patiently))
            except LitmineError as error:
                parent.send(error)

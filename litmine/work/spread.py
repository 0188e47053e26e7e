"""Files shared out among processes of this machine, each of which takes one after another until none is left."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from litmine.errors import LitmineError
from litmine.work.crew import Crew
from litmine.work.take import Job, Taken, Taker


def take_spread(job: Job, files: Sequence[Path], workers: int, watch: Callable[[int], None]) -> Generator[Taken]:
    """Take the files, in their order, on several processes; one that another command is at is come back to at the end.

    `watch` is told how many records more have been read. Raises LitmineError when a process dies, and what ends one.
    """
    waiting = deque((file, False) for file in files)
    remedy = "run the command again, with fewer --workers if memory is short"
    with Crew(min(workers, len(files)), _work, [job], "one of the import's processes", remedy) as crew:
        idle, busy = crew.hands, list[Connection]()
        while waiting or busy:
            while waiting and idle:
                busy.append(idle.pop())
                crew.give(busy[-1], *waiting.popleft())
            for hand, said in crew.hear(busy):
                if isinstance(said, int):
                    watch(said)
                    continue
                busy.remove(hand)
                idle.append(hand)
                if said.became == "claimed":
                    waiting.append((said.file, True))
                else:
                    yield said


def _work(job: Job, parent: Connection) -> None:
    """What a process does, until its parent is gone or ends it."""
    with suppress(EOFError, BrokenPipeError):
        taker = Taker(job, parent.send)
        while True:
            file, patiently = parent.recv()
            try:
                parent.send(taker.take(file, patiently))
            except LitmineError as error:
                parent.send(error)

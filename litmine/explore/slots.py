"""Room for a few threads at the same time, first come, first served."""

import threading
from collections import deque


class Slots:
    """A semaphore that gives its places in the order in which threads asked for them.

    `threading.Semaphore` lets a thread that comes later take a place before one that waits, which then waits on, and
    may do so until its time is over.
    """

    def __init__(self, count: int) -> None:
        """count: how many threads have a place at the same time."""
        self._free = count
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def acquire(self, timeout: float = threading.TIMEOUT_MAX) -> bool:
        """Take a place, or wait for one; False when it takes longer than `timeout` seconds."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            turn = threading.Event()
            self._waiting.append(turn)
        if turn.wait(timeout):
            return True
        with self._lock:
            # A place may have come between the end of the wait and this line.
            if turn.is_set():
                return True
            self._waiting.remove(turn)
            return False

    def release(self) -> None:
        """Give a place back: to the thread that has waited longest, if one waits."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

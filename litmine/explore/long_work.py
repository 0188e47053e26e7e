"""Work for which a page does not wait: it runs beside the requests, and a page that comes again gets its result."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from litmine.explore.queries import BusyError
from litmine.explore.shared import PreparingError

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
# As many may wait for their turn.
_MAX_WAITING = 40


class RunningError(PreparingError):
    """The work that a page shows is under way; the page may come again."""


@dataclass(frozen=True, slots=True)
class _Work(Generic[T]):
    future: "Future[T]"
    began: float


class LongWork(Generic[K, T]):
    """Runs work by its key, some at a time in the order in which it came, and keeps the latest results."""

    def __init__(self, doing: str, at_once: int, kept: int) -> None:
        """doing: for the sentence of RunningError, as in "litmine is searching". kept: number of results."""
        self._doing = doing
        self._kept = kept
        # No daemons: Python must not end while DuckDB works on a thread, or it crashes.
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix=doing)
        self._all: OrderedDict[K, _Work[T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K, work: Callable[[], T], patience: float | None) -> T:
        """The result for a key, which `work` makes unless it is kept or under way.

        patience: seconds to wait for it, None for as long as it takes. Raises RunningError when it takes longer,
        BusyError when too much waits, and as `work`; then the next call does the work again.
        """
        with self._lock:
            entry = self._all.get(key)
            if entry is None:
                self._make_room()
                entry = self._all[key] = _Work(self._pool.submit(work), time.monotonic())
            self._all.move_to_end(key)
        try:
            return entry.future.result(patience)
        except TimeoutError:
            if entry.future.done():  # it is an error of the work itself
                self._forget(key, entry)
                raise
            seconds = time.monotonic() - entry.began
            raise RunningError(f"litmine is {self._doing}, for {seconds:.0f} seconds so far.") from None
        except BaseException:
            self._forget(key, entry)
            raise

    def clear(self) -> None:
        """Forget all results; what is under way goes on for those who wait for it."""
        with self._lock:
            self._all.clear()

    def close(self) -> None:
        """Wait for what is under way, and begin nothing more."""
        self._pool.shutdown(cancel_futures=True)

    def _make_room(self) -> None:
        done = [key for key, entry in self._all.items() if entry.future.done()]
        if len(self._all) - len(done) >= _MAX_WAITING:
            raise BusyError("too many searches at the same time; try again in a moment")
        for key in done[: max(0, len(done) - self._kept + 1)]:
            del self._all[key]

    def _forget(self, key: K, entry: _Work[T]) -> None:
        with self._lock:
            if self._all.get(key) is entry:
                del self._all[key]

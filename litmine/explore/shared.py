"""What many requests need and takes long to make: the search index, the concepts, the signals.

It is made once for each state of the lake. While it is made again, requests still get the one before, so that an import
beside the requests makes none of them wait.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from litmine.errors import LitmineError

T = TypeVar("T")


class Shared(Generic[T]):
    """A value of a lake's state; `make` makes it, and may raise LitmineError."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._value: tuple[str, T] | None = None
        self._error: LitmineError | None = None
        self._making: threading.Thread | None = None

    def get(self, state: str) -> T:
        """The value, of this state (`LakeQueries.state`) or an earlier one.

        The first call waits for it, and raises as `make`.
        """
        with self._lock:
            if self._value is None:
                self._value = state, self._make()
            elif self._value[0] != state and (self._making is None or not self._making.is_alive()):
                # No daemon: Python must not end while DuckDB or tantivy works on a thread, or it crashes.
                self._making = threading.Thread(target=self._make_again, args=(state,))
                self._making.start()
            return self._value[1]

    def is_behind(self, state: str) -> bool:
        """Whether the value is of an earlier state."""
        value = self._value
        return value is not None and value[0] != state

    @property
    def error(self) -> LitmineError | None:
        """Why the value could not be made again; None if it could."""
        return self._error

    def wait(self) -> None:
        """Wait until nothing is made any more."""
        if self._making is not None:
            self._making.join()

    def _make_again(self, state: str) -> None:
        try:
            made = self._make()
        except LitmineError as error:
            self._error = error
            return
        self._value, self._error = (state, made), None

"""What many requests need and takes long to make: the search index, the concepts, the signals.

It is made on a thread of its own, once for each state of the lake. While it is made again, requests still get the one
before, so that an import beside the requests makes none of them wait. Requests for what was never made wait a while,
and are then told how far it is.
"""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from litmine.errors import LitmineError

T = TypeVar("T")
# After an error, the same state of the lake is not tried again for so long.
_RETRY_SECONDS = 30.0


class PreparingError(LitmineError):
    """What a request needs is being made; the request may come again."""


class Shared(Generic[T]):
    """A value of a lake's state; `make` makes it, and may raise LitmineError."""

    def __init__(self, make: Callable[[], T], name: str, patience: float, turns: "threading.Lock") -> None:
        """name: what it is, for the sentence of PreparingError. patience: how long a request waits, in seconds.

        turns: those that share this lock are made one after the other, which limits their memory.
        """
        self._make = make
        self._name = name
        self._patience = patience
        self._turns = turns
        self._lock = threading.Lock()
        self._value: tuple[str, T] | None = None
        # The error of the latest try, the state that was tried, and when the next try may begin.
        self._error: tuple[Exception, str, float] | None = None
        self._making: threading.Thread | None = None
        self._began = 0.0
        self._has_turn = False
        self._is_stopped = False

    def get(self, state: str) -> T:
        """The value, of this state (`LakeQueries.state`) or an earlier one.

        Raises PreparingError if there is none yet, and as `make` if it failed.
        """
        self.prepare(state)
        value, making = self._value, self._making
        if value is not None:
            return value[1]
        if making is not None:
            making.join(self._patience)
        value, failed = self._value, self._error
        if value is not None:
            return value[1]
        if failed is not None and not self._is_making():
            raise failed[0]
        raise PreparingError(f"litmine is preparing {self._name}, {self._progress()}; try again in a moment")

    def get_current(self, state: str) -> T | None:
        """The value of exactly this state; None, at once, while it is not made."""
        self.prepare(state)
        value = self._value
        return value[1] if value is not None and value[0] == state else None

    def prepare(self, state: str) -> None:
        """Begin to make the value of this state, unless it is there, is being made, or failed a moment ago."""
        with self._lock:
            is_current = self._value is not None and self._value[0] == state
            if is_current or self._is_stopped or self._is_making() or self._has_failed(state):
                return
            # No daemon: Python must not end while DuckDB or tantivy works on a thread, or it crashes.
            self._making = threading.Thread(target=self._run, args=(state,), name=self._name)
            self._making.start()

    def is_behind(self, state: str) -> bool:
        """Whether the value is of an earlier state."""
        value = self._value
        return value is not None and value[0] != state

    @property
    def state(self) -> str:
        """The state of the value; empty if there is none."""
        value = self._value
        return "" if value is None else value[0]

    @property
    def error(self) -> Exception | None:
        """Why the value could not be made again; None if it could."""
        failed = self._error
        return None if failed is None else failed[0]

    def stop(self) -> None:
        """Begin to make nothing any more."""
        with self._lock:
            self._is_stopped = True

    def wait(self) -> None:
        """Wait until nothing is made any more."""
        if self._making is not None:
            self._making.join()

    def _is_making(self) -> bool:
        return self._making is not None and self._making.is_alive()

    def _has_failed(self, state: str) -> bool:
        return self._error is not None and self._error[1] == state and time.monotonic() < self._error[2]

    def _progress(self) -> str:
        if not self._has_turn:
            return "after what it is preparing now"
        return f"for {time.monotonic() - self._began:.0f} seconds so far"

    def _run(self, state: str) -> None:
        with self._turns:
            if self._is_stopped:
                return
            self._began, self._has_turn = time.monotonic(), True
            try:
                made = self._make()
            except Exception as error:  # noqa: BLE001 - the requests that need the value report it
                self._error = error, state, time.monotonic() + _RETRY_SECONDS
            else:
                self._value, self._error = (state, made), None
            finally:
                self._has_turn = False

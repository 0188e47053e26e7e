"""Rate limiter shared by all processes of a machine: together they stay below the server's requests per second.

The limit must hold where the server counts, on arrival: at most N requests in any second. A request may be delayed
on its way (a process that is not scheduled, a retransmitted packet), so limiting departures is not enough. Each request
therefore occupies one of N slots. It takes the slot just before it is sent, and keeps it until one second after its
arrival: one second after the response begins, or, without a response, one second after the latest possible arrival.
When all slots are taken, callers wait. N + 1 arrivals in one second would need N + 1 slots. Requests are also spaced
evenly, because NCBI does not document how it counts and might punish bursts.

The slots are stored in a small file under flock, which the system releases when a process ends. Times come from the
monotonic clock, which all processes share and nobody can set. Times from before a reboot, or from a foreign file, are
recognised because they are impossible.
"""

import errno
import fcntl
import json
import os
import re
import stat
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from platformdirs import user_cache_path

# All times are in seconds. One second, plus a margin for clocks that run at different speeds. Divided by N it is also
# the space between two requests: 0.35 s for N = 3.
_WINDOW = 1.05
# Longest assumed transit of a request on an open connection.
_MAX_TRANSIT = 1.0
# Longest assumed time between taking a slot and sending. After it, the process is assumed to be dead.
_MAX_SEND_DELAY = 10.0
MAX_PAUSE_SECONDS = 600.0
# A lock is held for microseconds; one held longer is an error or an attack.
_LOCK_SECONDS = 10.0
_LOCK_POLL = 0.005
_FILE_BYTES = 4096


@dataclass(slots=True)
class _LimiterState:
    """Monotonic times: when the last request took its slot, when the pause ends, and when each slot becomes free."""

    last: float = 0.0
    pause: float = 0.0
    slots: dict[str, float] = field(default_factory=dict)

    def is_plausible(self, now: float) -> bool:
        """Whether a process can have written this state since the last boot."""
        return (
            0 <= self.last <= now
            and 0 <= self.pause <= now + MAX_PAUSE_SECONDS
            and all(0 <= until <= now + _MAX_SEND_DELAY for until in self.slots.values())
        )

    def next_time(self, now: float, per_second: int) -> float:
        """The earliest time of the next request. Drops slots that are free again."""
        self.slots = {slot: until for slot, until in self.slots.items() if until > now}
        free = now if len(self.slots) < per_second else min(self.slots.values())
        return max(free, self.last + _WINDOW / per_second, self.pause)


class RateLimiter:
    """Limits requests to `host` to `per_second` on this machine.

    `folders` are tried in order for the shared file; the default is the system's temporary folder, then the user's
    cache.
    """

    def __init__(self, host: str, per_second: int, folders: Sequence[Path] | None = None) -> None:
        name = f"litmine-{re.sub(r'[^A-Za-z0-9.-]', '_', host)}-{per_second}-a-second"
        if folders is None:
            folders = (Path(tempfile.gettempdir()), user_cache_path("litmine"))
        self._per_second = per_second
        self._files = [folder / name for folder in folders]
        self._process_state = _LimiterState()
        self._mutex = threading.Lock()

    def acquire(self) -> str:
        """Wait for a slot and take it; the caller sends its request at once. Returns the slot's name."""
        slot = uuid4().hex[:8]
        while True:
            with self._locked_state() as state:
                now = time.monotonic()
                next_time = state.next_time(now, self._per_second)
                if next_time <= now:
                    state.last = now
                    state.slots[slot] = now + _MAX_SEND_DELAY
                    return slot
            time.sleep(next_time - now)

    def mark_sent(self, slot: str) -> None:
        """Record that the request was sent; it arrives within the maximum transit time, or never."""
        self._release_after(slot, _MAX_TRANSIT + _WINDOW)

    def mark_answered(self, slot: str) -> None:
        """Record that the response has begun; so the request has arrived."""
        self._release_after(slot, _WINDOW)

    def pause(self, seconds: float) -> None:
        """Stop all requests of this machine to the host for that time, at most ten minutes."""
        with self._locked_state() as state:
            state.pause = max(state.pause, time.monotonic() + min(seconds, MAX_PAUSE_SECONDS))

    def remaining_pause(self) -> float:
        """Seconds until the pause ends; 0 without a pause."""
        with self._locked_state() as state:
            return max(0.0, state.pause - time.monotonic())

    def _release_after(self, slot: str, seconds: float) -> None:
        with self._locked_state() as state:
            if slot in state.slots:
                state.slots[slot] = time.monotonic() + seconds

    @contextmanager
    def _locked_state(self) -> Iterator[_LimiterState]:
        """The state under an exclusive lock: from the first usable file, or of this process alone if none is usable."""
        with self._mutex:
            handle = self._lock_first_usable_file()
            if handle is None:
                yield self._process_state
                return
            try:
                state = _parse_state(_read_state(handle), self._per_second)
                yield state
                self._process_state = state
                self._write_state(handle, state)
            finally:
                os.close(handle)

    def _lock_first_usable_file(self) -> int | None:
        while self._files:
            handle = _open_locked(self._files[0])
            if handle is not None:
                return handle
            self._drop_file()
        return None

    def _write_state(self, handle: int, state: _LimiterState) -> None:
        # Processes of other versions share the file: its keys stay.
        content = json.dumps({"last": state.last, "pause": state.pause, "places": state.slots}).encode()
        try:
            # The length is constant, so that one write replaces everything.
            os.pwrite(handle, content.ljust(_FILE_BYTES), 0)
            os.ftruncate(handle, _FILE_BYTES)
        except OSError:
            self._drop_file()

    def _drop_file(self) -> None:
        """Never try this file again: otherwise the process would wait for it at every request."""
        del self._files[0]


def _open_locked(path: Path) -> int | None:
    """Open the file, creating it if necessary, and lock it. None if it is not usable."""
    handle = _open_or_create(path)
    usable = False
    try:
        usable = handle is not None and _is_safe(os.fstat(handle)) and _lock(handle)
    finally:
        if handle is not None and not usable:
            os.close(handle)
    return handle if usable else None


def _is_safe(file: os.stat_result) -> bool:
    """Whether it is a regular file without other hard links: writing to a link could destroy somebody's file."""
    return stat.S_ISREG(file.st_mode) and file.st_nlink == 1


def _open_or_create(path: Path) -> int | None:
    """Open the file, creating it if necessary. None if that fails."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    # Without O_CREAT first: Linux may refuse it for another user's file in a world-writable folder.
    with suppress(OSError):
        return os.open(path, flags)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
        with suppress(OSError):
            os.fchmod(handle, 0o666)  # regardless of the umask: other users share the limit
        return handle
    with suppress(OSError):  # another process has just created it
        return os.open(path, flags)
    return None


def _lock(handle: int) -> bool:
    """Take an exclusive lock; False on timeout. The system releases a lock when its process ends."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno != errno.EWOULDBLOCK or time.monotonic() > deadline:
                return False
            time.sleep(_LOCK_POLL)
        else:
            return True


def _read_state(handle: int) -> bytes:
    try:
        return os.pread(handle, _FILE_BYTES, 0)
    except OSError:
        return b"unreadable"


def _parse_state(content: bytes, per_second: int) -> _LimiterState:
    """The state in a file. If it is invalid, all slots count as taken, because N requests may just have been sent."""
    if not content:
        return _LimiterState()
    now = time.monotonic()
    try:
        stored = json.loads(content)
        slots = {slot: float(until) for slot, until in stored["places"].items()}
        state = _LimiterState(float(stored["last"]), float(stored["pause"]), slots)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        state = None
    if state is None or not state.is_plausible(now):
        return _LimiterState(slots={f"unknown {number}": now + _MAX_TRANSIT + _WINDOW for number in range(per_second)})
    return state

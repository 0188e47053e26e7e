"""One limiter for the machine: all processes of all users together stay below the server's requests per second.

What must hold is counted where the server counts, at arrival: never more than N requests in any second. A request may
be late between here and there (a process that is not scheduled, a packet that is sent again), so leaving in time is not
enough. Each request holds one of N places, from when it takes its turn until it is certain to have arrived more than a
second ago: a second after its answer began; without an answer, a second after it must have arrived. Whoever finds all
places taken waits. N arrivals in one second would need N + 1 places. Turns are spaced besides, so that NCBI, which
counts as it likes, sees no bursts.

The places stand in a small file under flock, which goes with the process that holds it, on the monotonic clock, which
all processes share and nobody sets. Stamps of an earlier boot or of another mind are told by being impossible.
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

# A second, and a little for clocks that do not run alike. N times the space between two turns is the same: 0.35 s of 3.
_WINDOW = 1.05
# The longest that a request sent on an open connection is thought to be under way.
_JOURNEY = 1.0
# The longest that a process is thought to need from its turn to sending; after it, it is thought to be dead.
_DELAY = 10.0
LONGEST_PAUSE = 600.0
# A lock is held for microseconds. One held longer is somebody's mistake or mischief.
_LOCK_SECONDS = 10.0
_LOCK_POLL = 0.005
_MOST_BYTES = 4096


@dataclass(slots=True)
class _State:
    """When the last turn was taken, until when all pause, and until when each place is taken (monotonic seconds)."""

    last: float = 0.0
    pause: float = 0.0
    places: dict[str, float] = field(default_factory=dict)

    def possible(self, now: float) -> bool:
        """Whether this boot's processes can have written it."""
        return (
            0 <= self.last <= now
            and 0 <= self.pause <= now + LONGEST_PAUSE
            and all(0 <= until <= now + _DELAY for until in self.places.values())
        )

    def due(self, now: float, per_second: int) -> float:
        """When the next turn may be taken."""
        self.places = {turn: until for turn, until in self.places.items() if until > now}
        free = now if len(self.places) < per_second else min(self.places.values())
        return max(free, self.last + _WINDOW / per_second, self.pause)


class Limiter:
    """The turns to send a request to `host`, at most `per_second` of them a second on this machine."""

    def __init__(self, host: str, per_second: int, folders: Sequence[Path] | None = None) -> None:
        name = f"litmine-{re.sub(r'[^A-Za-z0-9.-]', '_', host)}-{per_second}-a-second"
        if folders is None:
            folders = (Path(tempfile.gettempdir()), user_cache_path("litmine"))
        self._per_second = per_second
        self._files = [folder / name for folder in folders]
        self._own = _State()
        self._mutex = threading.Lock()

    def turn(self) -> str:
        """Wait for a turn and take it: the request is to be sent at once. Returns the turn's name."""
        turn = uuid4().hex[:8]
        while True:
            with self._state() as state:
                now = time.monotonic()
                due = state.due(now, self._per_second)
                if due <= now:
                    state.last = now
                    state.places[turn] = now + _DELAY
                    return turn
            time.sleep(due - now)

    def sent(self, turn: str) -> None:
        """The request of `turn` has been sent: it arrives soon, or never."""
        self._free(turn, _JOURNEY + _WINDOW)

    def answered(self, turn: str) -> None:
        """The answer to the request of `turn` begins: it has arrived."""
        self._free(turn, _WINDOW)

    def pause(self, seconds: float) -> None:
        """Let nobody on this machine take a turn for so long, at most ten minutes."""
        with self._state() as state:
            state.pause = max(state.pause, time.monotonic() + min(seconds, LONGEST_PAUSE))

    def paused(self) -> float:
        """How many seconds the pause still lasts; 0 when there is none."""
        with self._state() as state:
            return max(0.0, state.pause - time.monotonic())

    def _free(self, turn: str, seconds: float) -> None:
        with self._state() as state:
            if turn in state.places:
                state.places[turn] = time.monotonic() + seconds

    @contextmanager
    def _state(self) -> Iterator[_State]:
        """The state, held alone: of the first file that can be used, of this process alone if none can."""
        with self._mutex:
            handle = self._held_file()
            if handle is None:
                yield self._own
                return
            try:
                state = _parse(_read(handle), self._per_second)
                yield state
                self._own = state
                self._write(handle, state)
            finally:
                os.close(handle)

    def _held_file(self) -> int | None:
        while self._files:
            handle = _open(self._files[0])
            if handle is not None:
                return handle
            self._give_up_file()
        return None

    def _write(self, handle: int, state: _State) -> None:
        content = json.dumps({"last": state.last, "pause": state.pause, "places": state.places}).encode()
        try:
            # Of one length, so that one write replaces all of it.
            os.pwrite(handle, content.ljust(_MOST_BYTES), 0)
            os.ftruncate(handle, _MOST_BYTES)
        except OSError:
            self._give_up_file()

    def _give_up_file(self) -> None:
        """A file that does not work once is not tried again: this process would wait for it at every turn."""
        del self._files[0]


def _open(path: Path) -> int | None:
    """The file, made if need be, locked; None when it cannot be had."""
    handle = _opened(path)
    usable = False
    try:
        usable = handle is not None and _is_ours(os.fstat(handle)) and _lock(handle)
    finally:
        if handle is not None and not usable:
            os.close(handle)
    return handle if usable else None


def _is_ours(file: os.stat_result) -> bool:
    """A plain file with one name: where everyone may write, another name may be that of something to be destroyed."""
    return stat.S_ISREG(file.st_mode) and file.st_nlink == 1


def _opened(path: Path) -> int | None:
    """The file, made if need be; None when it cannot be opened."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    # Without O_CREAT first: Linux may refuse it for another user's file in a folder for all.
    with suppress(OSError):
        return os.open(path, flags)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
        with suppress(OSError):
            os.fchmod(handle, 0o666)  # whatever the umask: other users share the limit
        return handle
    with suppress(OSError):  # another process has just made it
        return os.open(path, flags)
    return None


def _lock(handle: int) -> bool:
    """Lock the file alone; False when that takes too long. Another process's lock ends with it, however it ends."""
    patient_until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno != errno.EWOULDBLOCK or time.monotonic() > patient_until:
                return False
            time.sleep(_LOCK_POLL)
        else:
            return True


def _read(handle: int) -> bytes:
    try:
        return os.pread(handle, _MOST_BYTES, 0)
    except OSError:
        return b"unreadable"


def _parse(content: bytes, per_second: int) -> _State:
    """The state in a file. What makes no sense may stand for a second full of requests."""
    if not content:
        return _State()
    now = time.monotonic()
    try:
        read = json.loads(content)
        state = _State(float(read["last"]), float(read["pause"]), {it: float(at) for it, at in read["places"].items()})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        state = None
    if state is None or not state.possible(now):
        return _State(places={f"unknown {number}": now + _JOURNEY + _WINDOW for number in range(per_second)})
    return state

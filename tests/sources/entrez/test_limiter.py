"""The limiter allows at most N arrivals per second, whatever happens to processes, files and clocks."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from litmine.sources.entrez import limiter as module
from litmine.sources.entrez.limiter import MAX_PAUSE_SECONDS, RateLimiter

KEY = "0123456789abcdef0123456789abcdef0123"
_LONG_AGO, _FUTURE = 0.0, 1e9


def _state_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def _write(folder: Path, **state: Any) -> None:
    """Write the state file of the limiter for "host"."""
    RateLimiter("host", 3, [folder]).remaining_pause()
    _state_file(folder).write_text(json.dumps({"last": 0.0, "pause": 0.0, "places": {}} | state))


def _turn_after(start: float, limiter: RateLimiter) -> float:
    """Seconds from `start` to the next turn."""
    limiter.acquire()
    return time.monotonic() - start


@pytest.fixture
def processes() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`processes(code, *arguments)` starts a Python process, which is killed at the end of the test."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


_FETCH = """
import sys
from litmine.sources.entrez.eutils_settings import EutilsSettings
from litmine.sources.entrez.client import EutilsClient
eutils = EutilsClient(EutilsSettings(sys.argv[1], sys.argv[2] or None))
for _ in range(int(sys.argv[3])):
    eutils.fetch([1])
"""


@pytest.mark.parametrize(("key", "allowed", "per_process"), [("", 3, 3), (KEY, 10, 8)])
def test_processes_together_keep_the_limit_at_arrival(
    key: str,
    allowed: int,
    per_process: int,
    scripted: Any,
    response: Any,
    processes: Callable[..., subprocess.Popen[str]],
) -> None:
    delays = cycle([0.5, 0.0, 0.3, 0.6, 0.1, 0.0, 0.4])

    def respond(_: object) -> Any:
        time.sleep(next(delays))  # longer than the interval between two turns
        return response(b"<PubmedArticleSet/>")

    scripted.respond(respond)
    running = [processes(_FETCH, scripted.url, key, per_process) for _ in range(4)]
    assert [process.communicate()[1] for process in running] == [""] * 4
    arrivals = sorted(request.arrived for request in scripted.requests)
    assert len(arrivals) == 4 * per_process
    assert min(later - first for first, later in zip(arrivals, arrivals[allowed:], strict=False)) > 1.0


def test_threads_share_the_limit(temp_folder: Path) -> None:
    limiters = [RateLimiter("host", 10, [temp_folder]) for _ in range(2)]
    turns: list[float] = []

    def take(number: int) -> None:
        turn = limiters[number % 2].acquire()
        turns.append(time.monotonic())
        limiters[number % 2].mark_sent(turn)
        limiters[number % 2].mark_answered(turn)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take, range(12)))
    turns.sort()
    assert min(later - first for first, later in zip(turns, turns[10:], strict=False)) > 1.0


def test_a_request_counts_until_a_second_after_its_response(temp_folder: Path) -> None:
    first = RateLimiter("host", 1, [temp_folder])
    turn = first.acquire()
    first.mark_sent(turn)
    time.sleep(0.3)
    start = time.monotonic()
    first.mark_answered(turn)
    assert _turn_after(start, RateLimiter("host", 1, [temp_folder])) > 1.0


def test_a_request_without_a_response_counts_longer(temp_folder: Path) -> None:
    first = RateLimiter("host", 1, [temp_folder])
    turn = first.acquire()
    start = time.monotonic()
    first.mark_sent(turn)
    assert _turn_after(start, RateLimiter("host", 1, [temp_folder])) > 2.0


def test_an_unused_slot_is_kept(temp_folder: Path) -> None:
    late = RateLimiter("host", 1, [temp_folder])
    start = time.monotonic()
    late.acquire()
    _, until = json.loads(_state_file(temp_folder).read_text())["places"].popitem()
    assert until > start + 2.1


def test_a_pause_holds_for_all_limiters_and_for_minutes_at_most(temp_folder: Path) -> None:
    first, second = RateLimiter("host", 3, [temp_folder]), RateLimiter("host", 3, [temp_folder])
    start = time.monotonic()
    first.pause(0.4)
    first.pause(0.1)
    assert second.remaining_pause() <= 0.4
    assert _turn_after(start, second) > 0.4
    assert second.remaining_pause() == 0.0
    first.pause(_FUTURE)
    assert MAX_PAUSE_SECONDS - 60 < second.remaining_pause() <= MAX_PAUSE_SECONDS


def test_hosts_and_limits_have_separate_states(temp_folder: Path) -> None:
    RateLimiter("a", 3, [temp_folder]).pause(100)
    assert RateLimiter("b", 3, [temp_folder]).remaining_pause() == 0.0
    assert RateLimiter("a", 10, [temp_folder]).remaining_pause() == 0.0
    assert RateLimiter("a", 3, [temp_folder]).remaining_pause() > 0.0
    assert {path.parent for path in temp_folder.iterdir()} == {temp_folder}


def test_a_host_name_cannot_choose_another_folder(temp_folder: Path) -> None:
    inside = temp_folder / "inside"
    RateLimiter("../../../[::1]:80", 3, [inside]).acquire()
    assert _state_file(inside).parent == inside
    assert list(temp_folder.iterdir()) == [inside]


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\xff garbage",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"last": null, "pause": 0, "places": {}}',
        b'{"last": NaN, "pause": 0, "places": {}}',
        b'{"last": 0, "pause": 1e300, "places": {}}',
        b'{"last": 1e9, "pause": 0, "places": {}}',
        b'{"last": 0, "pause": 0, "places": {"a": Infinity}}',
        b'{"last": 0, "pause": 0, "places": [1, 2]}',
    ],
)
def test_an_invalid_state_counts_as_all_slots_taken(content: bytes, temp_folder: Path) -> None:
    _write(temp_folder)
    _state_file(temp_folder).write_bytes(content)
    limiter = RateLimiter("host", 3, [temp_folder])
    assert limiter.remaining_pause() == 0.0
    places = json.loads(_state_file(temp_folder).read_text())["places"]
    assert len(places) == 3
    assert all(until <= time.monotonic() + 3 for until in places.values())


def test_times_of_an_earlier_boot_are_ignored(temp_folder: Path) -> None:
    _write(temp_folder, last=_FUTURE, pause=_FUTURE, places={"a": _FUTURE, "b": _FUTURE, "c": _FUTURE})
    assert _turn_after(time.monotonic(), RateLimiter("host", 3, [temp_folder])) < MAX_PAUSE_SECONDS / 10
    _write(temp_folder, last=_LONG_AGO, pause=_LONG_AGO, places={"a": _LONG_AGO})
    assert RateLimiter("host", 3, [temp_folder]).remaining_pause() == 0.0


@pytest.mark.parametrize("kind", ["folder", "fifo", "link", "hard link", "no folder", "locked"])
def test_a_file_that_cannot_be_used_is_replaced_by_the_next(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, own = tmp_path / "shared", tmp_path / "own"
    shared.mkdir()
    _write(shared)
    file = _state_file(shared)
    file.unlink()
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.05)
    holder = None
    match kind:
        case "folder":
            file.mkdir()
        case "fifo":
            os.mkfifo(file)
        case "link":
            (tmp_path / "victim").write_text("mine")
            file.symlink_to(tmp_path / "victim")
        case "hard link":
            (tmp_path / "victim").write_text("mine")
            file.hardlink_to(tmp_path / "victim")
        case "no folder":
            shared.rmdir()
            shared.write_text("a file")
        case "locked":
            file.write_text("")
            holder = os.open(file, os.O_RDWR)
            fcntl.flock(holder, fcntl.LOCK_EX)
    RateLimiter("host", 3, [shared, own]).pause(50)
    if holder is not None:
        os.close(holder)
    assert 0 < RateLimiter("host", 3, [own]).remaining_pause() <= 50
    if "link" in kind:
        assert (tmp_path / "victim").read_text() == "mine"


def test_without_a_file_each_process_keeps_the_limit_alone(temp_folder: Path) -> None:
    (temp_folder / "file").write_text("")
    limiter = RateLimiter("host", 1, [temp_folder / "file"])
    turn = limiter.acquire()
    start = time.monotonic()
    limiter.mark_answered(turn)
    assert _turn_after(start, limiter) > 1.0
    limiter.pause(50)
    assert limiter.remaining_pause() > 0.0


def test_the_file_is_for_all_users_and_holds_nothing_of_the_key(
    temp_folder: Path, scripted: Any, response: Any
) -> None:
    from litmine.sources.entrez.client import EutilsClient
    from litmine.sources.entrez.eutils_settings import EutilsSettings

    scripted.respond(response(b"<PubmedArticleSet/>"))
    EutilsClient(EutilsSettings(scripted.url, KEY)).fetch([1])
    file = _state_file(temp_folder)
    assert file.stat().st_mode & 0o777 == 0o666
    assert KEY[:6] not in file.name + file.read_text()


_HOLD = """
import fcntl, os, sys, time
handle = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(handle, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


def test_a_killed_process_does_not_block_others(
    temp_folder: Path, processes: Callable[..., subprocess.Popen[str]]
) -> None:
    _write(temp_folder)
    holder = processes(_HOLD, _state_file(temp_folder))
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.wait()
    limiter = RateLimiter("host", 3, [temp_folder])
    limiter.pause(50)
    assert RateLimiter("host", 3, [temp_folder]).remaining_pause() > 0


def test_ctrl_c_ends_waiting(temp_folder: Path, processes: Callable[..., subprocess.Popen[str]]) -> None:
    code = """
import sys
from pathlib import Path
from litmine.sources.entrez.limiter import RateLimiter
limiter = RateLimiter("host", 3, [Path(sys.argv[1])])
limiter.pause(600)
print("paused", flush=True)
limiter.acquire()
"""
    waiting = processes(code, temp_folder)
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "paused\n"
    waiting.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in waiting.communicate(timeout=300)[1]

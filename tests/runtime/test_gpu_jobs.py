"""Jobs in several processes return their results in order, and no process outlives the command."""

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from litmine.errors import LitmineError, ModelError
from litmine.runtime.gpu_jobs import gpu_job_limit, run_gpu_jobs, run_in_processes
from litmine.specs.commands import MessageCallback

Descendants = Callable[[int], dict[int, str]]


def double(number: int, log: MessageCallback) -> int:
    log(f"doubling {number}")
    return 2 * number


def fail(log: MessageCallback) -> int:
    log("failing")
    raise ModelError("the loss is no number")


def sleep(log: MessageCallback) -> int:
    log("sleeping")
    time.sleep(600)
    return 0


def test_results_come_in_the_order_of_the_jobs_though_processes_are_fewer() -> None:
    messages: list[str] = []
    assert run_in_processes([partial(double, number) for number in range(5)], 2, 1, messages.append) == [0, 2, 4, 6, 8]
    assert sorted(messages) == [f"doubling {number}" for number in range(5)]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_job_that_fails_ends_the_others(descendants: Descendants) -> None:
    before = set(descendants(os.getpid()))
    with pytest.raises(ModelError, match="the loss is no number"):
        run_in_processes([sleep, fail], 2, 1, lambda _: None)
    assert not _jobs(descendants, before)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_process_that_dies_ends_the_others_and_is_reported(descendants: Descendants) -> None:
    before = set(descendants(os.getpid()))

    def kill(_: str) -> None:
        os.kill(_jobs(descendants, before)[0], signal.SIGKILL)

    with pytest.raises(LitmineError, match=r"share the GPU was killed by signal 9; finished work is kept: run the"):
        run_in_processes([sleep, sleep], 2, 1, kill)
    assert not _jobs(descendants, before)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_command(how: signal.Signals, descendants: Descendants, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import time\nfrom litmine.runtime.gpu_jobs import run_in_processes\n\n\ndef sleep(log):\n    log('sleeping')\n"
        "    time.sleep(600)\n\n\nif __name__ == '__main__':\n"
        "    run_in_processes([sleep, sleep], 2, 1, lambda line: print(line, flush=True))\n"
    )
    from subprocess import DEVNULL, PIPE, Popen

    with Popen([sys.executable, str(script)], stdout=PIPE, stderr=DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["sleeping\n"] * 2
        started = list(descendants(process.pid))
        process.send_signal(how)
        process.wait()
    assert len(started) >= 2
    deadline = time.monotonic() + 300
    while left := [pid for pid in started if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_without_a_gpu_all_jobs_run_in_this_process() -> None:
    assert gpu_job_limit(3) == 1
    assert run_gpu_jobs([lambda _log: os.getpid()] * 3, lambda _: None) == [os.getpid()] * 3


@pytest.mark.parametrize(("gigabytes", "jobs", "at_a_time"), [(80, 3, 3), (80, 1, 1), (16, 3, 2), (6, 3, 1)])
def test_gpu_memory_limits_the_number_of_jobs(
    monkeypatch: pytest.MonkeyPatch, gigabytes: int, jobs: int, at_a_time: int
) -> None:
    class Properties:
        total_memory = gigabytes * 2**30

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: Properties)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert gpu_job_limit(jobs) == at_a_time


def _jobs(descendants: Descendants, before: set[int]) -> list[int]:
    """The processes started since `before`, without multiprocessing's resource tracker."""
    return [
        pid
        for pid in descendants(os.getpid())
        if pid not in before and b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]

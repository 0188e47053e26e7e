"""Ray's workers find what this process finds, whoever of them dies, and leave nothing open and nothing behind."""

import ipaddress
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from litmine.errors import DONE, FAILED
from litmine.lake.lake import Lake
from litmine.lake.targets import TargetSet
from litmine.tasks.registry import identify

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]
Found = Callable[[Path], dict[tuple[object, ...], float]]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
Descendants = Callable[[int], dict[int, str]]
Listening = Callable[[set[int]], list[str]]
Hold = Callable[..., Any]

TARGETS = "*/entities/*/[!_]*.parquet"


def annotate(lake: Path, model: Path, workers: int) -> tuple[object, ...]:
    """The command on Ray, in batches so small that it takes a while."""
    words = ("annotate", "--lake", lake, "--model", model, "--workers", workers)
    return (*words, "--precision", "float32", "--batch-tokens", 100)


def wait_until(true: Callable[[], object]) -> None:
    ends = time.monotonic() + 300
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)  # looking at all processes takes as long, which those that are waited for need


def alive(pid: int) -> bool:
    """Whether a process is there, and is no zombie that waits for somebody to take note."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


@pytest.mark.usefixtures("with_ray")
def test_three_workers_one_of_which_is_killed(
    start: Start,
    lake: Path,
    tiny_model: Path,
    undisturbed: object,
    found: Found,
    descendants: Descendants,
    listening: Listening,
    hold: Hold,
) -> None:
    parts = len(Lake(lake).parts())
    second = hold(TARGETS, 1)
    process = start(*annotate(lake, tiny_model, 3), RAY_ADDRESS="127.0.0.1:9", **second.environment)
    # The last may start so late that the others would have done the work: they stand still until then.
    workers = second.wait(process, 3)
    began = descendants(process.pid)
    addresses = listening({process.pid, *began})
    os.kill(workers[0], signal.SIGKILL)
    second.release()
    assert [began[pid].startswith("ray::_Worker") for pid in workers] == [True] * 3
    assert len(addresses) >= 5
    assert [address for address in addresses if not ipaddress.ip_address(address).is_loopback] == []

    _, said = process.communicate(timeout=300)
    assert process.returncode == DONE, said
    # A slow machine says in between how far it is.
    *_, line = said.splitlines()
    assert line.startswith(f"{parts} of {parts} parts done: ")
    assert found(lake) == undisturbed
    assert Lake(lake).rows("select outcome, len(gaps), counts['parts'] from runs where command = 'annotate'") == [
        ("done", 0, parts)
    ]
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in began))


@pytest.mark.usefixtures("with_ray")
def test_a_driver_that_is_killed_and_one_that_is_interrupted(
    run: Run,
    start: Start,
    lake: Path,
    tiny_model: Path,
    undisturbed: object,
    found: Found,
    descendants: Descendants,
    hold: Hold,
) -> None:
    folder, parts = TargetSet("entities", identify(str(tiny_model))).folder(lake), len(Lake(lake).parts())

    def done() -> int:
        return len(list(folder.glob("*.parquet")))

    second = hold(TARGETS, 1)
    killed = start(*annotate(lake, tiny_model, 1), **second.environment)
    workers = second.wait(killed)
    assert descendants(killed.pid)[workers[0]].startswith("ray::_Worker")
    killed.kill()
    killed.wait()
    assert done() == 1
    third = hold(TARGETS, 2)
    interrupted = start(*annotate(lake, tiny_model, 2), **third.environment)
    # What was left behind and might write ends by itself.
    wait_until(lambda: not any(map(alive, workers)))
    third.wait(interrupted)
    assert done() > 2
    began = descendants(interrupted.pid)
    interrupted.send_signal(signal.SIGINT)
    _, said = interrupted.communicate(timeout=300)
    # A slow machine says before how far it is.
    lines = [line for line in said.splitlines() if line and not line.startswith("annotating: ")]
    assert (interrupted.returncode, len(lines)) == (130, 1), said
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in began))
    assert done() < parts
    ran = run("annotate", "--lake", lake, "--model", tiny_model, "--precision", "float32")
    assert (ran.returncode, ran.stdout) == (DONE, ""), ran.stderr
    assert found(lake) == undisturbed


@pytest.mark.soak
@pytest.mark.usefixtures("with_ray")
def test_workers_that_cannot_start(start: Start, lake: Path, tiny_model: Path) -> None:
    (tiny_model / "model.safetensors").rename(tiny_model / "kept")
    (tiny_model / "model.safetensors").write_bytes(b"no weights")
    try:
        process = start(*annotate(lake, tiny_model, 2))
        _, said = process.communicate(timeout=300)
    finally:
        (tiny_model / "kept").rename(tiny_model / "model.safetensors")
    (line,) = said.splitlines()
    assert process.returncode == FAILED
    assert line.startswith(f"litmine: {tiny_model} does not hold a model that litmine can load")

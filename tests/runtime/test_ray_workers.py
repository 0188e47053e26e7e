"""Ray workers find the same entities as this process although some die, and leave no open port and no process."""

import ipaddress
import os
import re
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
EntityScores = Callable[[Path], dict[tuple[object, ...], float]]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
Descendants = Callable[[int], dict[int, str]]
Listening = Callable[[set[int]], list[str]]
PauseBefore = Callable[..., Any]

TARGETS = "*/entities/*/[!_]*.parquet"


def annotate(lake: Path, model: Path, workers: int) -> tuple[object, ...]:
    """The arguments of `annotate` on Ray, in batches so small that it takes a while."""
    words = ("annotate", "--lake", lake, "--model", model, "--workers", workers)
    return (*words, "--precision", "float32", "--batch-tokens", 100)


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 300
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # reading all processes uses the CPU that the awaited processes need


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


@pytest.mark.usefixtures("with_ray")
def test_a_killed_worker_of_three_is_replaced(
    start: Start,
    lake: Path,
    tiny_model: Path,
    expected_entities: object,
    entity_scores: EntityScores,
    descendants: Descendants,
    listening: Listening,
    pause_before: PauseBefore,
) -> None:
    parts = len(Lake(lake).parts())
    second_target = pause_before(TARGETS, 1)
    process = start(*annotate(lake, tiny_model, 3), RAY_ADDRESS="127.0.0.1:9", **second_target.environment)
    # The last worker may start late, so the others pause until then.
    workers = second_target.wait(process, 3)
    began = descendants(process.pid)
    addresses = listening({process.pid, *began})
    os.kill(workers[0], signal.SIGKILL)
    second_target.release()
    assert [began[pid].startswith("ray::_Worker") for pid in workers] == [True] * 3
    assert len(addresses) >= 5
    assert [address for address in addresses if not ipaddress.ip_address(address).is_loopback] == []

    _, stderr = process.communicate(timeout=300)
    assert process.returncode == DONE, stderr
    # A slow machine also prints progress lines.
    *_, line = stderr.splitlines()
    assert line.startswith(f"{parts} of {parts} parts done: ")
    assert entity_scores(lake) == expected_entities
    assert Lake(lake).rows("select outcome, len(gaps), counts['parts'] from runs where command = 'annotate'") == [
        ("done", 0, parts)
    ]
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in began))


@pytest.mark.usefixtures("with_ray")
def test_a_killed_driver_and_an_interrupted_driver_leave_no_process(
    run: Run,
    start: Start,
    lake: Path,
    tiny_model: Path,
    expected_entities: object,
    entity_scores: EntityScores,
    descendants: Descendants,
    pause_before: PauseBefore,
) -> None:
    folder, parts = TargetSet("entities", identify(str(tiny_model))).folder(lake), len(Lake(lake).parts())

    def done() -> int:
        return len(list(folder.glob("*.parquet")))

    second_target = pause_before(TARGETS, 1)
    killed = start(*annotate(lake, tiny_model, 1), **second_target.environment)
    workers = second_target.wait(killed)
    assert descendants(killed.pid)[workers[0]].startswith("ray::_Worker")
    killed.kill()
    killed.wait()
    assert done() == 1
    third_target = pause_before(TARGETS, 2)
    interrupted = start(*annotate(lake, tiny_model, 2), **third_target.environment)
    # The workers of the killed driver end by themselves.
    wait_until(lambda: not any(map(alive, workers)))
    third_target.wait(interrupted)
    # Two threads of a worker write at the same time, so the target before the one that waits may be unfinished.
    assert done() > 1
    began = descendants(interrupted.pid)
    interrupted.send_signal(signal.SIGINT)
    _, stderr = interrupted.communicate(timeout=300)
    # A slow machine prints progress lines before.
    lines = [line for line in stderr.splitlines() if line and not line.startswith("annotating: ")]
    assert (interrupted.returncode, len(lines)) == (130, 2), stderr
    assert re.fullmatch(
        r"\d+ of \d+ articles done(; about \d+ articles of unfinished parts will be read again)?", lines[0]
    )
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in began))
    assert done() < parts
    ran = run("annotate", "--lake", lake, "--model", tiny_model, "--precision", "float32")
    assert (ran.returncode, ran.stdout) == (DONE, ""), ran.stderr
    assert entity_scores(lake) == expected_entities


@pytest.mark.soak
@pytest.mark.usefixtures("with_ray")
def test_workers_that_cannot_load_their_model_are_a_one_line_error(start: Start, lake: Path, tiny_model: Path) -> None:
    (tiny_model / "model.safetensors").rename(tiny_model / "kept")
    (tiny_model / "model.safetensors").write_bytes(b"no weights")
    try:
        process = start(*annotate(lake, tiny_model, 2))
        _, stderr = process.communicate(timeout=300)
    finally:
        (tiny_model / "kept").rename(tiny_model / "model.safetensors")
    (line,) = stderr.splitlines()
    assert process.returncode == FAILED
    assert line.startswith(f"litmine: {tiny_model} does not hold a model that litmine can load")

"""Several processes in one of Ray's workers, as they share a GPU: what they find, and that one may die."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from litmine.lake.lake import Lake
from litmine.tasks.registry import identify

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
Found = Callable[[Path], dict[tuple[object, ...], float]]

# On a CPU, where nobody would take two: as `litmine annotate` goes on once its options are read.
RUN = """
import sys
from pathlib import Path
from litmine.pipeline.annotation_plan import build_steps, group_steps, plan_units
from litmine.runtime.ray_workers import run_on_ray
from litmine.tasks.contract import ModelSpec

lake, ref, model = sys.argv[1:]
units, _ = plan_units(Path(lake), group_steps(build_steps([ModelSpec(ref, model, "cpu", "float32", 100)], {})))
for done in run_on_ray(units, 1, 0, None, seats=2):
    print(done.unit.name, done.targets == 1, done.gaps, flush=True)
"""


@pytest.mark.usefixtures("with_ray")
def test_one_of_two_processes_of_a_worker_is_killed(
    lake: Path,
    tiny_model: Path,
    undisturbed: object,
    found: Found,
    descendants: Callable[[int], dict[int, str]],
    hold: Callable[..., Any],
) -> None:
    model = identify(str(tiny_model))
    first = hold("*/entities/*/[!_]*.parquet")
    command = [sys.executable, "-c", RUN, str(lake), str(tiny_model), model]
    environment = os.environ | first.environment
    with subprocess.Popen(command, env=environment, stdout=PIPE, stderr=PIPE, text=True) as process:
        seated = first.wait(process, 2)
        began = descendants(process.pid)
        hired = [pid for pid, name in began.items() if name.startswith("ray::_Worker")]
        os.kill(seated[0], signal.SIGKILL)
        # Another takes its seat.
        now = first.wait(process, 3)
        first.release()
        out, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert len(hired) == 1
    assert not {*hired} & {*now}
    assert [line.endswith(" True ()") for line in out.splitlines()] == [True] * len(Lake(lake).parts())
    assert found(lake) == undisturbed
    ends = time.monotonic() + 300
    while left := [pid for pid in {*began, *now} if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < ends, left
        time.sleep(0.05)

"""Several worker processes of one Ray actor find the same entities, although one of them is killed."""

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
EntityScores = Callable[[Path], dict[tuple[object, ...], float]]

# What `litmine annotate` runs, but with two worker processes on a CPU.
RUN = """
import sys
from pathlib import Path
from litmine.pipeline.annotation_plan import build_steps, group_steps, plan_units
from litmine.runtime.ray_workers import run_on_ray
from litmine.tasks.contract import ModelSpec

lake, ref, model = sys.argv[1:]
units, _ = plan_units(Path(lake), group_steps(build_steps([ModelSpec(ref, model, "cpu", "float32", 100)], {})))
for done in run_on_ray(units, 1, 0, None, processes=2):
    print(done.unit.name, done.targets == 1, done.gaps, flush=True)
"""


@pytest.mark.usefixtures("with_ray")
def test_a_killed_worker_process_of_an_actor_is_replaced(
    lake: Path,
    tiny_model: Path,
    expected_entities: object,
    entity_scores: EntityScores,
    descendants: Callable[[int], dict[int, str]],
    pause_before: Callable[..., Any],
) -> None:
    model = identify(str(tiny_model))
    first_target = pause_before("*/entities/*/[!_]*.parquet")
    command = [sys.executable, "-c", RUN, str(lake), str(tiny_model), model]
    environment = os.environ | first_target.environment
    with subprocess.Popen(command, env=environment, stdout=PIPE, stderr=PIPE, text=True) as process:
        pids = first_target.wait(process, 2)
        began = descendants(process.pid)
        actors = [pid for pid, name in began.items() if name.startswith("ray::_Worker")]
        os.kill(pids[0], signal.SIGKILL)
        # A replacement takes over.
        pids_after = first_target.wait(process, 3)
        first_target.release()
        out, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    assert len(actors) == 1
    assert not {*actors} & {*pids_after}
    assert [line.endswith(" True ()") for line in out.splitlines()] == [True] * len(Lake(lake).parts())
    assert entity_scores(lake) == expected_entities
    deadline = time.monotonic() + 300
    while left := [pid for pid in {*began, *pids_after} if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)

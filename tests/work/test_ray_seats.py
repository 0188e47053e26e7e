"""Several processes in one of Ray's workers, as they share a GPU: what they find, and that one may die."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from litmine.lake.lake import Lake
from litmine.lake.targets import TargetSet
from litmine.tasks.registry import identify

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
Found = Callable[[Path], dict[tuple[object, ...], float]]

# On a CPU, where nobody would take two: as `litmine annotate` goes on once its options are read.
RUN = """
import sys
from pathlib import Path
from litmine.work.grouping import group, steps_of
from litmine.work.plan import plan
from litmine.work.ray_backend import run_on_ray
from litmine.tasks.contract import Loading

lake, ref, model = sys.argv[1:]
tasks, _ = plan(Path(lake), group(steps_of([Loading(ref, model, "cpu", "float32", 100)], {})))
for done in run_on_ray(tasks, 1, 0, None, seats=2):
    print(done.task.name, done.made, done.gaps, flush=True)
"""


@pytest.mark.usefixtures("with_ray")
def test_one_of_two_processes_of_a_worker_is_killed(
    lake: Path, tiny_model: Path, undisturbed: object, found: Found, descendants: Callable[[int], dict[int, str]]
) -> None:
    model = identify(str(tiny_model))
    command = [sys.executable, "-c", RUN, str(lake), str(tiny_model), model]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:

        def seated() -> list[int]:
            return [
                pid
                for pid in descendants(process.pid)
                if b"multiprocessing.spawn" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ]

        ends = time.monotonic() + 300
        while process.poll() is None and not list(TargetSet("entities", model).folder(lake).glob("*.parquet")):
            assert time.monotonic() < ends
            time.sleep(0.02)
        assert process.poll() is None, process.communicate()
        began = descendants(process.pid)
        first = seated()
        hired = [pid for pid, name in began.items() if name.startswith("ray::_Hired")]
        os.kill(first[0], signal.SIGKILL)
        while (now := seated()) == first or len(now) < 2:
            assert time.monotonic() < ends
            time.sleep(0.05)
        out, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert (len(first), len(hired)) == (2, 1)
    assert [line.endswith(" True ()") for line in out.splitlines()] == [True] * len(Lake(lake).parts())
    assert found(lake) == undisturbed
    while left := [pid for pid in {*began, *now} if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < ends + 30, left
        time.sleep(0.05)

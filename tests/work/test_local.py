"""Several processes on one machine make what one makes, and what goes wrong in one of them is told."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from litmine.errors import LitmineError, ModelError
from litmine.lake.lake import Lake
from litmine.models.identity import identify
from litmine.work.local import run_shared, sharers
from litmine.work.plan import plan
from litmine.work.task import Loading, Task

Found = Callable[[Path], dict[tuple[object, ...], float]]


def planned(lake: Path, model: Path, device: str = "cpu") -> list[Task]:
    tasks, _ = plan(lake, [Loading(str(model), identify(str(model)), device, "float32", 300)])
    return [*tasks]


def test_two_processes_do_every_task_once(lake: Path, tiny_model: Path, undisturbed: object, found: Found) -> None:
    tasks, seen = planned(lake, tiny_model), set()
    done = [*run_shared(tasks, 2, lambda task, share: seen.add((task, share)))]
    assert sorted(one.task.name for one in done) == sorted(task.name for task in tasks)
    assert all(one.made and one.written for one in done)
    assert {task for task, _ in seen} == {task for task in tasks if task.size}
    assert found(lake) == undisturbed


def test_more_processes_than_tasks(lake: Path, tiny_model: Path) -> None:
    tasks = planned(lake, tiny_model)[:1]
    assert [one.task for one in run_shared(tasks, 2, lambda *_: None)] == tasks


def test_what_ends_one_is_told(lake: Path, tiny_model: Path) -> None:
    tasks, _ = plan(lake, [Loading(str(tiny_model), "tiny@0123456789ab", "cpu")])
    with pytest.raises(ModelError, match="where the work was planned"):
        [*run_shared(tasks, 2, lambda *_: None)]
    assert Lake(lake).parts()


def test_one_that_is_killed(lake: Path, tiny_model: Path, descendants: Callable[[int], dict[int, str]]) -> None:
    before = set(descendants(os.getpid()))

    def kill(_task: Task, _share: float) -> None:
        for pid, name in descendants(os.getpid()).items():
            if pid not in before and "python" in name:
                os.kill(pid, signal.SIGKILL)

    with pytest.raises(LitmineError, match=r"one of the processes that share the GPU .*; what was finished stays: run"):
        [*run_shared(planned(lake, tiny_model), 2, kill)]


def test_without_a_gpu_there_is_nothing_to_share(lake: Path, tiny_model: Path) -> None:
    assert sharers(planned(lake, tiny_model, "auto") * 99) == sharers(planned(lake, tiny_model) * 99) == 1

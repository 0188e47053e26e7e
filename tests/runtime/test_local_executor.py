"""Several processes on one machine make what one makes, and what goes wrong in one of them is told."""

import os
import signal
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from litmine.errors import LitmineError, ModelError
from litmine.pipeline.annotation_plan import build_steps, group_steps, plan_units
from litmine.runtime.local_executor import run_local
from litmine.runtime.worker_process import WorkerProcess, sharers
from litmine.tasks.contract import LoadedUnit, ModelSpec, Unit, UnitResult
from litmine.tasks.part_unit import PartUnit
from litmine.tasks.registry import identify

Found = Callable[[Path], dict[tuple[object, ...], float]]


@pytest.fixture
def workers(descendants: Callable[[int], dict[int, str]]) -> Callable[[], list[int]]:
    """The workers among the processes that this one has started."""

    def look() -> list[int]:
        return [pid for pid in descendants(os.getpid()) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    return look


def planned(lake: Path, model: Path, device: str = "cpu") -> list[PartUnit]:
    units, _ = plan_units(
        lake, group_steps(build_steps([ModelSpec(str(model), identify(str(model)), device, "float32", 300)], {}))
    )
    return [*units]


def test_two_processes_do_every_task_once_and_leave_quietly(
    lake: Path,
    tiny_model: Path,
    undisturbed: object,
    found: Found,
    workers: Callable[[], list[int]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    units, seen = planned(lake, tiny_model), set()
    done = [*run_local(units, lambda unit, share: seen.add((unit, share)), 2)]
    assert sorted(one.unit.name for one in done) == sorted(unit.name for unit in units)
    assert all(step.exists and step.written for one in done for step in one.steps)
    assert {unit for unit, _ in seen} == {unit for unit in units if unit.size}
    assert found(lake) == undisturbed
    assert not workers()
    assert capfd.readouterr().err == ""


def test_what_ends_one_is_told(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="where the work was planned"):
        WorkerProcess([ModelSpec(str(tiny_model), "tiny@0123456789ab", "cpu")], 1).load()


def test_one_that_is_killed(lake: Path, tiny_model: Path, workers: Callable[[], list[int]]) -> None:
    def kill(_unit: Unit, _share: float) -> None:
        for pid in workers():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(LitmineError, match=r"one of the processes that share the GPU .*; what was finished stays: run"):
        [*run_local(planned(lake, tiny_model), kill, 2)]


def test_who_stops_early_leaves_no_process_and_no_half_written_file(
    lake: Path, tiny_model: Path, undisturbed: object, found: Found, workers: Callable[[], list[int]]
) -> None:
    units = planned(lake, tiny_model)
    running = cast("Generator[UnitResult]", run_local(units, lambda *_: None, 2))
    next(running)
    assert len(workers()) == 2
    running.close()
    assert not workers()
    targets = {Path(str(step.targets.target_path(lake, unit.part.stem))) for unit in units for step in unit.steps}
    assert targets >= {file for target in targets for file in target.parent.iterdir()}
    assert all(one.targets for one in run_local(planned(lake, tiny_model), lambda *_: None))
    assert found(lake) == undisturbed


@dataclass(frozen=True, slots=True)
class Broken:
    """A unit with a bug."""

    model_specs: tuple[ModelSpec, ...]
    lake: Path
    size: int = 1
    name: str = "broken"
    tables: tuple[str, ...] = ("entities",)

    def remaining(self) -> "Broken":
        return self

    def load(self) -> LoadedUnit:
        raise ZeroDivisionError("a bug")


def test_a_bug_in_one_keeps_its_traceback(lake: Path, tiny_model: Path) -> None:
    (unit, *_) = planned(lake, tiny_model)
    worker = WorkerProcess(unit.model_specs, 1)
    try:
        worker.load()
        with pytest.raises(RuntimeError, match=r"(?s)Traceback.*in load.*ZeroDivisionError: a bug"):
            worker.do(Broken(unit.model_specs, lake))
        assert worker.do(unit).targets
    finally:
        worker.stop()


def test_without_a_gpu_there_is_nothing_to_share() -> None:
    assert sharers("auto", 999, 16) == sharers("cpu", 999, 16) == 1

"""Several worker processes write the same rows as one worker, and an error in one of them is reported."""

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
from litmine.runtime.worker_process import WorkerProcess, workers_per_gpu
from litmine.tasks.contract import LoadedUnit, ModelSpec, Unit, UnitResult
from litmine.tasks.part_unit import PartUnit
from litmine.tasks.registry import identify

EntityScores = Callable[[Path], dict[tuple[object, ...], float]]


@pytest.fixture
def workers(descendants: Callable[[int], dict[int, str]]) -> Callable[[], list[int]]:
    """A function that returns the process ids of the worker processes of this process."""

    def find() -> list[int]:
        return [pid for pid in descendants(os.getpid()) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    return find


def planned(lake: Path, model: Path, device: str = "cpu") -> list[PartUnit]:
    units, _ = plan_units(
        lake, group_steps(build_steps([ModelSpec(str(model), identify(str(model)), device, "float32", 300)], {}))
    )
    return [*units]


def test_two_processes_run_every_unit_once_and_exit_without_output(
    lake: Path,
    tiny_model: Path,
    expected_entities: object,
    entity_scores: EntityScores,
    workers: Callable[[], list[int]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    units, watched = planned(lake, tiny_model), set()
    results = [*run_local(units, lambda unit, share: watched.add((unit, share)), 2)]
    assert sorted(result.unit.name for result in results) == sorted(unit.name for unit in units)
    assert all(step.exists and step.written for result in results for step in result.steps)
    assert {unit for unit, _ in watched} == {unit for unit in units if unit.size}
    assert entity_scores(lake) == expected_entities
    assert not workers()
    assert capfd.readouterr().err == ""


def test_an_error_of_a_worker_process_is_raised(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="where the run started"):
        WorkerProcess([ModelSpec(str(tiny_model), "tiny@0123456789ab", "cpu")], 1).load()


def test_a_killed_worker_process_is_reported(lake: Path, tiny_model: Path, workers: Callable[[], list[int]]) -> None:
    def kill(_unit: Unit, _share: float) -> None:
        for pid in workers():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(LitmineError, match=r"one of the processes that share the GPU .*; finished work is kept: run"):
        [*run_local(planned(lake, tiny_model), kill, 2)]


def test_closing_early_leaves_no_process_and_no_half_written_file(
    lake: Path,
    tiny_model: Path,
    expected_entities: object,
    entity_scores: EntityScores,
    workers: Callable[[], list[int]],
) -> None:
    units = planned(lake, tiny_model)
    running = cast("Generator[UnitResult]", run_local(units, lambda *_: None, 2))
    next(running)
    assert len(workers()) == 2
    running.close()
    assert not workers()
    targets = {Path(str(step.targets.target_path(lake, unit.part.stem))) for unit in units for step in unit.steps}
    assert targets >= {file for target in targets for file in target.parent.iterdir()}
    assert all(result.targets for result in run_local(planned(lake, tiny_model), lambda *_: None))
    assert entity_scores(lake) == expected_entities


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


def test_a_bug_in_a_worker_process_keeps_its_traceback(lake: Path, tiny_model: Path) -> None:
    (unit, *_) = planned(lake, tiny_model)
    worker = WorkerProcess(unit.model_specs, 1)
    try:
        worker.load()
        with pytest.raises(RuntimeError, match=r"(?s)Traceback.*in load.*ZeroDivisionError: a bug"):
            worker.run(Broken(unit.model_specs, lake))
        assert worker.run(unit).targets
    finally:
        worker.stop()


def test_without_a_gpu_one_worker_is_enough() -> None:
    for device in ("auto", "cpu"):
        assert workers_per_gpu((ModelSpec("builtin", "builtin@0", device),), 999, 16) == 1

"""A worker runs without Ray, DuckDB and Biopython, and refuses a model that differs from the planned one."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import current_thread

import pytest

from litmine.errors import ModelError
from litmine.lake.lake import Lake
from litmine.pipeline.annotation_plan import build_steps, group_steps, plan_units
from litmine.runtime.worker import Worker
from litmine.tasks.contract import ModelSpec
from litmine.tasks.registry import identify

EntityScores = Callable[[Path], dict[tuple[object, ...], float]]

BARE = """
import sys
for name in ("duckdb", "ray", "Bio", "lxml", "rich", "click", "tantivy", "accelerate"):
    sys.modules[name] = None
from pathlib import Path
import litmine.tasks.qa.slice_unit
from litmine.lake.targets import TargetSet
from litmine.tasks.part_unit import ModelStep, PartUnit
from litmine.tasks.contract import ModelSpec
from litmine.runtime.worker import Worker
lake, ref, model, *parts = sys.argv[1:]
model_spec = ModelSpec(ref, model, "cpu", "float32")
worker, steps = Worker([model_spec]), (ModelStep(TargetSet("entities", model)),)
for part in parts:
    unit = PartUnit(Path(lake), Path(part), 4, (model_spec,), steps)
    (step,) = worker.run(unit).steps
    assert step.written and step.exists, step
    assert not worker.run(unit).steps[0].written
"""


def test_a_worker_needs_few_dependencies(
    lake: Path, tiny_model: Path, annotated_lake: Path, entity_scores: EntityScores
) -> None:
    parts = [Lake(lake).part(name) for name in Lake(lake).parts()[:3]]
    arguments = [str(lake), str(tiny_model), identify(str(tiny_model)), *map(str, parts)]
    subprocess.run([sys.executable, "-c", BARE, *arguments], check=True)
    targets = [path for path in lake.glob("entities/*/*.parquet") if path.stem in {part.stem for part in parts}]
    assert len(targets) == 3
    rows, all_rows = entity_scores(lake), entity_scores(annotated_lake)
    assert rows
    assert rows == pytest.approx({key: all_rows[key] for key in rows}, abs=1e-4)


def test_another_model_under_the_same_name_is_refused(tiny_model: Path) -> None:
    with pytest.raises(
        ModelError, match=r"is tiny@\w+ on this machine, but tiny@0123456789ab where the run started; install the same"
    ):
        Worker([ModelSpec(str(tiny_model), "tiny@0123456789ab")])


def test_one_thread_computes_for_all_callers(lake: Path, tiny_model: Path) -> None:
    """On a CPU: OpenMP starts a team of threads for each thread that multiplies, and the teams slow each other down."""
    model_spec = ModelSpec(str(tiny_model), identify(str(tiny_model)), "cpu", "float32")
    units, _ = plan_units(lake, group_steps(build_steps([model_spec], {})))
    worker, computed = Worker([model_spec]), list[str]()
    with ThreadPoolExecutor(3, thread_name_prefix="caller") as pool:
        results = list(pool.map(lambda unit: worker.run(unit, lambda _: computed.append(current_thread().name)), units))
    assert all(step.written for result in results for step in result.steps)
    assert len(computed) >= len(units) > 1
    assert len(set(computed)) == 1
    assert not computed[0].startswith("caller")


def test_the_plan_contains_the_parts_without_a_target(annotated_copy: Path, tiny_model: Path) -> None:
    model_specs = [ModelSpec("a", "a@1"), ModelSpec(str(tiny_model), identify(str(tiny_model)))]
    groups = group_steps(build_steps(model_specs, {}))
    units, unreadable = plan_units(annotated_copy, groups)
    assert unreadable == []
    assert sorted(unit.part.stem for unit in units) == Lake(annotated_copy).parts()
    assert {unit.model_specs for unit in units} == {(model_specs[0],)}
    assert sum(unit.size for unit in units) == 102
    orders = {tuple(unit.part for unit in plan_units(annotated_copy, groups)[0]) for _ in range(5)}
    assert len(orders) > 1

"""A worker runs where neither Ray nor DuckDB nor Biopython is installed, and refuses a model that is another one."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import current_thread

import pytest

from litmine.errors import ModelError
from litmine.lake.lake import Lake
from litmine.tasks.contract import Loading
from litmine.tasks.registry import identify
from litmine.work.plan import plan
from litmine.work.worker import Worker

Found = Callable[[Path], dict[tuple[object, ...], float]]

BARE = """
import sys
for name in ("duckdb", "ray", "Bio", "lxml", "rich", "click", "tantivy", "accelerate"):
    sys.modules[name] = None
from pathlib import Path
import litmine.tasks.qa.step
from litmine.tasks.ner.step import PartTask
from litmine.tasks.contract import Loading
from litmine.work.worker import Worker
lake, ref, model, *parts = sys.argv[1:]
loading = Loading(ref, model, "cpu", "float32")
worker = Worker(loading)
for part in parts:
    done = worker.do(PartTask(Path(lake), Path(part), 4, loading))
    assert done.written and done.made, done
    assert not worker.do(PartTask(Path(lake), Path(part), 4, loading)).written
"""


def test_a_worker_needs_little(lake: Path, tiny_model: Path, annotated_lake: Path, found: Found) -> None:
    parts = [Lake(lake).part(name) for name in Lake(lake).parts()[:3]]
    arguments = [str(lake), str(tiny_model), identify(str(tiny_model)), *map(str, parts)]
    subprocess.run([sys.executable, "-c", BARE, *arguments], check=True)
    targets = [path for path in lake.glob("entities/*/*.parquet") if path.stem in {part.stem for part in parts}]
    assert len(targets) == 3
    rows, all_rows = found(lake), found(annotated_lake)
    assert rows
    assert rows == pytest.approx({key: all_rows[key] for key in rows}, abs=1e-4)


def test_another_model_under_the_same_name_is_refused(tiny_model: Path) -> None:
    with pytest.raises(
        ModelError, match=r"is tiny@\w+ here and tiny@0123456789ab where the work was planned; give every"
    ):
        Worker(Loading(str(tiny_model), "tiny@0123456789ab"))


def test_one_thread_computes_whoever_asks(lake: Path, tiny_model: Path) -> None:
    """On a CPU: each thread that multiplies has a team of OpenMP's, and those of others slow it down."""
    loading = Loading(str(tiny_model), identify(str(tiny_model)), "cpu", "float32")
    tasks, _ = plan(lake, [loading])
    worker, computed = Worker(loading), list[str]()
    with ThreadPoolExecutor(3, thread_name_prefix="asks") as pool:
        done = list(pool.map(lambda task: worker.do(task, lambda _: computed.append(current_thread().name)), tasks))
    assert all(one.written for one in done)
    assert len(computed) >= len(tasks) > 1
    assert len(set(computed)) == 1
    assert not computed[0].startswith("asks")


def test_the_plan_is_what_has_no_target(read_lake: Path, tiny_model: Path) -> None:
    loadings = [Loading("a", "a@1"), Loading(str(tiny_model), identify(str(tiny_model)))]
    tasks, unreadable = plan(read_lake, loadings)
    assert unreadable == []
    assert sorted(task.part.stem for task in tasks) == Lake(read_lake).parts()
    assert {task.loading for task in tasks} == {loadings[0]}
    assert sum(task.size for task in tasks) == 102
    orders = {tuple(task.part for task in plan(read_lake, loadings)[0]) for _ in range(5)}
    assert len(orders) > 1

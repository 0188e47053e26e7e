"""A relation model in a worker: its network runs after its inputs exist, in the thread that computes."""

from pathlib import Path
from threading import current_thread
from typing import Any

import pyarrow.parquet as pq
import pytest

from litmine.lake.targets import TargetInput, TargetSet
from litmine.pipeline.annotation_plan import build_steps, group_steps, plan_units
from litmine.runtime.worker import StoppedError, Worker
from litmine.tasks.contract import ModelSpec
from litmine.tasks.registry import identify, trunk_digest_of
from litmine.tasks.relations.relation_model import RelationModel
from tests.fixtures.relations import changed_relations


@pytest.fixture
def model_specs(tiny_relations: Path, tiny_trunk: Path, tmp_path: Path) -> list[ModelSpec]:
    """A tagger, and a model that stores every pair of its mentions."""
    tagger = tiny_trunk.parent / "ner"
    keen = changed_relations(tiny_relations, tmp_path / "keen", {}, {"threshold": 0.0})
    return [
        ModelSpec(str(ref), identify(str(ref)), "cpu", "float32", task=task, trunk=trunk_digest_of(str(ref)))
        for ref, task in ((tagger, "ner"), (keen, "relations"))
    ]


def units_of(lake: Path, model_specs: list[ModelSpec]) -> Any:
    shown = {"entities": [TargetInput(TargetSet("entities", model_specs[0].model))]}
    units, unreadable = plan_units(lake, group_steps(build_steps(model_specs, shown)))
    assert not unreadable
    return units


def test_both_models_share_the_trunk_and_the_computing_thread(
    lake: Path, model_specs: list[ModelSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    judge = RelationModel.judge

    def watched(self: RelationModel, *arguments: Any, **more: Any) -> Any:
        threads.append(current_thread().name)
        return judge(self, *arguments, **more)

    monkeypatch.setattr(RelationModel, "judge", watched)
    units = units_of(lake, model_specs)
    assert all(unit.tables == ["entities", "relations"] for unit in units)
    worker = Worker(model_specs)
    results = [worker.run(unit) for unit in units]
    assert all(step.written for result in results for step in result.steps)
    assert len(threads) == len(units)
    assert all(name.startswith("litmine-compute") for name in threads)
    again = [worker.run(unit) for unit in units]
    assert not any(step.written for result in again for step in result.steps)


def test_the_states_of_the_taggers_pass_are_read_and_give_the_same_relations(
    lake: Path, model_specs: list[ModelSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = max(units_of(lake, model_specs), key=lambda one: one.size)
    worker = Worker(model_specs)
    computed: list[int] = []
    of_texts = RelationModel.text_states

    def watched(self: RelationModel, read: Any, *more: Any) -> Any:
        computed.append(len(read))
        return of_texts(self, read, *more)

    monkeypatch.setattr(RelationModel, "text_states", watched)
    worker.run(unit)
    assert not any(computed)
    target = unit.steps[1].targets.target_path(lake, unit.part.stem)
    together = pq.read_table(target).to_pylist()
    assert together
    target.unlink()
    worker.run(unit)
    assert any(computed)
    alone = pq.read_table(target).to_pylist()
    assert [row | {"score": pytest.approx(row["score"], abs=1e-4)} for row in together] == alone


def test_a_worker_that_is_stopped_before_the_relations_has_written_only_the_mentions(
    lake: Path, model_specs: list[ModelSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = max(units_of(lake, model_specs), key=lambda one: one.size)
    worker = Worker(model_specs)
    judge = RelationModel.judge

    def stopped(self: RelationModel, *arguments: Any, **more: Any) -> Any:
        worker.stop()
        return judge(self, *arguments, **more)

    monkeypatch.setattr(RelationModel, "judge", stopped)
    with pytest.raises(StoppedError):
        worker.run(unit)
    entities, relations = (step.targets.target_path(lake, unit.part.stem) for step in unit.steps)
    assert entities.exists()
    assert not relations.exists()

"""A classifier of marked texts in a worker: it reads the mentions that a tagger has written, and writes relations."""

from pathlib import Path
from threading import current_thread
from typing import Any

import pytest

from litmine.corpora.document_checks import CorpusReport
from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity, AnnotatedRelation
from litmine.corpora.relation_corpus import RelationCorpus
from litmine.corpora.relation_declarations import DECLARATIONS
from litmine.lake.targets import TargetInput, TargetSet
from litmine.nn.references import holds_model
from litmine.pipeline.annotation_plan import build_steps, group_steps, plan_units
from litmine.runtime.worker import Worker
from litmine.specs import spec_by_name
from litmine.tasks.contract import ModelSpec
from litmine.tasks.registry import detect_task, identify, load_task_model
from litmine.tasks.relations.marked.layers import MarkedTraining
from litmine.tasks.relations.marked.model import MarkedModel
from litmine.tasks.relations.marked.settings import MarkedOptions
from litmine.tasks.relations.marked.train import make_marked


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:
    """A classifier that relates nearly every chemical and disease of a sentence."""
    text = "Penicillin can cause rash."
    entities = AnnotatedEntity(0, 10, "Chemical", ("C",), "T1"), AnnotatedEntity(21, 25, "Disease", ("D",), "T2")
    document = AnnotatedDocument("1", text, entities, (AnnotatedRelation("induces", "C", "D", True),))
    corpus = RelationCorpus("BC5CDR", Path("x"), (document,), DECLARATIONS["BC5CDR"], CorpusReport())
    folder: Path = tmp_path_factory.mktemp("worker") / "marked"
    options = MarkedOptions(window=32, base_learning_rate=3e-3, base_batch_tokens=200)
    training = MarkedTraining("marked", str(tiny_base), options, epochs=8, dropout=0.0)
    make_marked(training, [corpus], [], folder, lambda _: None)
    return folder


def test_it_relates_what_a_tagger_has_written(
    lake: Path, tiny_model: Path, marked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert holds_model(marked)
    assert detect_task(marked) is spec_by_name("relations")
    threads: list[str] = []
    compute = MarkedModel.label_with_inputs

    def watched(self: MarkedModel, *arguments: Any, **more: Any) -> Any:
        threads.append(current_thread().name)
        return compute(self, *arguments, **more)

    monkeypatch.setattr(MarkedModel, "label_with_inputs", watched)
    specs = [
        ModelSpec(str(ref), identify(str(ref)), "cpu", "float32", task=task)
        for ref, task in ((tiny_model, "ner"), (marked, "relations"))
    ]
    shown = {"entities": [TargetInput(TargetSet("entities", specs[0].model))]}
    units, unreadable = plan_units(lake, group_steps(build_steps(specs, shown)))
    assert not unreadable
    rows = 0
    for table, spec in zip(("entities", "relations"), specs, strict=True):
        worker = Worker([spec])
        for unit in units:
            if unit.tables == [table]:
                result = worker.run(unit)
                assert all(step.written and not step.gaps for step in result.steps)
                rows += result.rows if table == "relations" else 0
    assert rows
    assert threads
    assert all(name.startswith("litmine-compute") for name in threads)


def test_relations_of_texts_with_and_without_pairs(marked: Path) -> None:
    model = load_task_model(str(marked), "relations", precision="float32")
    text = "Rash was seen. Penicillin can cause rash. The end."
    mentions = [AnnotatedEntity(15, 25, "Chemical", ("C",), "T1"), AnnotatedEntity(36, 40, "Disease", ("D",), "T2")]
    none, found = model.relate(["No mentions.", text], [[], mentions])
    assert none == []
    (relation,) = found
    assert (relation.relation_type, relation.subject, relation.object) == ("induces", "Penicillin", "rash")
    assert text[relation.evidence_start : relation.evidence_end] == "Penicillin can cause rash."
    assert 0.5 <= relation.score <= 1


def test_a_foreign_classifier_without_a_declaration_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    from transformers import BertConfig, BertForSequenceClassification

    from litmine.errors import ModelError

    BertForSequenceClassification(BertConfig.from_pretrained(tiny_base, num_labels=2)).save_pretrained(tmp_path)
    assert detect_task(tmp_path) is spec_by_name("classification")
    with pytest.raises(ModelError, match=r"holds a classifier of texts; .* add relations\.json to the folder"):
        identify(str(tmp_path), [spec_by_name("relations")])

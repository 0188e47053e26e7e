"""A relation model at work: what it finds does not depend on batches, order or neighbours; its digest, its errors."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity
from litmine.corpora.relation_corpus import read_relation_corpus
from litmine.errors import ModelError
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.registry import identify, load_task_model
from litmine.tasks.relations.relation_model import JudgedText, RelationModel
from litmine.tasks.relations.settings import RelationSettings
from tests.fixtures.relations import changed_relations as changed


@pytest.fixture(scope="module")
def model(tiny_relations: Path) -> RelationModel:
    loaded = load_task_model(str(tiny_relations), "relations", precision="float32")
    assert isinstance(loaded, RelationModel)
    return loaded


@pytest.fixture(scope="module")
def documents(made_documents: tuple[Path, Path]) -> tuple[AnnotatedDocument, ...]:
    return read_relation_corpus(made_documents[1]).documents


def logits_of(judged: JudgedText | FailedItem) -> np.ndarray:
    assert isinstance(judged, JudgedText)
    return judged.logits


def test_it_tells_the_sentences_that_it_learnt_to_tell(model: RelationModel, made_documents: tuple[Path, Path]) -> None:
    learnt = read_relation_corpus(made_documents[0]).documents
    found = model.relate([one.text for one in learnt], [one.entities for one in learnt])
    right = sum(bool(rows) == bool(one.relations) for one, rows in zip(learnt, found, strict=True))
    assert right >= 0.9 * len(learnt)
    row = next(rows[0] for rows in found if rows)
    assert (row.relation_type, row.subject_type, row.object_type) == ("induces", "Chemical", "Disease")
    assert row.subject_id is not None
    assert 0 < row.score <= 1


def test_scores_do_not_depend_on_batches_or_order(
    tiny_relations: Path, model: RelationModel, documents: tuple[AnnotatedDocument, ...]
) -> None:
    texts, mentions = [one.text for one in documents], [one.entities for one in documents]
    together = model.judge(texts, mentions)
    small = load_task_model(str(tiny_relations), "relations", precision="float32", batch_tokens=40)
    order = random.Random(1).sample(range(len(texts)), len(texts))
    apart = small.judge([texts[i] for i in order], [mentions[i] for i in order])
    for place, i in enumerate(order):
        np.testing.assert_allclose(logits_of(apart[place]), logits_of(together[i]), atol=1e-4)


def test_a_text_that_fails_costs_only_itself(model: RelationModel, documents: tuple[AnnotatedDocument, ...]) -> None:
    texts, mentions = [one.text for one in documents[:4]], [one.entities for one in documents[:4]]
    read = model.read(texts)
    alone = model.judge(texts, mentions, read)
    read[1] = FailedItem("cannot be read")
    judged = model.judge(texts, mentions, read)
    assert judged[1] == FailedItem("cannot be read")
    for i in (0, 2, 3):
        np.testing.assert_allclose(logits_of(judged[i]), logits_of(alone[i]), atol=1e-4)


def test_a_stretch_with_an_unknown_token_costs_only_its_text(
    model: RelationModel, documents: tuple[AnnotatedDocument, ...]
) -> None:
    texts, mentions = [one.text for one in documents[:4]], [one.entities for one in documents[:4]]
    read = model.read(texts)
    assert not isinstance(read[2], FailedItem)
    read[2].ids[:] = 10**6
    judged = model.judge(texts, mentions, read)
    assert [isinstance(one, FailedItem) for one in judged] == [False, False, True, False]


def test_texts_without_pairs_have_no_relations(model: RelationModel) -> None:
    drug = AnnotatedEntity(0, 7, "Chemical", (), "T1")
    other = AnnotatedEntity(0, 7, "Strange", (), "T2")
    assert model.relate(["", "Nothing.", "Aspirin helps."], [[], [], [drug, other]]) == [[], [], []]


def test_a_pair_that_is_too_far_apart_for_a_window_is_not_judged(model: RelationModel) -> None:
    text = "Aspirin " + "and so on " * 400 + "fever."
    mentions = [
        AnnotatedEntity(0, 7, "Chemical", (), "T1"),
        AnnotatedEntity(len(text) - 6, len(text) - 1, "Disease", (), "T2"),
    ]
    assert model.relate([text], [mentions]) == [[]]
    near = [mentions[0], AnnotatedEntity(8, 11, "Disease", (), "T3")]
    (judged,) = model.judge([text], [near])
    assert len(logits_of(judged)) == 1


@pytest.mark.parametrize("head", [{"threshold": 0.93}, {"max_sentences": 1}])
def test_the_digest_changes_with_what_changes_the_rows(
    tiny_relations: Path, tmp_path: Path, head: dict[str, Any]
) -> None:
    same = changed(tiny_relations, tmp_path / "same", {})
    assert identify(str(same)) == identify(str(tiny_relations))
    assert identify(str(changed(tiny_relations, tmp_path, {}, head))) != identify(str(tiny_relations))


def test_a_higher_threshold_stores_fewer_relations(
    tiny_relations: Path, model: RelationModel, documents: tuple[AnnotatedDocument, ...], tmp_path: Path
) -> None:
    strict = load_task_model(str(changed(tiny_relations, tmp_path, {}, {"threshold": 1.0})), "relations")
    texts, mentions = [one.text for one in documents], [one.entities for one in documents]
    stored = sum(map(len, model.relate(texts, mentions)))
    assert sum(map(len, strict.relate(texts, mentions))) < stored


@pytest.mark.parametrize(
    ("change", "head", "said"),
    [
        ({"kind": "oracle"}, {}, "kind 'oracle'"),
        ({"max_tokens": 2}, {}, "must be positive"),
        ({"decoding": 99}, {}, "decoding version 99"),
        ({}, {"threshold": 1.5}, "threshold"),
        ({"entity_types": ["Chemical"]}, {}, "not in entity_types"),
        ({"unknown": 1}, {}, "unknown"),
    ],
)
def test_settings_that_no_training_writes_are_refused(
    tiny_relations: Path, tmp_path: Path, change: dict[str, Any], head: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        identify(str(changed(tiny_relations, tmp_path, change, head)))


def test_settings_are_read_as_written(tiny_relations: Path, tmp_path: Path) -> None:
    settings = RelationSettings.load(tiny_relations)
    settings.save(tmp_path)
    written = json.loads((tmp_path / "litmine.json").read_text(encoding="utf-8"))
    assert written == json.loads((tiny_relations / "litmine.json").read_text(encoding="utf-8"))

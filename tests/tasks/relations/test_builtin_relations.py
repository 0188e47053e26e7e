"""The built-in relation model: its size, its heads, and what it finds in plain sentences."""

from pathlib import Path

import pytest

from litmine.corpora.documents import AnnotatedEntity
from litmine.nn.references import builtin_folder
from litmine.tasks.registry import load_task_model
from litmine.tasks.relations.relation_model import RelationModel
from litmine.tasks.relations.settings import RelationSettings


@pytest.fixture(scope="module")
def folder() -> Path:
    return builtin_folder("builtin-relations")


@pytest.fixture(scope="module")
def model() -> RelationModel:
    loaded = load_task_model("builtin-relations", "relations", precision="float32")
    assert isinstance(loaded, RelationModel)
    return loaded


def mention(text: str, words: str, kind: str) -> AnnotatedEntity:
    start = text.index(words)
    return AnnotatedEntity(start, start + len(words), kind, (), words)


def test_it_is_small_and_described(folder: Path, model: RelationModel) -> None:
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 2_300_000
    assert model.name in (folder / "README.md").read_text(encoding="utf-8")
    heads = {one.name: one.default for one in RelationSettings.load(folder).heads}
    assert heads == {
        "chemical-gene": True, "induces": True, "biored": True, "gene-disease": False, "adverse-effects": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "first", "second", "relation_type"),
    [
        ("Gefitinib is a selective inhibitor of EGFR.", ("Gefitinib", "Chemical"), ("EGFR", "Gene"), "inhibits"),
        ("Haloperidol-induced catalepsy was seen in all rats.", ("Haloperidol", "Chemical"), ("catalepsy", "Disease"),
         "induces"),
        ("A patient developed hepatitis after treatment with isoniazid.", ("isoniazid", "Chemical"),
         ("hepatitis", "AdverseEffect"), "adverse_effect"),
    ],
)  # fmt: skip
def test_it_finds_plain_relations(
    model: RelationModel, text: str, first: tuple[str, str], second: tuple[str, str], relation_type: str
) -> None:
    (rows,) = model.relate([text], [[mention(text, *first), mention(text, *second)]])
    found = {(one.subject, one.relation_type, one.object) for one in rows}
    assert (first[0], relation_type, second[0]) in found

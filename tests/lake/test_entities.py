"""A target holds what the model found, to the letter, or is refused."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litmine import Lake
from litmine.errors import LakeError, SchemaError
from litmine.lake.articles import NewTexts, new_texts
from litmine.lake.targets import FailedText, Input, TargetFooter, TargetSet, inputs_key, write_target
from litmine.schema import arrow_schema
from litmine.tasks.ner.tagger import entity_rows
from litmine.types import Entity, SourceRecord

MODEL = "m@0123456789ab"
Seen = Callable[..., SourceRecord]


def footer(part: str, texts: int, *failed: FailedText, model: str = MODEL) -> TargetFooter:
    return TargetFooter(model, part, texts, failed, "cpu", "float32", 0.5, 100, {"litmine": "0"})


def entity(text: str, start: int, end: int, kind: str = "Disease", score: float = 0.5) -> Entity:
    return Entity(text[start:end], kind, start, end, score)


SET = TargetSet("entities", MODEL)
TEXTS = NewTexts([20, 10], [2, 1], ["an allergy", "asthma attack"])


def test_rows_are_sorted_and_declared(tmp_path: Path) -> None:
    found = [[entity("an allergy", 3, 10)], [entity("asthma attack", 7, 13), entity("asthma attack", 0, 6)]]
    assert write_target(tmp_path, SET, "p", TEXTS, entity_rows(TEXTS, found), footer("p", 2))
    path = SET.target(tmp_path, "p")
    table = pq.read_table(path, partitioning=None)
    assert table["mention"].to_pylist() == ["asthma", "attack", "allergy"]
    assert table["pmid"].to_pylist() == [10, 10, 20]
    ids = [field.metadata[b"PARQUET:field_id"] for field in table.schema]
    assert ids == [field.metadata[b"PARQUET:field_id"] for field in arrow_schema("entities")]
    before = path.read_bytes()
    assert not write_target(tmp_path, SET, "p", TEXTS, entity_rows(TEXTS, [[], []]), footer("p", 2))
    assert path.read_bytes() == before


def test_no_entity_is_a_target_too(tmp_path: Path) -> None:
    assert write_target(tmp_path, SET, "p", NewTexts([], [], []), entity_rows(NewTexts([], [], []), []), footer("p", 0))
    assert SET.target(tmp_path, "p").exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (Entity("llergy", "Disease", 3, 10, 0.5), r"PMID 20: .*stands at 3:10, where the text has 'allergy'"),
        (Entity("", "Disease", 3, 3, 0.5), "PMID 20: .*outside a text of 10"),
        (Entity("allergy", "Disease", 3, 11, 0.5), "PMID 20: .*outside a text of 10"),
        (Entity("allergy", "Disease", -7, 10, 0.5), "PMID 20: .*outside a text of 10"),
        (Entity("allergy", "Disease", 3, 10, float("nan")), "PMID 20: .*no probability"),
        (Entity("allergy", "Disease", 3, 10, 1.01), "PMID 20: .*no probability"),
        (Entity("allergy", None, 3, 10, 0.5), r"entities\.entity_type has 1 nulls"),  # type: ignore[arg-type]
        (Entity("allergy", 7, 3, 10, 0.5), "not as declared"),  # type: ignore[arg-type]
    ],
)
def test_a_row_that_does_not_hold_is_refused(tmp_path: Path, wrong: Entity, sentence: str) -> None:
    with pytest.raises(SchemaError, match=sentence):
        write_target(tmp_path, SET, "p", TEXTS, entity_rows(TEXTS, [[wrong], []]), footer("p", 2))
    assert not list(tmp_path.rglob("*.parquet"))


def test_what_does_not_fit_together_is_refused(tmp_path: Path) -> None:
    failed = FailedText(20, 2, "boom")
    rows = entity_rows(TEXTS, [[entity("an allergy", 3, 10)], []])
    misfits = [
        (rows, footer("p", 2, failed)),
        (rows, footer("p", 3)),
        (rows, footer("q", 2)),
        (rows, footer("p", 2, FailedText(30, 3, "of another part"))),
        (rows, replace(footer("p", 2), model="other@1")),
        ([(20, 7, *rows[0][2:])], footer("p", 2)),
        ([row[:-1] for row in rows], footer("p", 2)),
    ]
    for some, wrong in misfits:
        with pytest.raises((SchemaError, ValueError)):
            write_target(tmp_path, SET, "p", TEXTS, some, wrong)
    assert not list(tmp_path.rglob("*.parquet"))
    assert write_target(tmp_path, SET, "p", TEXTS, [], footer("p", 2, failed))


def test_a_damaged_part_is_named(lake: Lake, seen: Seen) -> None:
    (name,) = lake.add([seen(0, pmid, f"title {pmid}") for pmid in range(50)], source="a", dated=True).parts
    data = lake.part(name).read_bytes()
    for broken in (b"", data[: len(data) // 2], data.replace(b"PAR1", b"PAR2"), data[:60] + b"\0" * 8 + data[68:]):
        lake.part(name).write_bytes(broken)
        with pytest.raises(LakeError, match=rf"{name}\.parquet is damaged .*; restore it, or delete each"):
            new_texts(lake.part(name))
    lake.part(name).unlink()
    with pytest.raises(LakeError, match="is gone"):
        new_texts(lake.part(name))


def test_model_names_make_folders(tmp_path: Path) -> None:
    assert TargetSet("entities", "builtin@0123").folder(tmp_path).name == "model=builtin@0123"
    assert TargetSet("entities", "a/b c+d%é@1").folder(tmp_path).parent == tmp_path / "entities"


def test_inputs_make_folders_that_tell_them_apart() -> None:
    one, other = Input(TargetSet("entities", "a@1")), Input(TargetSet("entities", "b@1"))
    keys = [
        inputs_key([one]),
        inputs_key([other]),
        inputs_key([one, other]),
        inputs_key([Input(one.targets, ("Disease",))]),
        inputs_key([Input(one.targets, ("Disease", "Gene"))]),
        inputs_key([Input(replace(one.targets, inputs="c@1"))]),
    ]
    assert keys[:2] == ["a@1", "b@1"]
    assert len(set(keys)) == len(keys)
    assert inputs_key([other, one]) == keys[2]
    assert inputs_key([]) == ""


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Lake.create(tmp_path_factory.mktemp("lakes") / "empty").path


# Any Unicode but lone surrogates, with a leaning towards what offsets are commonly wrong about.
TRICKY = "\0\u0301\u200d\u200b\xa0\U0001f9ec\U00010400é\t\n "
TEXT = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(TRICKY)), min_size=1)


@settings(max_examples=settings().max_examples // 3)  # an example is a lake
@given(data=st.data(), titles=st.lists(TEXT, min_size=1, max_size=6))
def test_offsets_hold_in_sql_for_any_text(empty_lake: Path, seen: Seen, data: st.DataObject, titles: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(shutil.copytree(empty_lake, folder, dirs_exist_ok=True))
        records = [seen(0, pmid, title, title[::-1]) for pmid, title in enumerate(titles)]
        (name,) = lake.add(records, source="a", dated=True).parts
        texts = new_texts(lake.part(name))
        assert texts.texts == [f"{title} {title[::-1]}" for title in titles]
        found = []
        for text in texts.texts:
            start = data.draw(st.integers(0, len(text) - 1))
            found.append([entity(text, start, data.draw(st.integers(start + 1, len(text))))])
        write_target(lake.path, SET, name, texts, entity_rows(texts, found), footer(name, len(texts)))
        held = lake.sql(
            "SELECT mention, substr(text, start_char + 1, end_char - start_char) = mention AS holds "
            "FROM all_entities JOIN articles USING (pmid) ORDER BY pmid"
        )
    assert held["mention"].to_pylist() == [entities[0].mention for entities in found]
    assert all(held["holds"].to_pylist())

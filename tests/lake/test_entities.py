"""Tests of targets: mentions are stored with exact offsets, and invalid rows are refused."""

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
from litmine.lake.articles import NewTexts, read_new_texts
from litmine.lake.targets import FailedText, TargetFooter, TargetInput, TargetSet, inputs_key, write_target
from litmine.schema import arrow_schema
from litmine.tasks.ner.model import entity_rows
from litmine.types import Entity, SourceRecord
from tests.fixtures.examples import fewer_examples

MODEL = "m@0123456789ab"
MakeRecord = Callable[..., SourceRecord]


def footer(part: str, texts: int, *failed: FailedText, model: str = MODEL) -> TargetFooter:
    return TargetFooter(model, part, texts, failed, "cpu", "float32", 0.5, 100, {"litmine": "0"})


def entity(text: str, start: int, end: int, entity_type: str = "Disease", score: float = 0.5) -> Entity:
    return Entity(text[start:end], entity_type, start, end, score)


TARGET_SET = TargetSet("entities", MODEL)
TEXTS = NewTexts([20, 10], [2, 1], ["an allergy", "asthma attack"], [[], []])


def test_rows_are_sorted_and_have_the_declared_columns(tmp_path: Path) -> None:
    entities = [[entity("an allergy", 3, 10)], [entity("asthma attack", 7, 13), entity("asthma attack", 0, 6)]]
    assert write_target(tmp_path, TARGET_SET, "p", TEXTS, entity_rows(TEXTS, entities), footer("p", 2))
    path = TARGET_SET.target_path(tmp_path, "p")
    table = pq.read_table(path, partitioning=None)
    assert table["mention"].to_pylist() == ["asthma", "attack", "allergy"]
    assert table["pmid"].to_pylist() == [10, 10, 20]
    ids = [field.metadata[b"PARQUET:field_id"] for field in table.schema]
    assert ids == [field.metadata[b"PARQUET:field_id"] for field in arrow_schema("entities")]
    before = path.read_bytes()
    assert not write_target(tmp_path, TARGET_SET, "p", TEXTS, entity_rows(TEXTS, [[], []]), footer("p", 2))
    assert path.read_bytes() == before


def test_a_target_without_rows_is_written(tmp_path: Path) -> None:
    assert write_target(
        tmp_path, TARGET_SET, "p", NewTexts([], [], [], []), entity_rows(NewTexts([], [], [], []), []), footer("p", 0)
    )
    assert TARGET_SET.target_path(tmp_path, "p").exists()


@pytest.mark.parametrize(
    ("bad_entity", "message"),
    [
        (Entity("llergy", "Disease", 3, 10, 0.5), r"PMID 20: .*is at 3:10, but the text there is 'allergy'"),
        (Entity("", "Disease", 3, 3, 0.5), "PMID 20: .*outside its text .length 10."),
        (Entity("allergy", "Disease", 3, 11, 0.5), "PMID 20: .*outside its text .length 10."),
        (Entity("allergy", "Disease", -7, 10, 0.5), "PMID 20: .*outside its text .length 10."),
        (Entity("allergy", "Disease", 3, 10, float("nan")), "PMID 20: .*not a probability"),
        (Entity("allergy", "Disease", 3, 10, 1.01), "PMID 20: .*not a probability"),
        (Entity("allergy", None, 3, 10, 0.5), r"entities\.entity_type has 1 nulls"),  # type: ignore[arg-type]
        (Entity("allergy", 7, 3, 10, 0.5), "wrong type"),  # type: ignore[arg-type]
    ],
)
def test_an_invalid_row_is_refused(tmp_path: Path, bad_entity: Entity, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        write_target(tmp_path, TARGET_SET, "p", TEXTS, entity_rows(TEXTS, [[bad_entity], []]), footer("p", 2))
    assert not list(tmp_path.rglob("*.parquet"))


def test_rows_or_footers_that_do_not_match_the_part_are_refused(tmp_path: Path) -> None:
    failed = FailedText(20, 2, "boom")
    rows = entity_rows(TEXTS, [[entity("an allergy", 3, 10)], []])
    mismatches = [
        (rows, footer("p", 2, failed)),
        (rows, footer("p", 3)),
        (rows, footer("q", 2)),
        (rows, footer("p", 2, FailedText(30, 3, "of another part"))),
        (rows, replace(footer("p", 2), model="other@1")),
        ([(20, 7, *rows[0][2:])], footer("p", 2)),
        ([row[:-1] for row in rows], footer("p", 2)),
    ]
    for bad_rows, bad_footer in mismatches:
        with pytest.raises((SchemaError, ValueError)):
            write_target(tmp_path, TARGET_SET, "p", TEXTS, bad_rows, bad_footer)
    assert not list(tmp_path.rglob("*.parquet"))
    assert write_target(tmp_path, TARGET_SET, "p", TEXTS, [], footer("p", 2, failed))


def test_a_damaged_part_is_reported_by_name(lake: Lake, make_record: MakeRecord) -> None:
    (name,) = lake.add([make_record(0, pmid, f"title {pmid}") for pmid in range(50)], source="a", dated=True).parts
    data = lake.part(name).read_bytes()
    for broken in (b"", data[: len(data) // 2], data.replace(b"PAR1", b"PAR2"), data[:60] + b"\0" * 8 + data[68:]):
        lake.part(name).write_bytes(broken)
        with pytest.raises(LakeError, match=rf"{name}\.parquet is damaged .*; restore it, or delete each"):
            read_new_texts(lake.part(name))
    lake.part(name).unlink()
    with pytest.raises(LakeError, match="is gone"):
        read_new_texts(lake.part(name))


def test_model_names_become_folder_names(tmp_path: Path) -> None:
    assert TargetSet("entities", "builtin@0123").folder(tmp_path).name == "model=builtin@0123"
    assert TargetSet("entities", "a/b c+d%é@1").folder(tmp_path).parent == tmp_path / "entities"


def test_different_inputs_have_different_keys() -> None:
    first, second = TargetInput(TargetSet("entities", "a@1")), TargetInput(TargetSet("entities", "b@1"))
    keys = [
        inputs_key([first]),
        inputs_key([second]),
        inputs_key([first, second]),
        inputs_key([TargetInput(first.targets, ("Disease",))]),
        inputs_key([TargetInput(first.targets, ("Disease", "Gene"))]),
        inputs_key([TargetInput(replace(first.targets, inputs="c@1"))]),
    ]
    assert keys[:2] == ["a@1", "b@1"]
    assert len(set(keys)) == len(keys)
    assert inputs_key([second, first]) == keys[2]
    assert inputs_key([]) == ""


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Lake.create(tmp_path_factory.mktemp("lakes") / "empty").path


# Any Unicode except lone surrogates, and more often characters that offsets often get wrong.
TRICKY = "\0\u0301\u200d\u200b\xa0\U0001f9ec\U00010400é\t\n "
TEXT = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(TRICKY)), min_size=1)


@settings(max_examples=fewer_examples(gate=6, soak=1000))  # each example makes a lake
@given(data=st.data(), titles=st.lists(TEXT, min_size=1, max_size=6))
def test_offsets_are_exact_in_sql_for_any_text(
    empty_lake: Path, make_record: MakeRecord, data: st.DataObject, titles: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(shutil.copytree(empty_lake, folder, dirs_exist_ok=True))
        records = [make_record(0, pmid, title, title[::-1]) for pmid, title in enumerate(titles)]
        (name,) = lake.add(records, source="a", dated=True).parts
        texts = read_new_texts(lake.part(name))
        assert texts.texts == [f"{title} {title[::-1]}" for title in titles]
        found: list[list[Entity]] = []
        for text in texts.texts:
            start = data.draw(st.integers(0, len(text) - 1))
            found.append([entity(text, start, data.draw(st.integers(start + 1, len(text))))])
        write_target(lake.path, TARGET_SET, name, texts, entity_rows(texts, found), footer(name, len(texts)))
        rows = lake.sql(
            "SELECT mention, substr(text, start_char + 1, end_char - start_char) = mention AS holds "
            "FROM all_entities JOIN articles USING (pmid) ORDER BY pmid"
        )
    assert rows["mention"].to_pylist() == [entities[0].mention for entities in found]
    assert all(rows["holds"].to_pylist())

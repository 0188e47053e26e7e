"""`doctor` names each kind of damage in a lake with its remedy, and finds no problem in an undamaged lake."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from litmine import Lake
from litmine.atomic_write import TEMPORARY
from litmine.errors import DONE, FAILED
from litmine.lake.articles import read_new_texts
from litmine.lake.concept_parts import concept_folder
from litmine.lake.pair_update import update_pairs
from litmine.lake.parquet import FOOTER_KEY
from litmine.lake.runs import ActiveModel, Run
from litmine.lake.targets import TargetFooter, TargetSet, write_target
from litmine.pipeline.doctor.concept_files import examine_concepts
from litmine.pipeline.doctor.environment import examine_environment
from litmine.pipeline.doctor.examine import examine_lake
from litmine.pipeline.doctor.finding import Finding
from litmine.search.index import SearchIndex
from litmine.search.index_state import read_state, search_folder, state_file
from litmine.tasks.ner.model import entity_rows
from litmine.types import Article, Entity, SourceRecord
from tests.fixtures.written_concepts import add_twenty

Seen = Callable[..., SourceRecord]
RunCommand = Callable[..., CompletedProcess[str]]
MODEL = "m@0123456789ab"


@pytest.fixture(scope="session")
def sound_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two parts, read by one model, and a search index. Copy it, do not change it."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    lake = Lake.create(tmp_path_factory.mktemp("sound") / "lake")
    articles = (Article(pmid, f"Allergy {pmid} \U0001f9ec", "Asthma of " + "long words " * 50) for pmid in range(1, 41))
    lake.add((SourceRecord(article, now) for article in articles), source="made", dated=True, part_size=20)
    for part in lake.parts():
        texts = read_new_texts(lake.part(part))
        found = [[Entity("Allergy", "Disease", 0, 7, 0.5)] for _ in texts.texts]
        footer = TargetFooter(MODEL, part, len(texts), [], "cpu", "float32", 1, 1, {})
        write_target(lake.path, TargetSet("entities", MODEL), part, texts, entity_rows(texts, found), footer)
    lake.record_run(Run("r", "annotate", now, now, "done", models=[MODEL], active=[ActiveModel("ner", MODEL)]))
    SearchIndex.open(lake)
    return lake.path


@pytest.fixture
def lake(sound_lake: Path, place_lake: Callable[[Path], Path]) -> Lake:
    return Lake(place_lake(sound_lake))


def unsound(lake: Lake, deep: bool = False) -> list[Finding]:
    return [finding for finding in examine_lake(lake, deep=deep) if finding.level != "ok"]


def only(lake: Lake, deep: bool = False) -> Finding:
    (finding,) = unsound(lake, deep)
    return finding


def target(lake: Lake, number: int = 0) -> Path:
    return lake.path / "entities" / f"model={MODEL}" / f"{lake.parts()[number]}.parquet"


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the rows of a file, without the checks of litmine."""
    with pq.ParquetFile(path) as file:
        table, footer = file.read(), file.metadata.metadata[FOOTER_KEY]
    with pq.ParquetWriter(path, (changed := change(table)).schema, store_schema=False) as writer:
        writer.write_table(changed)
        writer.add_key_value_metadata({FOOTER_KEY: footer})


@pytest.mark.parametrize("deep", [False, True])
def test_an_undamaged_lake_has_no_problem(lake: Lake, deep: bool) -> None:
    findings = list(examine_lake(lake, deep=deep))
    assert [finding.level for finding in findings] == ["ok"] * 3
    assert [finding.subject for finding in findings] == ["files", "offsets", "search"]
    assert "the offsets of 2 targets match the texts" in findings[1].message


def test_a_truncated_part(lake: Lake) -> None:
    part = lake.part(lake.parts()[0])
    part.write_bytes(part.read_bytes()[:-100])
    found = only(lake)
    assert (found.level, found.subject) == ("wrong", f"articles/{part.name}")
    assert "is damaged" in found.message
    assert "restore it, or delete each" in found.message


def test_a_flipped_byte_in_a_page(lake: Lake) -> None:
    path = target(lake)
    data = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(6)
    assert column.path_in_schema == "score"
    first = column.dictionary_page_offset or column.data_page_offset
    data[first + column.total_compressed_size - 3] ^= 1
    path.write_bytes(data)
    assert unsound(lake) == []
    found = unsound(lake, deep=True)
    assert found[0].subject == path.relative_to(lake.path).as_posix()
    assert "delete it and run `litmine annotate --model FOLDER` again, with the folder of " in found[0].message


def test_a_target_in_the_folder_of_another_model(lake: Lake) -> None:
    folder = target(lake).parent
    folder.rename(folder.with_name("model=other@000000000000"))
    assert unsound(lake) != []
    found = unsound(lake, deep=True)
    model = folder.name.removeprefix("model=")
    assert (
        f"was made by {model}, but is in the folder of other@000000000000; delete the file and run" in found[0].message
    )


def test_a_wrong_field_id(lake: Lake) -> None:
    def renumber(table: pa.Table) -> pa.Table:
        fields = [
            field.with_metadata({"PARQUET:field_id": "77"}) if field.name == "mention" else field
            for field in table.schema
        ]
        return table.cast(pa.schema(fields))

    rewrite(target(lake), renumber)
    found = only(lake)
    assert found.level == "wrong"
    assert "the column mention has the field id 77, declared is 5" in found.message


def test_a_missing_column(lake: Lake) -> None:
    rewrite(target(lake), lambda table: table.drop_columns("score"))
    assert "it lacks the column score" in only(lake).message


def test_a_wrong_offset(lake: Lake) -> None:
    def move(table: pa.Table) -> pa.Table:
        start = table.schema.get_field_index("start_char")
        values = [value + 1 for value in table.column(start).to_pylist()]
        return table.set_column(start, table.schema.field(start), pa.array(values, pa.int32()))

    rewrite(target(lake), move)
    found = only(lake)
    assert (found.level, found.subject) == ("wrong", target(lake).relative_to(lake.path).as_posix())
    assert "'Allergy' is at 1:7, but the text there is 'llergy'; delete the file" in found.message


def test_a_text_that_does_not_match_its_hash(lake: Lake) -> None:
    def rephrase(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("abstract")
        values = [value.replace("long", "late") for value in table.column(place).to_pylist()]
        return table.set_column(place, table.schema.field(place), pa.array(values, pa.string()))

    rewrite(lake.path / "articles" / f"{lake.parts()[0]}.parquet", rephrase)
    assert unsound(lake) == []
    assert "does not match its hash" in only(lake, deep=True).message


def test_an_orphan_target(lake: Lake) -> None:
    lake.part(lake.parts()[0]).unlink()
    found = unsound(lake)
    assert found[0].level == "wrong"
    assert "has no article part; restore articles/" in found[0].message


def test_a_missing_target_and_a_missing_folder(lake: Lake) -> None:
    target(lake).unlink()
    found = only(lake)
    assert (found.level, found.message) == (
        "note",
        "has not read 1 part; run `litmine annotate --model FOLDER`, with the folder of m",
    )
    shutil.rmtree(target(lake).parent)
    found = only(lake)
    assert (found.level, found.subject) == ("wrong", f"model {MODEL}")
    assert "has no results in the lake; run `litmine annotate`" in found.message


def test_leftovers_of_a_killed_run(lake: Lake) -> None:
    left = lake.path / "articles" / f".part.parquet.0123{TEMPORARY}"
    left.write_bytes(b"half")
    assert "is being written, or was left by a run killed" in only(lake).message
    os.utime(left, (0, 0))
    found = only(lake)
    assert (found.level, f"delete {left}" in found.message) == ("note", True)


def test_files_of_other_programs(lake: Lake) -> None:
    (lake.path / "notes.txt").write_text("mine")
    assert "is not a file of litmine" in only(lake).message
    (lake.path / "notes.txt").unlink()
    pq.write_table(pa.table({"a": [1]}), lake.path / "articles" / "mine.parquet")
    found = only(lake)
    assert (found.level, found.subject) == ("wrong", "articles/mine.parquet")


@pytest.mark.parametrize("what", ["state", "index"])
def test_a_broken_search_index(lake: Lake, what: str) -> None:
    state = read_state(lake.path)
    assert state is not None
    broken = state_file(lake.path) if what == "state" else search_folder(lake.path) / state.folder / "meta.json"
    broken.write_bytes(b"{")
    found = only(lake)
    assert (found.level, found.subject) == ("wrong", "search")
    assert f"delete {search_folder(lake.path)}, and the next question rebuilds it" in found.message


def test_the_folder_of_concepts(place_lake: Callable[[], Path]) -> None:
    lake = Lake(place_lake())
    add_twenty(lake)
    update_pairs(lake.location)

    def found(deep: bool) -> list[tuple[str, str]]:
        all_found = examine_concepts(lake, deep)
        return [(finding.level, finding.subject) for finding in all_found]

    assert found(deep=False) == found(deep=True) == [("ok", "concepts")]
    folder = concept_folder(lake.location)
    (file,) = folder.glob("articles-*.parquet")
    content = bytearray(file.read_bytes())
    column = pq.read_metadata(file).row_group(0).column(0)
    content[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    file.write_bytes(content)
    assert found(deep=False) == [("ok", "concepts")]
    assert found(deep=True) == [("wrong", f"concepts/{file.name}")]
    file.write_bytes(content[:-9])
    assert found(deep=False) == [("wrong", f"concepts/{file.name}")]
    assert f"delete the folder {folder}" in next(examine_concepts(lake, deep=False)).message
    file.unlink()
    assert found(deep=False) == [("note", "concepts")]
    shutil.rmtree(folder)
    assert found(deep=True) == []
    assert not [one for one in examine_lake(lake) if one.subject.startswith("concepts")]


def test_damaged_runs_and_an_old_catalogue(lake: Lake) -> None:
    (lake.path / "lake.duckdb").unlink()
    found = only(lake)
    assert (found.level, found.subject) == ("note", "lake.duckdb")
    (lake.path / "runs" / "r.parquet").write_bytes(b"PAR1")
    assert [(found.level, found.subject) for found in unsound(lake)] == [("wrong", "runs/r.parquet")]


def test_the_doctor_command(run: RunCommand, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    ran = run("doctor", "--lake", lake.path, "--deep")
    assert (ran.returncode, ran.stderr) == (DONE, "")
    assert {line.split()[0] for line in ran.stdout.splitlines()} <= {"ok", "note"}
    target(lake).write_bytes(b"")
    ran = run("doctor", "--lake", lake.path, "--format", "json")
    assert ran.returncode == FAILED
    (found,) = [finding for finding in json.loads(ran.stdout) if finding["level"] == "wrong"]
    assert found["subject"] == target(lake).relative_to(lake.path).as_posix()
    ran = run("doctor", "--lake", tmp_path / "none")
    assert (ran.returncode, "run `litmine import PATH` to create it" in ran.stdout) == (DONE, True)
    (lake.path / "lake.json").write_text("{")
    assert run("doctor", "--lake", lake.path).returncode == FAILED


def test_the_checks_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "a" / "home"))
    found = {finding.subject: finding for finding in examine_environment(tmp_path / "lake")}
    assert set(found) == {"python", "versions", "device", "ray", "disk", "home"}
    assert not [finding for finding in found.values() if finding.level == "wrong"]
    assert not (tmp_path / "a").exists()
    monkeypatch.setenv("LITMINE_EUTILS_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("litmine.pipeline.doctor.environment._PATIENCE_SECONDS", 0.2)
    (network,) = [one for one in examine_environment(tmp_path, network=True) if one.subject == "network"]
    assert network.level == "wrong"


@pytest.mark.usefixtures("with_ray")
def test_ray_is_started_with_the_option(tmp_path: Path) -> None:
    (found,) = [one for one in examine_environment(tmp_path, ray=True) if one.subject == "ray"]
    assert found.level == "ok"
    assert "ran a task and stopped" in found.message

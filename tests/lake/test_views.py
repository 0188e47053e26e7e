"""The SQL views: current articles, entities of active models, coverage; and the catalogue."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from litmine import Lake
from litmine.errors import LakeError
from litmine.lake.articles import read_new_texts
from litmine.lake.paths import CATALOGUE
from litmine.lake.runs import ActiveModel, Gap, Run
from litmine.lake.targets import FailedText, TargetFooter, TargetSet, write_target
from litmine.lake.view_definitions import macro_descriptions, view_descriptions
from litmine.lake.views import catalogue_is_current, catalogue_sql, write_catalogue
from litmine.schema import arrow_schema
from litmine.tasks.ner.model import entity_rows
from litmine.types import Entity, SourceRecord

MakeRecord = Callable[..., SourceRecord]
START = datetime(2025, 1, 1, tzinfo=UTC)

ARTICLES = (
    "pmid, title, abstract, text, sections, journal, pub_date, year, authors, affiliations, mesh, keywords, "
    "publication_types, doi, pmcid, language, retracted, revised, as_of, chemicals, grants, journal_abbreviation, "
    "issn, volume, issue, pages, status, corrections, data_banks"
)
ENTITIES = "pmid, start_char, end_char, mention, entity_type, score, identifier, identifier_score, linker, model"
COVERAGE = "task, model, inputs, active, texts_read, texts_unread, texts_failed, parts_read, parts_unread"


def make_run(number: int, active: list[str] | None = None, *gaps: Gap) -> Run:
    when = START + timedelta(minutes=number)
    return Run(
        f"r{number}",
        "annotate",
        when,
        when,
        "done",
        models=active or (),
        active=None if active is None else [ActiveModel("ner", model) for model in active],
        gaps=gaps,
    )


def annotate(lake: Lake, model: str, part: str, *failing: int) -> None:
    """Write a target with the first word of each text as a mention; the texts of `failing` PMIDs count as failed."""
    texts = read_new_texts(lake.part(part))
    found: list[list[Entity] | None] = []
    failed = []
    for pmid, text_hash, text in zip(texts.pmids, texts.text_hashes, texts.texts, strict=True):
        word = text.split()[0]
        found.append(None if pmid in failing else [Entity(word, "Word", 0, len(word), 1.0)])
        if pmid in failing:
            failed.append(FailedText(pmid, text_hash, "a \0 'reason'"))
    footer = TargetFooter(model, part, len(texts), failed, "cpu", "float32", 0.1, 9, {})
    rows = entity_rows(texts, [one or [] for one in found])
    write_target(lake.path, TargetSet("entities", model), part, texts, rows, footer)


def mentions(lake: Lake, view: str = "entities") -> list[tuple[int, str, str]]:
    rows = lake.sql(f"SELECT pmid, mention, model FROM {view} ORDER BY ALL")
    return list(zip(*rows.to_pydict().values(), strict=True))


def test_every_view_of_an_empty_lake_is_empty(lake: Lake) -> None:
    assert lake.sql("SHOW TABLES")["name"].to_pylist() == sorted(view_descriptions())
    for view in view_descriptions():
        assert lake.sql(f"SELECT * FROM {view}").num_rows == 0
    assert lake.sql("SELECT * FROM articles").column_names == ARTICLES.split(", ")
    assert lake.sql("SELECT * FROM entities").column_names == ENTITIES.split(", ")
    assert lake.sql("SELECT * FROM all_entities").column_names == ENTITIES.split(", ")


def test_entities_shows_active_models_and_current_texts(lake: Lake, make_record: MakeRecord) -> None:
    first, second = (lake.add([make_record(0, p, f"one{p}")], source="a", dated=True).parts[0] for p in (1, 2))
    for part in (first, second):
        annotate(lake, "a@1", part)
    annotate(lake, "b@1", first)
    assert mentions(lake) == []
    lake.record_run(make_run(1, ["a@1"]))
    lake.record_run(make_run(2))
    assert mentions(lake) == [(1, "one1", "a@1"), (2, "one2", "a@1")]
    assert len(mentions(lake, "all_entities")) == 3
    lake.record_run(make_run(3, ["a@1", "b@1"]))
    assert (
        [item.model for item in lake.active_models()]
        == ["a@1", "b@1"]
        == lake.sql("FROM active_models")["model"].to_pylist()
    )
    (third,) = lake.add([make_record(1, 1, "two"), make_record(1, 2)], source="b", dated=True).parts
    assert mentions(lake) == []
    annotate(lake, "a@1", third)
    assert mentions(lake) == [(1, "two", "a@1")]
    lake.add([make_record(2, 1, "one1")], source="c", dated=True)
    assert mentions(lake) == [(1, "one1", "a@1"), (1, "one1", "b@1")]


def test_a_run_recorded_late_does_not_replace_newer_active_models(lake: Lake) -> None:
    lake.record_run(make_run(5, ["new@1"]))
    lake.record_run(make_run(4, ["old@1"]))
    assert (
        [item.model for item in lake.active_models()]
        == ["new@1"]
        == lake.sql("FROM active_models")["model"].to_pylist()
    )


def test_coverage_and_gaps_count_read_unread_and_failed_texts(lake: Lake, make_record: MakeRecord) -> None:
    first, _ = lake.add([make_record(0, p, f"t{p}") for p in range(5)], source="a", dated=True, part_size=3).parts
    annotate(lake, "a@1", first, 1)
    lake.record_run(make_run(1, ["a@1", "waiting@1"]))
    coverage = lake.sql("SELECT * FROM coverage")
    assert coverage.column_names == COVERAGE.split(", ")
    assert [tuple(row.values()) for row in coverage.to_pylist()] == [
        ("ner", "a@1", None, True, 2, 2, 1, 1, 1),
        ("ner", "waiting@1", None, True, 0, 5, 0, 0, 2),
    ]
    assert lake.sql("SELECT model, part, pmid, why FROM gaps").to_pylist() == [
        {"model": "a@1", "part": first, "pmid": 1, "why": "a \0 'reason'"}
    ]
    assert [item.model for item in lake.target_sets()] == ["a@1"]
    assert lake.pending_parts(TargetSet("entities", "a@1")) == lake.parts()[1:]
    assert lake.pending_parts(TargetSet("entities", "waiting@1")) == lake.parts()


@pytest.mark.parametrize("model", ["org/name@0f", "2024-01-01@1", "a b+c%2F=é'\"@1", "_@1"])
def test_model_names_survive_encoding_in_folder_names(lake: Lake, make_record: MakeRecord, model: str) -> None:
    (part,) = lake.add([make_record(0, 1, "t")], source="a", dated=True).parts
    annotate(lake, model, part)
    assert mentions(lake, "all_entities") == [(1, "t", model)]
    assert (
        [item.model for item in lake.target_sets()]
        == [model]
        == lake.sql("SELECT model FROM coverage")["model"].to_pylist()
    )


@pytest.mark.parametrize("name", ["plain", "it's", "a [1] *b", "model=x", "é ü"])
def test_a_lake_folder_can_have_any_name(tmp_path: Path, make_record: MakeRecord, name: str) -> None:
    lake = Lake.create(tmp_path / name)
    (part,) = lake.add([make_record(0, 1, "t")], source="a", dated=True).parts
    annotate(lake, "m@1", part)
    assert lake.add([make_record(0, 1, "t")], source="a", dated=True).unchanged == 1
    assert mentions(lake, "all_entities") == [(1, "t", "m@1")]
    with duckdb.connect(str(lake.path / CATALOGUE), read_only=True) as catalogue:
        assert catalogue.execute("SELECT pmid, title FROM articles").fetchall() == [(1, "t")]


def test_files_of_older_and_newer_schemas_are_read_by_field_id(lake: Lake, make_record: MakeRecord) -> None:
    """Missing, additional, renamed and reordered columns are matched by field id."""
    (part,) = lake.add([make_record(0, 1, "title", year=2020, keywords=("k",))], source="z", dated=True).parts
    table = pq.read_table(lake.part(part)).drop_columns(["year", "sections"])
    table = table.rename_columns(["headline" if name == "title" else name for name in table.column_names])
    future = pa.field("future", pa.string(), metadata={"PARQUET:field_id": "999"})
    table = table.append_column(future, pa.array(["x"])).select([*table.column_names[::-1], "future"])
    for name in ("0-first", "zz-sorts-last"):
        old = table.set_column(table.column_names.index("pmid"), table.field("pmid"), pa.array([len(name)]))
        pq.write_table(old, lake.part(name))
    rows = lake.sql("SELECT pmid, title, year, keywords, sections FROM articles ORDER BY pmid").to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        (1, "title", 2020, ["k"], []),
        (7, "title", None, ["k"], None),
        (13, "title", None, ["k"], None),
    ]


def test_the_catalogue_of_a_copy_shows_no_other_lake(
    lake: Lake, make_record: MakeRecord, tmp_path: Path, run: Callable[..., CompletedProcess[str]]
) -> None:
    lake.add([make_record(0, 1, "t")], source="a")
    copied = Path(shutil.copytree(lake.path, tmp_path / "copied"))
    lake.add([make_record(0, 2, "u")], source="b")
    for view in ("articles", "entities", "parts", "runs", "coverage"):
        problem = f"reads the lake at {lake.path}; run `litmine status --lake FOLDER` first, with the folder where this"
        with (
            duckdb.connect(str(copied / CATALOGUE), read_only=True) as catalogue,
            pytest.raises(duckdb.Error, match=problem),
        ):
            catalogue.execute(f"FROM {view}").fetchall()
    assert run("status", "--lake", copied).returncode == 0
    with duckdb.connect(str(copied / CATALOGUE), read_only=True) as catalogue:
        assert catalogue.execute("SELECT pmid FROM articles").fetchall() == [(1,)]
    # Under another name, and through a link, it is the same file.
    (tmp_path / "link").symlink_to(copied)
    with duckdb.connect() as other:
        other.execute(f"ATTACH '{tmp_path / 'link' / CATALOGUE}' AS mine (READ_ONLY)")
        assert other.execute("SELECT pmid FROM mine.articles").fetchall() == [(1,)]


def test_the_catalogue_is_rewritten_only_when_needed(lake: Lake, tmp_path: Path) -> None:
    assert not write_catalogue(lake.path)
    moved = lake.path.rename(tmp_path / "moved")
    with duckdb.connect(str(moved / CATALOGUE)) as held:
        assert write_catalogue(moved)
        assert held.execute("SELECT 1").fetchall() == [(1,)]
    assert not write_catalogue(moved)
    assert catalogue_is_current(moved)
    with duckdb.connect(str(moved / CATALOGUE)) as altered:
        altered.execute("CREATE OR REPLACE VIEW runs AS SELECT 1 AS run_id")
    assert not catalogue_is_current(moved)
    assert write_catalogue(moved)
    with duckdb.connect(str(moved / CATALOGUE)) as altered:
        altered.execute("CREATE VIEW one_more AS SELECT 1")
    assert not catalogue_is_current(moved)
    (moved / CATALOGUE).write_bytes(b"no database")
    assert write_catalogue(moved)
    with duckdb.connect(str(moved / CATALOGUE), read_only=True) as catalogue:
        assert catalogue.execute("SELECT count(*) FROM articles").fetchall() == [(0,)]


def test_a_table_newer_than_the_lake_is_empty(lake: Lake) -> None:
    shutil.rmtree(lake.path / "files")
    assert lake.sql("SELECT * FROM files").num_rows == 0
    assert lake.sql("SELECT * FROM files").schema.names == arrow_schema("files").names
    Lake.create(lake.path)
    assert (lake.path / "files").is_dir()
    assert lake.sql("SELECT * FROM files").schema.names == arrow_schema("files").names


def test_each_view_has_a_description() -> None:
    descriptions = view_descriptions()
    assert catalogue_sql(Path("/lake")).count("CREATE VIEW") == len(descriptions) == 47
    assert catalogue_sql(Path("/lake")).count("CREATE MACRO") == len(macro_descriptions()) == 3
    assert all(description.endswith(".") for description in descriptions.values())


def test_runs_and_their_gaps_are_recorded(lake: Lake) -> None:
    gap = Gap("file.xml", "truncated")
    lake.record_run(make_run(1, None, gap))
    lake.record_run(make_run(2, None, gap, Gap("b", "c")))
    assert lake.known_gaps() == {gap, Gap("b", "c")}
    assert lake.sql("SELECT run_id, len(gaps) AS gaps, active_models FROM runs ORDER BY 1").to_pylist() == [
        {"run_id": "r1", "gaps": 1, "active_models": None},
        {"run_id": "r2", "gaps": 2, "active_models": None},
    ]


def test_opening_something_else_than_a_lake_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for name in ("missing", "file", "empty"):
        problem = "there is no lake at .*missing" if name == "missing" else f"{name} is not a litmine lake"
        with pytest.raises(LakeError, match=rf"{problem}; `litmine import PATH` makes one"):
            Lake(tmp_path / name)
    for mark in ("{}", "not json", '{"format": 2}', "\xff"):
        (tmp_path / "empty" / "lake.json").write_text(mark, encoding="latin-1")
        with pytest.raises(LakeError, match="has a lake format that this version of litmine does not support"):
            Lake(tmp_path / "empty")


def test_creating_a_lake(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "new" / "lake")
    assert Lake.create(lake.path).path == Lake(lake.path).path == lake.path
    (lake.path / "articles" / "_schema.parquet").unlink()
    assert Lake.create(lake.path).sql("SELECT * FROM articles").num_rows == 0
    with pytest.raises(LakeError, match="is not empty and not a litmine lake"):
        Lake.create(tmp_path)
    with pytest.raises(LakeError, match="question mark"):
        Lake.create(tmp_path / "what?")
    (tmp_path / "file").touch()
    with pytest.raises(LakeError):
        Lake.create(tmp_path / "file")

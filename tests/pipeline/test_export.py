"""`export` writes each current article and selected mention once, to a file that is complete or absent."""

import io
import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine import Lake
from litmine.errors import DONE, WRONG_USAGE, LakeError, QueryError, SettingError
from litmine.lake import documents
from litmine.lake.documents import DocumentSelection
from litmine.pipeline.export import FORMATS, ExportResult, export
from litmine.pipeline.import_files import import_files
from litmine.types import Article, SourceRecord

RunCommand = Callable[..., CompletedProcess[str]]


def exported(lake: Lake, form: str = "jsonl", selection: DocumentSelection | None = None) -> bytes:
    out = io.BytesIO()
    export(lake, form, out, selection)
    return out.getvalue()


def records(data: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in data.splitlines()]


@pytest.mark.parametrize("at_once", [20_000, 7])
def test_everything_in_the_views_is_exported_once(
    annotated_lake: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "_BATCH_ARTICLES", at_once)
    monkeypatch.setattr(documents, "_BUCKET_PMIDS", 5)
    lake = Lake(annotated_lake)
    found = records(exported(lake))
    assert [(it["pmid"], it["text"]) for it in found] == lake.rows("select pmid, text from articles order by pmid")
    assert [it["sections"] for it in found] == [
        row[0] for row in lake.rows("select sections from articles order by pmid")
    ]
    entities = [(it["pmid"], *list(one.values())[:4], one["model"]) for it in found for one in it["entities"]]  # type: ignore[attr-defined]
    assert len(entities) > 500
    assert Counter(entities) == Counter(
        lake.rows("select pmid, start_char, end_char, mention, entity_type, model from entities")
    )


def test_a_selection_limits_articles_and_entities(annotated_lake: Path) -> None:
    lake = Lake(annotated_lake)
    where = "pmid in (select pmid from entities where entity_type = 'Chemical') -- and nothing else"
    found = records(exported(lake, selection=DocumentSelection(entity_types=["Chemical"], where=where)))
    assert 0 < len(found) < 102
    assert {one["entity_type"] for it in found for one in it["entities"]} == {"Chemical"}  # type: ignore[attr-defined]
    assert not any(it["entities"] for it in records(exported(lake, selection=DocumentSelection(models=["none@1"]))))
    assert exported(lake, "bioc", DocumentSelection(where="false")).endswith(b'"documents": [\n\n]}\n')


@pytest.mark.parametrize(
    "where", ["", " ", "no_such_column = 1", "true) or (true", "true) union all from articles where (true", "1 = "]
)
def test_an_invalid_condition_is_refused(annotated_lake: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_BATCH_ARTICLES", 7)
    monkeypatch.setattr(documents, "_BUCKET_PMIDS", 5)
    with pytest.raises(QueryError, match=r"the condition .*(cannot be evaluated on `articles`: |is empty; write one)"):
        exported(Lake(annotated_lake), selection=DocumentSelection(where=where))


def test_a_failed_export_keeps_the_earlier_file(annotated_lake: Path, tmp_path: Path) -> None:
    lake = Lake(shutil.copytree(annotated_lake, tmp_path / "lake"))
    for form in FORMATS:
        file = tmp_path / form
        assert export(lake, form, file) == ExportResult(102, lake.rows("select count(*) from entities")[0][0])
        assert file.read_bytes() == exported(lake, form)
    before = (tmp_path / "jsonl").read_bytes()
    part = next(path for path in (lake.path / "articles").glob("medline*.parquet"))
    part.write_bytes(part.read_bytes()[:-200])
    with pytest.raises(LakeError, match="is damaged"):
        export(lake, "jsonl", tmp_path / "jsonl")
    assert (tmp_path / "jsonl").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bioc", "jsonl", "lake", "pubtator"]


def test_an_unknown_format_and_a_file_in_the_lake_are_refused(annotated_lake: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="unknown format 'xml'; choose one of pubtator, bioc, jsonl"):
        export(Lake(annotated_lake), "xml", tmp_path / "out")
    with pytest.raises(SettingError, match="an output file cannot be inside the lake"):
        export(Lake(annotated_lake), "bioc", annotated_lake / "articles" / "out.parquet")


def test_the_export_command(run: RunCommand, annotated_lake: Path, tmp_path: Path) -> None:
    ran = run("export", "--lake", annotated_lake, "--format", "pubtator")
    assert (ran.returncode, ran.stdout.count("|t|")) == (DONE, 102)
    assert ran.stderr.startswith("102 articles with ")
    again = tmp_path / "again"
    file = tmp_path / "out.pubtator"
    file.write_text(ran.stdout, encoding="utf-8")
    import_files(again, [file])
    # PubTator has spaces for the tabs and line breaks of the original text.
    texts = [
        [" ".join(text.split("\t")) for (text,) in Lake(lake).rows("select text from articles order by pmid")]
        for lake in (annotated_lake, again)
    ]
    assert texts[0] == texts[1]
    (model,) = [one.model for one in Lake(annotated_lake).active_models() if one.task == "ner"]
    ran = run("export", "--lake", annotated_lake, "--format", "bioc", "--model", model, "-o", tmp_path / "x.json")
    assert (ran.returncode, ran.stdout) == (DONE, "")
    assert len(json.loads((tmp_path / "x.json").read_bytes())["documents"]) == 102
    ran = run("export", "--lake", annotated_lake, "--format", "bioc", "--model", "other@1")
    assert (ran.returncode, ran.stderr) == (
        WRONG_USAGE,
        f"litmine: no model of this lake is other@1; the lake was read by {model}\n",
    )
    ran = run("export", "--lake", annotated_lake, "--format", "jsonl", "--type", "Remedy")
    assert (ran.returncode, ran.stdout) == (WRONG_USAGE, "")
    assert "no model of this lake finds 'Remedy'" in ran.stderr
    assert "the types are " in ran.stderr
    ran = run("sql", "--lake", annotated_lake, "select 1 as one from all_entities where model like 'other@%'")
    assert ran.returncode == DONE
    note = f"note: no model of this lake is named 'other'; the lake was read by {model}"
    assert note in ran.stderr
    name = model.partition("@")[0]
    for condition, noted in [
        ("model = 'other'", True),
        ("model not in ('other@1')", True),
        ("\"model\" not like 'other%'", True),
        (f"model = '{model}'", False),
        (f"model = '{name}'", True),
        (f"model like '{name}@%'", False),
        (f"model like '{name[:-1]}%'", False),
        ("model like '%o%'", False),
        ("mention = 'other'", False),
    ]:
        ran = run("sql", "--lake", annotated_lake, f"select 1 as one from all_entities where {condition}")
        assert ("no model of this lake is named" in ran.stderr) == noted, condition


def test_the_version_of_an_article_is_exported_and_imported(tmp_path: Path) -> None:
    lake, moment = Lake.create(tmp_path / "lake"), datetime(2026, 1, 1, tzinfo=UTC)
    lake.add([SourceRecord(Article(pmid, "A.", version=pmid), moment) for pmid in (1, 2)], source="s", dated=True)
    (tmp_path / "x.jsonl").write_bytes(exported(lake))
    import_files(tmp_path / "again", [tmp_path / "x.jsonl"])
    older = tmp_path / "older.nbib"
    older.write_text("PMID- 2\nTI  - B.\n")
    import_files(tmp_path / "again", [older])
    query = "select pmid, title, version from articles join current_versions using (pmid) order by all"
    assert Lake(tmp_path / "again").rows(query) == [(1, "A.", 1), (2, "A.", 2)]

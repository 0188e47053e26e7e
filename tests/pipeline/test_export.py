"""`export`: the current articles and the chosen mentions, once each, in a file that is whole or not there."""

import io
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine import Lake
from litmine.errors import DONE, FAILED, LakeError, QueryError, SettingError
from litmine.lake import documents
from litmine.lake.documents import Selection
from litmine.pipeline.export import FORMATS, ExportResult, export
from litmine.pipeline.import_files import ingest

RunCommand = Callable[..., CompletedProcess[str]]


def written(lake: Lake, form: str = "jsonl", selection: Selection | None = None) -> bytes:
    out = io.BytesIO()
    export(lake, form, out, selection)
    return out.getvalue()


def records(data: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in data.splitlines()]


@pytest.mark.parametrize("at_once", [20_000, 7])
def test_all_that_the_views_show_goes_out_once(
    annotated_lake: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "_AT_ONCE", at_once)
    monkeypatch.setattr(documents, "_STRETCH", 5)
    lake = Lake(annotated_lake)
    found = records(written(lake))
    assert [(it["pmid"], it["text"]) for it in found] == lake.rows("select pmid, text from articles order by pmid")
    assert [it["sections"] for it in found] == [
        row[0] for row in lake.rows("select sections from articles order by pmid")
    ]
    entities = [(it["pmid"], *list(one.values())[:4], one["model"]) for it in found for one in it["entities"]]  # type: ignore[attr-defined]
    assert len(entities) > 500
    assert Counter(entities) == Counter(
        lake.rows("select pmid, start_char, end_char, mention, entity_type, model from entities")
    )


def test_a_selection(annotated_lake: Path) -> None:
    lake = Lake(annotated_lake)
    where = "pmid in (select pmid from entities where entity_type = 'Chemical') -- and nothing else"
    found = records(written(lake, selection=Selection(entity_types=["Chemical"], where=where)))
    assert 0 < len(found) < 102
    assert {one["entity_type"] for it in found for one in it["entities"]} == {"Chemical"}  # type: ignore[attr-defined]
    assert not any(it["entities"] for it in records(written(lake, selection=Selection(models=["none@1"]))))
    assert written(lake, "bioc", Selection(where="false")).endswith(b'"documents": [\n\n]}\n')


@pytest.mark.parametrize(
    "where", ["", " ", "no_such_column = 1", "true) or (true", "true) union all from articles where (true", "1 = "]
)
def test_what_is_no_condition_is_refused(annotated_lake: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_AT_ONCE", 7)
    monkeypatch.setattr(documents, "_STRETCH", 5)
    with pytest.raises(QueryError, match=r"the condition .*(cannot be tried on `articles`: |is empty; write one)"):
        written(Lake(annotated_lake), selection=Selection(where=where))


def test_a_file_is_whole_or_as_it_was(annotated_lake: Path, tmp_path: Path) -> None:
    lake = Lake(shutil.copytree(annotated_lake, tmp_path / "lake"))
    for form in FORMATS:
        file = tmp_path / form
        assert export(lake, form, file) == ExportResult(102, lake.rows("select count(*) from entities")[0][0])
        assert file.read_bytes() == written(lake, form)
    before = (tmp_path / "jsonl").read_bytes()
    part = next(path for path in (lake.path / "articles").glob("medline*.parquet"))
    part.write_bytes(part.read_bytes()[:-200])
    with pytest.raises(LakeError, match="is damaged"):
        export(lake, "jsonl", tmp_path / "jsonl")
    assert (tmp_path / "jsonl").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bioc", "jsonl", "lake", "pubtator"]


def test_what_makes_no_sense_is_refused(annotated_lake: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no format 'xml'; say one of pubtator, bioc, jsonl"):
        export(Lake(annotated_lake), "xml", tmp_path / "out")
    with pytest.raises(SettingError, match="does not belong into the lake"):
        export(Lake(annotated_lake), "bioc", annotated_lake / "articles" / "out.parquet")


def test_the_command(run: RunCommand, annotated_lake: Path, tmp_path: Path) -> None:
    ran = run("export", "--lake", annotated_lake, "--format", "pubtator")
    assert (ran.returncode, ran.stdout.count("|t|")) == (DONE, 102)
    assert ran.stderr.startswith("102 articles with ")
    again = tmp_path / "again"
    file = tmp_path / "out.pubtator"
    file.write_text(ran.stdout, encoding="utf-8")
    ingest(again, [file])
    # Tabs and line breaks of a text kept as given are spaces in PubTator.
    texts = [
        [" ".join(text.split("\t")) for (text,) in Lake(lake).rows("select text from articles order by pmid")]
        for lake in (annotated_lake, again)
    ]
    assert texts[0] == texts[1]
    (model,) = [one.model for one in Lake(annotated_lake).active()]
    ran = run("export", "--lake", annotated_lake, "--format", "bioc", "--model", model, "-o", tmp_path / "x.json")
    assert (ran.returncode, ran.stdout) == (DONE, "")
    assert len(json.loads((tmp_path / "x.json").read_bytes())["documents"]) == 102
    ran = run("export", "--lake", annotated_lake, "--format", "bioc", "--model", "other@1")
    assert (ran.returncode, "other@1 has read nothing of this lake yet" in ran.stderr) == (FAILED, True)

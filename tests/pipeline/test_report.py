"""The report: what it says, that it needs nothing else, and that no title can change it."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from litmine.errors import DONE, FAILED
from litmine.lake.lake import Lake
from litmine.pipeline.report.contents import read_contents
from litmine.pipeline.report.write import write_report, year_bars
from litmine.types import Article
from tests.fixtures.written_relations import Paper, Said, activate_models, add_papers

Run = Callable[..., CompletedProcess[str]]
HOSTILE = '</title><script>alert(1)</script> <img src=x onerror="x"> {{ 7*7 }} of aspirin'
DRUG, EVENT = ("Chemical", "MESH:D001241"), ("AdverseEffect", "MESH:D014581")


@pytest.fixture(scope="module")
def reported_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = Lake.create(tmp_path_factory.mktemp("reported") / "lake")
    said = Said("adverse_effect", "aspirin", "urticaria")
    add_papers(
        lake,
        [
            Paper(
                Article(1, title="aspirin causes urticaria", year=2019), {"aspirin": DRUG, "urticaria": EVENT}, [said]
            ),
            Paper(Article(2, title="aspirin withdrawn", year=2020, retracted=True), {"aspirin": DRUG}),
        ],
    )
    add_papers(lake, [Paper(Article(3, title=HOSTILE, year=2021), {"aspirin": DRUG})], day=40)
    activate_models(lake)
    return lake.path


def test_the_report_says_what_is_there_and_what_is_new(reported_lake: Path) -> None:
    contents = read_contents(Lake(reported_lake), "title", date(2025, 2, 1))
    assert [(one["identifier"], one["articles"]) for one in contents.concepts] == [(EVENT[1], 1), (DRUG[1], 3)]
    assert contents.concepts[1]["years"] == [{"year": year, "articles": 1} for year in (2019, 2020, 2021)]
    assert (contents.new_count, [one["pmid"] for one in contents.new_articles]) == (1, [3])
    assert contents.new_concepts == []
    assert contents.relations is not None
    (relation,) = contents.relations
    assert (relation["relation_type"], relation["quote"]) == ("adverse_effect", "aspirin causes urticaria")
    assert contents.signals is not None
    (signal,) = contents.signals
    assert signal["best"] == {"quote": "aspirin causes urticaria", "pmid": 1}
    assert [one["pmid"] for one in contents.retracted] == [2]
    everything = read_contents(Lake(reported_lake), "title", 40)
    assert (everything.since, everything.new_count) == (date(2025, 1, 1), 3)
    assert {one["identifier"] for one in everything.new_concepts} == {DRUG[1], EVENT[1]}


def test_the_file_needs_nothing_else_and_names_no_folder(reported_lake: Path, tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        write_report(Lake(reported_lake), tmp_path / name, date(2025, 2, 1))
    page = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert page == (tmp_path / "two.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "{{ 7*7 }}" in page
    assert not re.search(r"<link|@import|url\(|src=(?!x)", page)
    assert str(reported_lake.parent) not in page
    assert len(page) < 40_000
    assert page.count("<h2>") == page.count("</h2>") == 6


def test_a_report_of_a_lake_without_models_says_so(imported_lake: Path, tmp_path: Path) -> None:
    write_report(Lake(imported_lake), tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "No model has read the lake." in page
    assert "<h2>Relations" not in page


def test_the_command_writes_the_file_and_refuses_mistakes(reported_lake: Path, tmp_path: Path, run: Run) -> None:
    lake = ("--lake", reported_lake)
    ran = run("report", "-o", tmp_path / "r.html", "--since", "2025-02-01", "--title", "Aspirin", *lake)
    assert (ran.returncode, ran.stdout) == (DONE, "")
    assert ran.stderr.startswith(f"the report is in {tmp_path / 'r.html'} (8 kB)\nnote: related@")
    assert "<title>Aspirin</title>" in (tmp_path / "r.html").read_text(encoding="utf-8")
    Lake.create(tmp_path / "empty")
    for arguments, words in (
        (("-o", tmp_path / "r.pdf", *lake), "a report is an HTML file; name it r.html"),
        (("-o", reported_lake / "r.html", *lake), "an output file cannot be inside the lake"),
        (("-o", tmp_path / "no" / "r.html", *lake), "cannot be written"),
        (("-o", tmp_path / "r.html", "--lake", tmp_path / "empty"), "the lake has no articles to report on"),
    ):
        ran = run("report", *arguments)
        assert ran.returncode == FAILED
        assert words in ran.stderr


def test_a_job_writes_a_report(reported_lake: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    job = 'models = []\n[[after]]\ndo = "report"\nto = "week.html"\ndays = 40\ntitle = "This week"\n'
    (tmp_path / "weekly.toml").write_text(job, encoding="utf-8")
    ran = run("run", "weekly.toml", "--lake", reported_lake)
    assert ran.returncode == DONE, ran.stderr
    assert "<h1>This week</h1>" in (tmp_path / "week.html").read_text(encoding="utf-8")
    (tmp_path / "weekly.toml").write_text(job.replace("days = 40", "days = 0"), encoding="utf-8")
    ran = run("run", "weekly.toml", "--lake", reported_lake)
    assert "days must be from 1 to 36,500" in ran.stderr


def test_bars_stand_at_their_years_and_the_highest_is_full() -> None:
    rows: list[dict[str, Any]] = [{"year": 2000, "articles": 1}, {"year": 2003, "articles": 4}]
    bars = year_bars(rows, [2000, 2003], 100, 20)
    assert [(bar["x"], bar["y"], bar["height"]) for bar in bars] == [(0, 15, 5), (75, 0, 20)]
    assert year_bars([], [2000], 100, 20) == []

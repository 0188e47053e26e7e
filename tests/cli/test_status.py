"""`status` and `models`: the summary of a lake, stale results, and active models."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import DONE, FAILED, WRONG_USAGE
from litmine.lake.active_models import name_of
from litmine.lake.download_journal import open_journal
from litmine.lake.lake import Lake
from litmine.lake.readings import QuestionLogEntry, RetrievedArticle, record_questions
from litmine.lake.runs import Gap, Run, new_run_id
from litmine.search.index import SearchIndex
from litmine.tasks.registry import identify
from litmine.types import READER_VERSION, Article, Question, SourceRecord

RunCommand = Callable[..., CompletedProcess[str]]
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def lake(annotated_lake: Path, place_lake: Callable[[Path], Path]) -> Path:
    return place_lake(annotated_lake)


def test_status_shows_articles_models_and_runs(run: RunCommand, lake: Path, tiny_model: Path) -> None:
    ran = run("status", "--lake", lake)
    parts = len(Lake(lake).parts())
    assert (ran.returncode, ran.stderr) == (DONE, "")
    first, articles, as_of, model, *rules, complete, run_1, run_2 = ran.stdout.splitlines()
    assert first.startswith(f"lake      {lake} (")
    assert articles == f"articles  102 current in {parts} parts"
    assert as_of.endswith(" UTC")
    assert model == f"model     {identify(str(tiny_model))} (ner, active): 102 texts read"
    assert rules == [
        f"model     {identify(f'builtin-{task}')} ({task}, active): 102 texts read"
        for task in ("abbreviations", "sentences")
    ]
    assert re.fullmatch(r"complete  annotate (just now|\d+ \w+ ago), import (just now|\d+ \w+ ago)", complete)
    assert ["annotate  done" in run_1, "import  done" in run_2] == [True, True]


def test_status_fits_on_a_screen_and_names_the_query_for_more(run: RunCommand, lake: Path) -> None:
    now = datetime.now(UTC)
    gaps = [Gap(f"articles/{number}.parquet", "\x1b[2Jdamaged\r\x07") for number in range(30)]
    for _ in range(8):
        Lake(lake).record_run(Run(new_run_id(now), "annotate", now, now, "gaps", counts={"\x1b[8m": 1}, gaps=gaps))
    ran = run("status", "--lake", lake)
    assert len(ran.stdout.splitlines()) <= 24
    assert "gap       articles/0.parquet: \ufffd[2Jdamaged\ufffd\ufffd" in ran.stdout
    assert 'more in: litmine sql "from gaps"' in ran.stdout
    assert [char for char in ran.stdout if not char.isprintable() and char != "\n"] == []


def test_status_counts_articles_that_an_earlier_litmine_read(run: RunCommand, lake: Path) -> None:
    opened = Lake(lake)
    for source, pmids in [("PubMed", (1, 2)), ("a.xml", (3,))]:
        older = [SourceRecord(Article(pmid, "T"), NOW, reader_version=READER_VERSION - 1) for pmid in pmids]
        opened.add(older, source=source, dated=True)
    fetched = (
        "2 articles fetched by an earlier version of litmine;"
        " run `litmine fetch --refresh` with their query to read them again"
    )
    imported = "1 article imported by an earlier version of litmine; import their files again"
    assert stale(run("status", "--lake", lake))[:2] == [fetched, imported]
    for source, pmids in [("PubMed", (1, 2)), ("a.xml", (3,))]:
        opened.add([SourceRecord(Article(pmid, "T"), NOW) for pmid in pmids], source=source, dated=True)
    assert "earlier version of litmine" not in run("status", "--lake", lake).stdout


def stale(ran: CompletedProcess[str]) -> list[str]:
    return [line.removeprefix("stale     ") for line in ran.stdout.splitlines() if line.startswith("stale ")]


def test_status_lists_stale_models_and_indexes(run: RunCommand, lake: Path) -> None:
    opened = Lake(lake)
    (model,) = [one.model for one in opened.active_models() if one.task == "ner"]
    SearchIndex.open(opened)
    assert stale(run("status", "--lake", lake)) == []
    (pmid, title), *_ = opened.rows("select pmid, title from articles where title is not null order by pmid")
    records = [SourceRecord(Article(pmid, f"Revised: {title}"), NOW), SourceRecord(Article(987654, "New."), NOW)]
    opened.add(records, source="new.xml")
    with open_journal(lake, "empty", "fetch --query gout"):
        pass  # a fetch that downloaded nothing leaves nothing to continue
    with open_journal(lake, "job", "fetch --query allergy") as journal:
        journal.save_search("question", {})
        unread = f"{model} has not read 2 texts yet, so `entities` lacks 1 revised article"
        waiting = [
            f"{unread}; run `litmine annotate --model FOLDER`, with the folder of {name_of(model)}",
            "the search index lacks the newest articles; the next question updates it",
        ]
        assert stale(run("status", "--lake", lake)) == waiting
    ran = run("status", "--lake", lake)
    interrupted = "`litmine fetch --query allergy` was interrupted; run the same command again to continue it"
    assert stale(ran) == [*waiting, interrupted]
    output = json.loads(run("status", "--lake", lake, "--format", "json").stdout)
    assert (output["articles"], output["stale"]) == (103, stale(ran))
    rules = [(task, identify(f"builtin-{task}")) for task in ("abbreviations", "sentences")]
    assert output["models"] == [
        {
            "task": task,
            "model": name,
            "inputs": None,
            "active": True,
            "texts_read": 102,
            "texts_unread": 2,
            "texts_failed": 0,
            "parts_read": len(opened.parts()) - 1,
            "parts_unread": 1,
        }
        for task, name in [("ner", model), *rules]
    ]


def test_questions_over_changed_articles_are_stale(run: RunCommand, lake: Path) -> None:
    opened, now = Lake(lake), datetime.now(UTC)
    ((pmid, text_hash),) = opened.rows("select pmid, text_hash from current_versions limit 1")
    for number, found in enumerate([text_hash, text_hash + 1]):
        asked = QuestionLogEntry(
            Question(f"q{number}", f"What {number}?", "factoid"), "r@1", 5, None, (RetrievedArticle(pmid, found, 1, 1),)
        )
        record_questions(lake, [asked], f"run{number}", now)
    assert stale(run("status", "--lake", lake)) == [
        (
            "answers to 1 question rest on articles that were revised, deleted or retracted since; run"
            " `litmine annotate --questions` again"
        )
    ]


def test_models_list_and_show_describe_models(run: RunCommand, tiny_model: Path) -> None:
    listed = run("models", "list")
    assert listed.returncode == DONE
    assert f"{identify('builtin')}\tbuiltin\tner" in listed.stdout.splitlines()
    shown = run("models", "show", tiny_model)
    assert shown.returncode == DONE
    assert shown.stdout.startswith(f"{identify(str(tiny_model))}\n")
    assert "Disease" in shown.stdout


def test_models_use_sets_the_active_models(run: RunCommand, lake: Path, tiny_model: Path) -> None:
    model = identify(str(tiny_model))
    ran = run("models", "use", "builtin", "--lake", lake)
    assert ran.returncode == FAILED
    assert ran.stderr.startswith("litmine: builtin has read nothing of this lake yet; run `litmine annotate")
    assert f"`litmine annotate --model builtin` first (read so far by {model})" in ran.stderr
    ran = run("models", "use", "tiny@000000000000", "--lake", lake)
    assert (ran.returncode, ran.stderr) == (
        WRONG_USAGE,
        f"litmine: no model of this lake is tiny@000000000000; the lake was read by {model}\n",
    )
    ran = run("models", "use", "tiyn@000000000000", "--lake", lake)
    meant = f"tiyn@000000000000 (did you mean {model.partition('@')[0]}?); the lake was read by {model}\n"
    assert (ran.returncode, ran.stderr) == (WRONG_USAGE, f"litmine: no model of this lake is {meant}")
    assert [one.model for one in Lake(lake).active_models() if one.task == "ner"] == [model]
    for ref in (str(tiny_model), model):
        ran = run("models", "use", ref, "--lake", lake)
        assert (ran.returncode, ran.stderr) == (DONE, f"entities shows {model}; all_entities shows every model\n")
    assert Lake(lake).rows("select command, models, active[1].model from runs order by started desc limit 1") == [
        ("models use", [model], model)
    ]


def test_a_model_named_twice_shows_the_types_of_both(run: RunCommand, lake: Path, tiny_model: Path) -> None:
    model = identify(str(tiny_model))
    ran = run("models", "use", f"{tiny_model}:Disease", f"{tiny_model}:Chemical", "--lake", lake)
    message = f"entities shows Chemical, Disease of {model}; all_entities shows every model\n"
    assert (ran.returncode, ran.stderr) == (DONE, message)
    assert len(Lake(lake).rows("select distinct entity_type from entities")) == 2
    ran = run("models", "use", f"{tiny_model}:Disease", tiny_model, "--lake", lake)
    assert (ran.returncode, ran.stderr) == (DONE, f"entities shows {model}; all_entities shows every model\n")


def test_sql_warns_about_incomplete_coverage_on_stderr(run: RunCommand, lake: Path, sample_data: Path) -> None:
    assert run("sql", "from entities limit 1", "--lake", lake, "--format", "csv").stderr == ""
    assert run("import", sample_data / "pubmed" / "odd", "--lake", lake).returncode == DONE
    ran = run("sql", "from entities limit 1", "--lake", lake, "--format", "csv")
    assert ran.returncode == DONE
    assert "has not read 8 texts yet; see `litmine status`" in ran.stderr


@pytest.mark.parametrize(
    ("query", "warned"),
    [
        ("select count(*) from articles", False),
        ("select 1", False),
        ("from coverage", False),
        ("from gaps", False),
        ("select 'entities' as word from articles limit 1", False),
        ("select count(*) from all_entities", True),
        ("with e as (from ENTITIES) select pmid from e join articles using (pmid)", True),
        ("select (select count(*) from entities) from articles limit 1", True),
        ("from query_table('entities')", None),
        ("show tables", True),
    ],
)
def test_sql_warns_only_about_models_that_the_query_uses(
    run: RunCommand, lake: Path, sample_data: Path, query: str, warned: bool | None
) -> None:
    assert run("import", sample_data / "pubmed" / "odd", "--lake", lake).returncode == DONE
    ran = run("sql", query, "--lake", lake, "--format", "csv")
    if warned is None:
        assert ran.returncode == FAILED, "the function is not allowed, so it cannot hide a view"
    else:
        assert (ran.returncode, "has not read 8 texts yet" in ran.stderr) == (DONE, warned), ran.stderr

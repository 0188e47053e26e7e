"""`annotate` runs sentences and abbreviations beside every model; the views pair mentions of one sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from subprocess import CompletedProcess

import duckdb

from litmine.errors import DONE
from litmine.lake.lake import Lake
from litmine.lake.paths import CATALOGUE
from litmine.lake.targets import TargetSet
from litmine.lake.views import write_catalogue
from litmine.pipeline.compact import compact
from litmine.tasks.registry import identify

Run = Callable[..., CompletedProcess[str]]
RULES = "builtin-sentences", "builtin-abbreviations"
_CUT = "substr(text, {0} + 1, {1} - {0})"


def test_offsets_quote_the_text(annotated_lake: Path) -> None:
    lake = Lake(annotated_lake)
    for view, start, end, column in [
        ("abbreviations", "short_start", "short_end", "short_form"),
        ("abbreviations", "long_start", "long_end", "long_form"),
        ("entity_pairs", "start_char_1", "end_char_1", "mention_1"),
        ("entity_pairs", "start_char_2", "end_char_2", "mention_2"),
        ("entity_pairs", "sentence_start", "sentence_end", "quote"),
    ]:
        cut = _CUT.format(start, end)
        ((rows, right),) = lake.rows(
            f"select count(*), count(*) filter ({cut} = {column}) from {view} join articles using (pmid)"
        )
        assert rows == right > 10, column


def test_pairs_are_all_pairs_of_mentions_that_begin_in_one_sentence(annotated_lake: Path) -> None:
    lake = Lake(annotated_lake)
    sentences = lake.sql("from sentences").to_pylist()
    by_pmid: dict[int, list[dict[str, object]]] = {}
    for row in lake.sql("from entities").to_pylist():
        by_pmid.setdefault(row["pmid"], []).append(row)
    expected = set()
    for sentence in sentences:
        inside = [
            one
            for one in by_pmid.get(sentence["pmid"], [])
            if sentence["start_char"] <= one["start_char"] < sentence["end_char"]
        ]
        expected |= {
            (sentence["pmid"], sentence["position"], sentence["section"], *_key(one), *_key(other))
            for one in inside
            for other in inside
            if one["end_char"] <= other["start_char"] or other["end_char"] <= one["start_char"]  # type: ignore[operator]
        }
    columns = ", ".join(f"start_char_{n}, end_char_{n}, entity_type_{n}" for n in (1, 2))
    pairs = lake.rows(f"select pmid, position, section, {columns} from entity_pairs")
    assert len(pairs) == len(set(pairs)) > 50
    assert set(pairs) == expected


def _key(mention: dict[str, object]) -> tuple[object, ...]:
    return mention["start_char"], mention["end_char"], mention["entity_type"]


def test_every_text_is_covered_and_the_title_is_a_section(annotated_lake: Path) -> None:
    lake = Lake(annotated_lake)
    assert lake.rows("select count(*) from articles anti join sentences using (pmid) where text <> ''") == [(0,)]
    titles = "from sentences join articles using (pmid) where end_char <= length(title)"
    assert lake.rows(f"select bool_and(section = 'TITLE'), count(*) > 90 {titles}") == [(True, True)]
    labels = "select pmid, one.label as section from (select pmid, unnest(sections) as one from articles)"
    labelled = "from sentences where section <> 'TITLE'"
    assert lake.rows(f"select count(*) from ({labelled}) anti join ({labels}) using (pmid, section)") == [(0,)]
    assert lake.rows(f"select count(*) > 20 {labelled}") == [(True,)]


def test_a_lake_that_was_read_before_gets_both(run: Run, annotated_copy: Path, tiny_model: Path) -> None:
    lake = Lake(annotated_copy)
    count = "select count(*) from sentences"
    before = lake.rows(count)
    for ref in RULES:
        rmtree(annotated_copy / str(TargetSet(ref.removeprefix("builtin-"), identify(ref))))
    assert lake.rows(count) == [(0,)]
    ran = run("annotate", "--lake", annotated_copy, "--model", tiny_model, "--task", "ner")
    parts = len(lake.parts())
    assert ran.returncode == DONE, ran.stderr
    assert ran.stderr.startswith(f"{parts} of {parts} parts done: 102 texts read, ")
    assert all(f"{identify(ref)}" in ran.stderr for ref in RULES)
    assert identify(str(tiny_model)) not in ran.stderr
    assert lake.rows(count) == before


def test_rules_alone_load_no_tagger(run: Run, lake: Path) -> None:
    ran = run("annotate", "--lake", lake, "--task", "sentences")
    assert ran.returncode == DONE, ran.stderr
    opened = Lake(lake)
    assert sorted(one.model for one in opened.active_models()) == sorted(map(identify, RULES))
    assert opened.rows("select count(*) from all_entities") == [(0,)]
    assert opened.rows("select count(*) > 500 from sentences") == [(True,)]


def test_a_model_named_twice_runs_once(run: Run, lake: Path) -> None:
    ran = run("annotate", "--lake", lake, "--task", "sentences", "--model", "builtin")
    assert ran.returncode == DONE, ran.stderr
    ((models,),) = Lake(lake).rows("select models from runs where command = 'annotate'")
    assert sorted(models) == sorted(map(identify, RULES))


def test_compaction_keeps_them(annotated_copy: Path) -> None:
    lake = Lake(annotated_copy)
    views = {view: lake.rows(f"from {view} order by all") for view in ("sentences", "abbreviations", "entity_pairs")}
    parts = len(lake.parts())
    compact(lake)
    assert len(lake.parts()) < parts
    assert {view: lake.rows(f"from {view} order by all") for view in views} == views


def test_quote_is_a_macro_of_sql_and_of_the_catalogue(run: Run, annotated_copy: Path) -> None:
    query = "select quote('naïve 𝄞 text', 6, 7) as sign, quote(title, 0, 3) = title[:3] as same from articles limit 1"
    ran = run("sql", "--lake", annotated_copy, query, "--format", "jsonl")
    assert (ran.returncode, json.loads(ran.stdout)) == (DONE, {"sign": "𝄞", "same": True})
    write_catalogue(annotated_copy)
    with duckdb.connect(str(annotated_copy / CATALOGUE), read_only=True) as catalogue:
        assert catalogue.execute(query).fetchall() == [("𝄞", True)]
    ran = run("schema")
    assert "\nquote: quote(text, start_char, end_char) " in ran.stdout

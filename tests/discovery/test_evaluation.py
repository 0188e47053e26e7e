"""Metrics, known cases and time slices: against values computed by hand, and on a lake with a planted discovery."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from litmine import Lake
from litmine.cli.main import cli
from litmine.discovery.case_files import read_cases
from litmine.discovery.cases import evaluate_case
from litmine.discovery.concept_graph import load_graph
from litmine.discovery.metrics import mean_with_interval, ranking_scores
from litmine.discovery.paths import MEASURES
from litmine.discovery.rules import DiscoveryRules, rules_text
from litmine.discovery.time_slices import (
    RANKINGS,
    SliceSettings,
    choose_measure,
    evaluate_slices,
    notes_on_years,
    summary,
)
from litmine.errors import DiscoveryError, SettingError
from tests.fixtures.written_concepts import CONCEPTS, paper
from tests.fixtures.written_relations import activate_models, add_papers

RULES = DiscoveryRules(most_frequent=1.0, fewest_articles=1, least_depth=1)
CASE = {"start": "Alpha disease", "end": "Gamma oil", "links": ["Beta protein", ["Epsilon protein"]], "until": 1988}


def test_metrics_of_a_ranking() -> None:
    scores = np.array([5.0, 4, 3, 2, 1])
    found = ranking_scores(scores, np.array([True, False, True, False, False]), 0)
    assert found == {"average_precision": (1 + 2 / 3) / 2, "precision_at_10": 0.2, "auc": 5 / 6}
    ties = ranking_scores(np.zeros(4), np.array([True, True, False, False]), 0)
    assert ties["auc"] == 0.5
    assert ranking_scores(-scores, np.array([True, False, False, False, False]), 0)["auc"] == 0


def test_intervals_hold_the_mean() -> None:
    mean, low, high = mean_with_interval([0.0, 1.0] * 50)
    assert mean == 0.5
    assert 0.38 < low < 0.45
    assert 0.55 < high < 0.62


def test_a_case_ranks_what_was_found(twenty: Lake, tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    opened = {"name": "open", "start": "Alpha disease", "results": ["Gamma oil", "Nobody knows"], "until": 1988}
    file.write_text(f"{json.dumps(CASE)}\n\n{json.dumps(opened)}\n", encoding="utf-8")
    graph = load_graph(twenty, "entities")
    closed, second = (evaluate_case(graph, case) for case in read_cases(file, RULES))
    # b has a weight of 2, e and g one of 1, and d leads to no c.
    assert closed["minimum_weight"]["ranks"] == {"Beta protein": 1, "Epsilon protein": 2}
    assert (closed["reached"], closed["candidates"]) == (3, 4)
    assert closed["minimum_weight"]["auc"] == pytest.approx(100 * 3.5 / 4, abs=0.01)
    assert second["not_in_the_lake"] == ["Nobody knows"]
    assert second["minimum_weight"]["ranks"].keys() == {"Gamma oil"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: this is no case"),
        ('{"start": "a"}', "this is no case"),
        ('{"start": "a", "results": []}', "nothing is expected of it"),
        ('{"start": "a", "results": ["b"], "untl": 3}', "unknown key 'untl'"),
        ("", "has no case"),
    ],
)
def test_a_line_that_is_no_case_is_named(line: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(SettingError, match=message):
        read_cases(file, RULES)


@pytest.fixture
def planted(lake: Lake) -> Lake:
    """a and c share b in many articles and meet in 2001; a and d share nothing, and never meet."""
    titles: list[tuple[str, int]] = [("a b", 1990), ("b c", 1991), ("d e", 1990), ("d e f", 1992), ("e f", 1990)] * 6
    titles += [("a c", 2001), ("a c", 2002), ("d g", 2001), ("e g", 1995)]
    add_papers(lake, [paper(number, *one) for number, one in enumerate(titles, 1)])
    activate_models(lake)
    return lake


def test_time_slices_find_the_planted_pair(planted: Lake) -> None:
    graph = load_graph(planted, "entities")
    settings = SliceSettings((1995, 1996), horizon=10, fewest=2, rules=RULES)
    scores = evaluate_slices(graph, settings)
    assert sorted(scores.values) == [1995, 1996]
    assert scores.values[1995].keys() == {*RANKINGS}
    # The starts are a, c and d: g is in one article until 1995. The path over b puts the right one first.
    values = scores.values[1995]["minimum_weight"]["average_precision"]
    assert values == [1.0] * 3
    assert min(scores.values[1995]["frequency"]["average_precision"]) < 1
    measure, chosen_on, reported = choose_measure(scores)
    assert (chosen_on, reported) == ([1995], [1996])
    table = summary(scores, reported)
    assert table[measure]["average_precision"][0] == 100
    assert table["minimum_weight"]["average_precision_gain"][0] > 0
    (note,) = notes_on_years(scores, settings)
    assert note.startswith("years less than a `horizon` of 10 apart share later articles")
    assert notes_on_years(scores, replace(settings, horizon=1)) == []
    with pytest.raises(DiscoveryError, match="take other `years`, or a larger `horizon`"):
        evaluate_slices(graph, SliceSettings((1950,), rules=RULES))


def run(*words: object) -> Any:
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_the_command_prints_json(planted: Lake, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(rules_text(RULES), encoding="utf-8")
    slices = ("--year", 1995, "--year", 1996, "--horizon", 10)
    command = ("evaluate", "discovery", "--lake", planted.path, "--rules", rules)
    record = json.loads(run(*command, *slices, "--format", "json").stdout)
    assert record["chosen"] in MEASURES
    assert record["reported"].keys() == {*RANKINGS}
    assert "mean average precision on 1995" in run(*command, *slices).stdout
    cases = tmp_path / "cases.jsonl"
    cases.write_text(json.dumps({"start": CONCEPTS["a"][0], "results": [CONCEPTS["c"][0]], "until": 1995}))
    record = json.loads(run(*command, "--cases", cases, "--format", "json").stdout)
    assert record["mean"]["minimum_weight"]["average_precision"] == 100
    assert record["cases"][0]["npmi"]["ranks"] == {CONCEPTS["c"][0]: 1}
    assert run(*command).exit_code == 2


def test_a_year_that_chooses_and_reports_is_told(planted: Lake, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(rules_text(RULES), encoding="utf-8")
    command = ("evaluate", "discovery", "--lake", planted.path, "--rules", rules, "--horizon", 10)
    for years in ((1995,), (1995, 1950)):
        done = run(*command, *(word for year in years for word in ("--year", year)), "--format", "json")
        record = json.loads(done.stdout)
        assert record["chosen_on"] == record["reported_on"] == [1995]
        assert (
            "chosen and reported on the same year, 1995, so its figures are too good; give several --year"
            in record["notes"][-1]
        )
        assert [f"note: {note}" for note in record["notes"]] == done.stderr.splitlines()
        assert any(note.startswith("1950 is left out") for note in record["notes"]) == (1950 in years)
    error = run(*command, "--year", 1995, "--year", 1995).exception
    assert isinstance(error, DiscoveryError)
    assert str(error).startswith("--year has 1995 twice")
    cases = tmp_path / "cases.jsonl"
    cases.write_text(json.dumps({"start": "a", "results": ["c"]}))
    done = run("evaluate", "discovery", "--cases", cases, "--to", "Gene")
    assert (done.exit_code, "--to is for time slices" in done.stderr) == (2, True)

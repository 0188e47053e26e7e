"""`litmine discover` and `litmine vocabulary terms` as a user runs them."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pyarrow.parquet as pq
import pytest

from litmine import Lake
from litmine.discovery.discover import SCHEMA
from litmine.discovery.request import DEFAULT_MEASURE
from litmine.discovery.rules import DiscoveryRules, read_rules, rules_text

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.toml"
    changed = DiscoveryRules(most_frequent=1.0, fewest_articles=1, least_depth=1)
    file.write_text(rules_text(changed), encoding="utf-8")
    return file


def test_every_format(twenty: Lake, run: Run, rules: Path, tmp_path: Path) -> None:
    command = ("discover", "Alpha disease", "--until", 1988, "--lake", twenty.path, "--rules", rules)
    table = run(*command)
    assert table.returncode == 0
    assert "Gamma oil" in table.stdout
    assert "2 results by" in table.stderr
    assert "left out: 2 the same thing as the start, above or below it" in table.stderr
    found = json.loads(run(*command, "--format", "json").stdout)
    assert [*found[0]] == SCHEMA.names
    lines = [json.loads(line) for line in run(*command, "--format", "jsonl").stdout.splitlines()]
    assert lines == found
    rows = list(csv.DictReader(run(*command, "--format", "csv").stdout.splitlines()))
    assert [row["link_id"] for row in rows] == [row["link_id"] for row in found]
    assert run(*command, "-o", tmp_path / "found.parquet").returncode == 0
    assert pq.read_table(tmp_path / "found.parquet").num_rows == len(found)
    assert "n(AB) 4" in run(*command, "--explain").stdout
    network = tmp_path / "network.graphml"
    assert run(*command, "--network", network).returncode == 0
    assert network.stat().st_size > 1000


def test_the_help_names_the_default_measure(run: Run) -> None:
    assert f"[default: {DEFAULT_MEASURE}]" in " ".join(run("discover", "--help").stdout.split())


def test_show_rules_prints_what_can_be_changed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "shown.toml"
    file.write_text(run("discover", "--show-rules").stdout, encoding="utf-8")
    assert read_rules(file) == DiscoveryRules()


def test_what_the_lake_does_not_have_ends_with_a_sentence_and_returncode_1(
    twenty: Lake, run: Run, tmp_path: Path
) -> None:
    for words, message in (
        (("Alpha diseas",), "the nearest in the lake: Alpha disease"),
        (("",), "a name in CONCEPT is empty"),
        (("zzzzz",), "no concept is named 'zzzzz'"),
        (("heart attack",), "no article of the lake has the concept 'heart attack'"),
        (("Alpha disease", "Alpha disease"), "both sides are Alpha disease"),
        (("Alpha disease", "--until", 1900), "the oldest is of 1977); take a later --until"),
        (("Alpha disease", "--to", "Gen"), "no concept of the lake is a Gen (did you mean Gene?)"),
        (("Alpha disease", "--to", "D99"), "in the branch D99 of MeSH; the lake has D01, D10, D12"),
        (("Alpha disease", "--via", "Z01"), "in the branch Z01 of MeSH; the lake has B, C, D"),
        (
            ("Alpha disease", "--concepts", "mesh"),
            "or take the concepts that `litmine annotate` finds with --concepts entities",
        ),
        (
            ("Alpha disease", "--rules", tmp_path / "none.toml"),
            "none.toml does not exist; `litmine discover --show-rules",
        ),
        (("Alpha disease", "--network", tmp_path / "net.txt"), "ends in .graphml or .json, not net.txt"),
        ((), "give one concept to search from"),
    ):
        done = run("discover", *words, "--lake", twenty.path)
        assert (done.returncode, done.stdout) == (1, ""), words
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert "Errno" not in done.stderr


def test_options_that_contradict_each_other_are_wrong_usage(twenty: Lake, run: Run, tmp_path: Path) -> None:
    file, loop = tmp_path / "found.json", tmp_path / "here" / ".." / "found.json"
    for words, message in (
        (("--explain", "-o", file), "--explain prints text, so -o cannot be used with it"),
        (("--explain", "--format", "json"), "--explain prints text, so --format cannot be used with it"),
        (("--network", file, "-o", loop), "-o and --network are the same file"),
        (("Gamma oil", "--to", "Gene"), "--to is for a search from one concept"),
        (("Gamma oil", "--known", 3), "--known is for a search from one concept"),
        (("Gamma oil", "--links", 3), "--links is for a search from one concept"),
        (("-o", tmp_path / "found.doc"), "unknown format 'doc'"),
    ):
        done = run("discover", "Alpha disease", *words, "--lake", twenty.path)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert message in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_notes_say_what_is_shown_and_what_was_written(twenty: Lake, run: Run, rules: Path, tmp_path: Path) -> None:
    command = ("discover", "--until", 1988, "--rules", rules, "--lake", twenty.path)
    done = run(*command, "Alpha disease synonym", "--top", 1)
    assert "1 of 2 results by dwpc, from Alpha disease; --top shows more" in done.stderr
    assert "note: 'Alpha disease synonym' is taken as Alpha disease (MESH:D0001)" in done.stderr
    table, network = tmp_path / "found.csv", tmp_path / "found.graphml"
    done = run(*command, "Alpha disease", "-o", table, "--network", network)
    assert done.stdout == ""
    assert done.stderr.splitlines()[:3] == [
        f"6 rows written to {table}",
        f"network of 6 concepts and 9 connections written to {network}",
        "2 results by dwpc, from Alpha disease",
    ]
    done = run(*command, "Alpha disease", "--measure", "fisher")
    assert "note: by fisher every result has a score of 0, since its connections are not significant; " in done.stderr
    assert "take another --measure" in done.stderr
    done = run(*command, "Alpha disease", "Gamma oil", "--measure", "fisher")
    assert "3 linking concepts by fisher, between Alpha disease and Gamma oil" in done.stderr
    assert (
        "note: no linking concept has p < 0.05 on both sides by Fisher's exact test; take another --measure"
        in done.stderr
    )
    done = run(*command, "Alpha disease", "--via", "Disease")
    assert "the rules and --via leave none of them as a linking concept" in done.stderr
    done = run(*command, "Delta salt", "--narrower")
    assert "note: no concept of the lake is below Delta salt in MeSH, so --narrower adds nothing" in done.stderr


def test_branches_become_a_term_list(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "viscosity.tsv"
    done = run("vocabulary", "terms", "G09.188.370", "D10.627.430", "-o", file)
    assert done.returncode == 0, done.stderr
    rows = {
        row["identifier"]: row for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    }
    assert (rows["MESH:D001809"]["name"], rows["MESH:D001809"]["type"]) == ("Blood Viscosity", "Process")
    assert (rows["MESH:D005395"]["name"], rows["MESH:D005395"]["type"]) == ("Fish Oils", "Chemical")
    assert "no concept under Q99" in run("vocabulary", "terms", "Q99", "-o", file).stderr

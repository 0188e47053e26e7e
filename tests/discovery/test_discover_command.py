"""`litmine discover` and `litmine vocabulary terms` as a user runs them."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from litmine import Lake
from litmine.cli.main import cli
from litmine.discovery.discover import SCHEMA
from litmine.discovery.rules import DiscoveryRules, read_rules, rules_text
from litmine.errors import LitmineError


def run(*words: object) -> Any:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.toml"
    changed = DiscoveryRules(most_frequent=1.0, fewest_articles=1, least_depth=1)
    file.write_text(rules_text(changed), encoding="utf-8")
    return file


def test_every_format(twenty: Lake, rules: Path, tmp_path: Path) -> None:
    command = ("discover", "Alpha disease", "--until", 1988, "--lake", twenty.path, "--rules", rules)
    table = run(*command)
    assert table.exit_code == 0
    assert "Gamma oil" in table.stdout
    assert "2 results by" in table.stderr
    assert "left out: 2 the same thing as the start, above or below it" in table.stderr
    found = json.loads(run(*command, "--format", "json").stdout)
    assert [*found[0]] == SCHEMA.names
    lines = [json.loads(line) for line in run(*command, "--format", "jsonl").stdout.splitlines()]
    assert lines == found
    rows = list(csv.DictReader(run(*command, "--format", "csv").stdout.splitlines()))
    assert [row["link_id"] for row in rows] == [row["link_id"] for row in found]
    assert run(*command, "-o", tmp_path / "found.parquet").exit_code == 0
    assert pq.read_table(tmp_path / "found.parquet").num_rows == len(found)
    assert "n(AB) 4" in run(*command, "--explain").stdout
    network = tmp_path / "network.graphml"
    assert run(*command, "--network", network).exit_code == 0
    assert network.stat().st_size > 1000


def test_show_rules_prints_what_can_be_changed(tmp_path: Path) -> None:
    file = tmp_path / "shown.toml"
    file.write_text(run("discover", "--show-rules").stdout, encoding="utf-8")
    assert read_rules(file) == DiscoveryRules()


def test_mistakes_end_with_a_sentence(twenty: Lake) -> None:
    for words, message in (
        (("Alpha diseas",), "the nearest in the lake: Alpha disease"),
        (("Alpha disease", "Alpha disease"), "both sides are Alpha disease"),
        (("Alpha disease", "--until", 1900), "the oldest is of 1977"),
        ((), "give one concept"),
    ):
        error = run("discover", *words, "--lake", twenty.path).exception
        assert isinstance(error, LitmineError)
        assert message in str(error)


def test_branches_become_a_term_list(tmp_path: Path) -> None:
    file = tmp_path / "viscosity.tsv"
    done = run("vocabulary", "terms", "G09.188.370", "D10.627.430", "-o", file)
    assert done.exit_code == 0, done.output
    rows = {
        row["identifier"]: row for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    }
    assert (rows["MESH:D001809"]["name"], rows["MESH:D001809"]["type"]) == ("Blood Viscosity", "Process")
    assert (rows["MESH:D005395"]["name"], rows["MESH:D005395"]["type"]) == ("Fish Oils", "Chemical")
    error = run("vocabulary", "terms", "Q99", "-o", file).exception
    assert isinstance(error, LitmineError)
    assert "no concept under Q99" in str(error)

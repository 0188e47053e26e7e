"""Searches in a lake that changes, whose folder `concepts/` is damaged, and that several searches read at once."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from litmine import Lake
from litmine.discovery.rules import DiscoveryRules, rules_text
from litmine.errors import LakeError
from litmine.lake.concept_parts import concept_folder
from tests.fixtures.written_concepts import paper
from tests.fixtures.written_relations import add_papers, delete

RULES = DiscoveryRules(most_frequent=1.0, fewest_articles=1, least_depth=1)
Start = Callable[..., Popen[Any]]


def gamma(lake: Lake) -> dict[str, dict[str, Any]]:
    """The rows that lead from a to c until 1988, by linking concept."""
    found = lake.discover("Alpha disease", until=1988, links=9, rules=RULES).to_pylist()
    return {row["link"]: row for row in found if row["concept"] == "Gamma oil"}


def side(row: dict[str, Any], number: int) -> tuple[int, int | None, int]:
    return row[f"articles_{number}"], row[f"first_year_{number}"], row["link_articles"]


def dwpc(first: int, link: int, last: int, both: tuple[int, int]) -> float:
    return float(both[0] * both[1] * (first * link * link * last) ** -0.4)


def test_counts_measures_and_first_years_after_a_deletion_and_a_retraction(twenty: Lake) -> None:
    """Before, a (6 articles) leads to c (4) over b (8): 4 articles since 1980 with a, 2 since 1979 with c."""
    before = gamma(twenty)
    assert before.keys() == {"Beta protein", "Epsilon protein", "Persons"}
    assert (side(before["Beta protein"], 1), side(before["Beta protein"], 2)) == ((4, 1980, 8), (2, 1979, 8))
    assert before["Beta protein"]["link_score"] == pytest.approx(dwpc(6, 8, 4, (4, 2)))

    delete(twenty, 1, 2)  # the first article of a and b
    after = gamma(twenty)
    assert side(after["Beta protein"], 1) == (3, 1981, 7)
    assert (after["Beta protein"]["start_articles"], after["Beta protein"]["all_articles"]) == (5, 14)
    assert after["Beta protein"]["link_score"] == pytest.approx(dwpc(5, 7, 4, (3, 2)))

    add_papers(twenty, [paper(6, "b c", 1979, retracted=True)], day=3)  # the first article of b and c
    last = gamma(twenty)
    assert side(last["Beta protein"], 2) == (1, 1985, 6)
    assert (last["Beta protein"]["concept_articles"], last["Beta protein"]["all_articles"]) == (3, 13)
    links = {"Beta protein": (6, (3, 1)), "Epsilon protein": (5, (2, 1)), "Persons": (4, (1, 1))}
    score = sum(dwpc(5, articles, 3, both) for articles, both in links.values())
    assert {name: row["score"] for name, row in last.items()} == pytest.approx(dict.fromkeys(links, score))
    weights = sum(min(both) for _, both in links.values()) / 3
    assert {row["minimum_weight"] for row in last.values()} == {weights}

    shutil.rmtree(concept_folder(twenty.location))
    assert gamma(twenty) == last


_DELETE_IT = "); delete it, and the next search makes it again"


def damage(data: bytes, how: str) -> bytes:
    if how == "flipped":
        # Within the first page of the first column.
        return data[:60] + bytes(255 - byte for byte in data[60:90]) + data[90:]
    return {"garbage": b"x" * len(data), "cut": data[: len(data) // 2], "empty": b""}[how]


@pytest.mark.parametrize("how", ["garbage", "cut", "empty", "flipped"])
def test_a_damaged_folder_gives_the_same_answer_or_one_message(twenty: Lake, how: str) -> None:
    right, folder = gamma(twenty), concept_folder(twenty.location)
    outcomes = {}
    for pattern in ("pairs-*", "years-*", "articles-*", "names-*", "pairs.json", "parts/*"):
        (file,) = folder.glob(pattern)
        whole = file.read_bytes()
        file.write_bytes(damage(whole, how))
        try:
            outcomes[pattern] = "same" if gamma(twenty) == right else "wrong"
        except LakeError as error:
            outcomes[pattern] = str(error)
        if file.exists():
            file.write_bytes(whole)
    assert outcomes.keys() >= {"articles-*", "parts/*"}
    for pattern, outcome in outcomes.items():
        assert outcome == "same" or (
            outcome.startswith(str(folder))
            and outcome.endswith((f"delete the folder {folder}, which the next search makes again", _DELETE_IT))
            and "Errno" not in outcome
        ), (pattern, outcome)
    shutil.rmtree(folder)
    assert gamma(twenty) == right


def test_one_changed_byte_of_a_concept_table_is_noticed(twenty: Lake) -> None:
    """Any byte of its pages: without checksums, many would change an identifier or a PMID without a word."""
    right = gamma(twenty)
    (file,) = concept_folder(twenty.location).glob("parts/*")
    whole = file.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    wrong = []
    for place in range(4, len(whole) - footer, 37):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            if gamma(twenty) != right:
                wrong.append(place)
        except LakeError:
            continue
    assert wrong == []


def test_a_folder_that_cannot_be_written_is_one_message(
    twenty: Lake, run: Callable[..., CompletedProcess[str]]
) -> None:
    concept_folder(twenty.location).write_bytes(b"a file in the way")
    done = run("discover", "Alpha disease", "--lake", twenty.path)
    assert done.returncode == 1
    assert "could not be written (Not a directory); check that the folder is writable" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def command(twenty: Lake, tmp_path: Path) -> tuple[object, ...]:
    file = tmp_path / "rules.toml"
    file.write_text(rules_text(RULES), encoding="utf-8")
    return (
        "discover", "Alpha disease", "--until", 1988, "--links", 9, "--rules", file, "--lake", twenty.path,
        "--format", "json",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "is_new"),
    [
        ("*/concepts/parts/*", True),
        ("*/concepts/pairs-*", True),
        ("*/concepts/pairs.json", True),
        ("*/concepts/parts/*", False),
        ("*/concepts/years-*", False),
        ("*/concepts/pairs.json", False),
    ],
)
def test_a_search_that_is_killed_while_it_updates_changes_nothing(
    twenty: Lake,
    command: tuple[object, ...],
    pattern: str,
    is_new: bool,
    pause_before: Callable[..., Any],
    start: Start,
) -> None:
    """Killed before it names a table, a file of the index, or the state; the index is new, or has an article to add."""
    gamma(twenty)
    state = concept_folder(twenty.location) / "pairs.json"
    before = state.read_bytes()
    if is_new:
        shutil.rmtree(state.parent)
    add_papers(twenty, [paper(21, "a b", 1975)], day=2)
    point = pause_before(pattern)
    killed = start(*command, **point.environment)
    point.wait(killed)
    killed.kill()
    assert killed.wait() == -9
    assert not state.exists() if is_new else state.read_bytes() == before
    after = gamma(twenty)
    assert side(after["Beta protein"], 1) == (5, 1975, 9)
    query = "SELECT articles, first_year FROM concept_pairs WHERE first_id = 'MESH:D0001' AND second_id = 'MESH:D0002'"
    assert twenty.rows(query) == [(5, 1975)]


def test_searches_at_the_same_time_find_the_same(
    twenty: Lake, command: tuple[object, ...], pause_before: Callable[..., Any], start: Start
) -> None:
    """Four searches; the first is paused within the update of the index while the others start."""
    point = pause_before("*/concepts/pairs-*")
    first = start(*command, **point.environment)
    point.wait(first)
    others = [start(*command) for _ in range(3)]
    point.release()
    answers = []
    for process in (first, *others):
        out, err = process.communicate()
        assert process.returncode == 0, err
        answers.append(json.loads(out))
    right = twenty.discover("Alpha disease", until=1988, links=9, rules=RULES).to_pylist()
    pairs = {(row["concept"], row["link"]) for row in right}
    assert pairs == {(end, link) for end in ("Gamma oil", "Delta salt") for link in gamma(twenty)}
    assert all(answer == right for answer in answers)

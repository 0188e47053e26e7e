"""An index follows its lake: changed step by step, killed, shared or damaged, it finds what a fresh one does."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from litmine import Lake
from litmine.errors import LakeError
from litmine.lake.parquet import read_footer
from litmine.search import index_state, index_update
from litmine.search.index import Hit, SearchIndex
from litmine.search.index_state import state_file

Texts = dict[int, str | None]
Put = Callable[[Lake, Texts], None]
Make = Callable[..., Texts]
Alike = Callable[[Sequence[Hit], Sequence[Hit]], None]

QUESTIONS = ["study", "allergy to penicillin", "fever of mice and asthma", "kidney, liver, heart"]


def found(index: SearchIndex) -> list[list[Hit]]:
    return [index.search(question, 10_000) for question in QUESTIONS]


def fresh(lake: Lake, tmp_path: Path) -> list[list[Hit]]:
    """What an index finds that is made of the whole lake at once."""
    copy = tmp_path / "fresh"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(lake.path, copy, ignore=shutil.ignore_patterns("search", "lake.duckdb"))
    return found(SearchIndex.open(Lake(copy)))


def all_alike(alike: Alike, hits: list[list[Hit]], expected: list[list[Hit]]) -> None:
    for some, others in zip(hits, expected, strict=True):
        alike(some, others)


def indexed(index: SearchIndex) -> list[tuple[int, int]]:
    """All that is in the index, as every article has the word."""
    return sorted((hit.pmid, hit.text_hash) for hit in index.search("study", 10**6))


def files_of(lake: Lake) -> dict[Path, tuple[int, int]]:
    """Each file of the index: when it was written, and its inode."""
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in index_state.search_folder(lake.path).rglob("*")
    }


def current(lake: Lake) -> list[tuple[int, int]]:
    return lake.rows("SELECT pmid, text_hash FROM current_versions ORDER BY pmid")


def folder_of(lake: Lake) -> Path:
    return index_state.search_folder(lake.path) / str(read_footer(state_file(lake.path))["folder"])


def changes(make: Make) -> Iterator[Texts]:
    """200 articles, more, revisions, deletions, and some of them back with another text or the old one."""
    yield make(range(1, 201))
    yield make(range(201, 231))
    yield make(range(5, 200, 9), seed=1)
    yield dict.fromkeys(range(1, 180, 3))
    yield make(range(1, 60, 6)) | make(range(4, 60, 6), seed=2)
    yield {500: "study", 501: None}


def test_step_by_step_as_at_once(lake: Lake, put: Put, make: Make, alike: Alike, tmp_path: Path) -> None:
    for texts in changes(make):
        put(lake, texts)
        index = SearchIndex.open(lake)
        assert indexed(index) == current(lake)
    all_alike(alike, found(index), fresh(lake, tmp_path))


@pytest.mark.usefixtures("in_place")
def test_changed_in_place(lake: Lake, put: Put, make: Make) -> None:
    folders = set()
    for texts in changes(make):
        put(lake, texts)
        index = SearchIndex.open(lake)
        assert indexed(index) == current(lake)
        folders.add(folder_of(lake))
    assert len(folders) == 1


@pytest.mark.usefixtures("in_place")
def test_without_deletions_no_history_shows(lake: Lake, put: Put, make: Make, alike: Alike, tmp_path: Path) -> None:
    for start in range(0, 90, 15):
        put(lake, make(range(start + 1, start + 16)))
        index = SearchIndex.open(lake)
    all_alike(alike, found(index), fresh(lake, tmp_path))


def test_a_large_index_is_made_anew_when_much_of_it_is_deleted(
    lake: Lake, put: Put, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_update, "SMALL", 0)
    monkeypatch.setattr(index_update, "MOST_DELETED", 0.05)
    # One segment. With several threads one of them may index the deleted articles alone, and tantivy drops a segment of
    # deleted articles with its count of deletions.
    monkeypatch.setattr(index_update, "_MOST_THREADS", 1)
    put(lake, make(range(1, 201)))
    SearchIndex.open(lake)
    folders = [folder_of(lake)]
    for pmid in range(2, 14, 2):
        put(lake, {pmid - 1: None, pmid: None})
        index = SearchIndex.open(lake)
        folders.append(folder_of(lake))
        # Scores of an index with few deletions are near those of a fresh one.
        tops = zip(found(index), fresh(lake, tmp_path), strict=True) if pmid in (8, 12) else ()
        for hits, expected in tops:
            scores = {hit.pmid: hit.score for hit in hits}
            assert [scores[hit.pmid] for hit in expected] == pytest.approx([hit.score for hit in expected], 0.1, 0.01)
    assert folders[0] == folders[4] != folders[6]
    assert len(set(folders)) == 2
    assert not folders[0].exists()
    assert indexed(index) == current(lake)


def test_an_unchanged_lake_costs_nothing(lake: Lake, put: Put, make: Make) -> None:
    put(lake, make(range(1, 20)))
    SearchIndex.open(lake)
    before = {
        path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in index_state.search_folder(lake.path).rglob("*")
    }
    script = (
        "import sys\nfrom litmine import Lake\nfrom litmine.search.index import SearchIndex\n"
        "print(len(SearchIndex.open(Lake(sys.argv[1])).search('study', 100)), 'duckdb' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script, lake.path], capture_output=True, text=True, check=True)
    assert ran.stdout == "19 False\n"
    after = {
        path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in index_state.search_folder(lake.path).rglob("*")
    }
    assert after == before


def test_what_says_nothing_new_keeps_the_index(lake: Lake, put: Put, make: Make) -> None:
    put(lake, make(range(1, 20)))
    SearchIndex.open(lake)
    folder = folder_of(lake)
    put(lake, make(range(1, 20)))
    put(lake, {77: None})
    assert indexed(SearchIndex.open(lake)) == current(lake)
    assert folder_of(lake) == folder


def test_an_open_index_stays_as_it_is(lake: Lake, put: Put, make: Make) -> None:
    put(lake, make(range(1, 40)))
    index = SearchIndex.open(lake)
    before = found(index)
    put(lake, make(range(20, 60), seed=5))
    later = found(SearchIndex.open(lake))
    assert found(index) == before != later


BUILD = """
import sys
from litmine import Lake
from litmine.search import index_update
from litmine.search.index import SearchIndex
index_update.SMALL, index_update.MOST_DELETED, index_update.ROUND = 0, 1e9, 20
lake = Lake(sys.argv[1])
import duckdb, tantivy
print("ready", flush=True)
sys.stdin.readline()
print(len(SearchIndex.open(lake)), flush=True)
"""


def start_build(lake: Lake, environment: dict[str, str] | None = None) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", BUILD, lake.path],
        env=os.environ | (environment or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize("kills", [2, pytest.param(60, marks=pytest.mark.soak)])
def test_killed_at_any_instant(
    lake: Lake, put: Put, make: Make, alike: Alike, tmp_path: Path, kills: int, hold: Callable[..., Any]
) -> None:
    chance = random.Random(kills)
    unfinished = 0
    for turn in range(kills):
        put(lake, make(range(1, 301), seed=turn) | dict.fromkeys(chance.sample(range(1, 301), 60)))
        # From the first file that it writes on; the first time it has not noted yet what it is about to do.
        noting = hold("*/indexed.parquet", chance.randint(1, 20))
        process = start_build(lake, noting.environment)
        go(process)
        noting.wait(process)
        if turn:
            noting.release()
            time.sleep(chance.random())
        process.kill()
        process.communicate()
        unfinished += read_footer(state_file(lake.path))["parts"] is None
    assert unfinished
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_update, "SMALL", 0)
        patch.setattr(index_update, "MOST_DELETED", 1e9)
        assert indexed(SearchIndex.open(lake)) == current(lake)
    put(lake, {1: None, 2: "study of the end"})
    all_alike(alike, found(SearchIndex.open(lake)), fresh(lake, tmp_path))
    left = [path.name for path in index_state.search_folder(lake.path).iterdir() if not path.name.startswith(".")]
    assert sorted(left) == [folder_of(lake).name, "indexed.parquet"]


def test_several_processes_at_once(lake: Lake, put: Put, make: Make) -> None:
    put(lake, make(range(1, 40)))
    index = SearchIndex.open(lake)
    before = found(index)
    put(lake, make(range(10, 241), seed=3))
    processes = [start_build(lake) for _ in range(3)]
    for process in processes:
        go(process)
    while any(process.poll() is None for process in processes):
        assert found(index) == before
        time.sleep(0.1)
    assert [process.communicate()[0] for process in processes] == ["240\n"] * 3
    assert indexed(SearchIndex.open(lake)) == current(lake)


def found_in_the_end(lake: Lake) -> list[list[Hit]]:
    """What is found at once, or after the sentence that promises it."""
    try:
        return found(SearchIndex.open(lake))
    except LakeError as error:
        sentence = str(error)
    assert sentence.endswith("run the command again, and it is made anew")
    return found(SearchIndex.open(lake))


def test_missing_or_cut_short_files_are_made_anew(lake: Lake, put: Put, make: Make, alike: Alike) -> None:
    put(lake, make(range(1, 60)))
    expected = found(SearchIndex.open(lake))
    patterns = ["meta.json", "*.fast", "*.idx", "*.pos", "*.term", "indexed.parquet"]
    for pattern in patterns:
        for left in (None, 2):
            (place,) = index_state.search_folder(lake.path).rglob(pattern)
            data = place.read_bytes()
            place.unlink()
            if left is not None:
                place.write_bytes(data[: len(data) * left // 3])
            all_alike(alike, found_in_the_end(lake), expected)
    shutil.rmtree(folder_of(lake))
    all_alike(alike, found(SearchIndex.open(lake)), expected)
    shutil.rmtree(index_state.search_folder(lake.path))
    all_alike(alike, found(SearchIndex.open(lake)), expected)


def test_an_older_kind_is_made_anew(lake: Lake, put: Put, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, make(range(1, 20)))
    SearchIndex.open(lake)
    older = folder_of(lake)
    monkeypatch.setattr(index_state, "VERSION", 2)
    monkeypatch.setattr(index_state.State.__init__, "__defaults__", (2,))
    assert indexed(SearchIndex.open(lake)) == current(lake)
    assert not older.exists()


def test_a_damaged_part_is_named(lake: Lake, put: Put, make: Make) -> None:
    put(lake, make(range(1, 60)))
    part = lake.part(lake.parts()[0])
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(LakeError, match=rf"{part.name} is damaged"):
        SearchIndex.open(lake)


def test_a_state_that_leads_out_of_the_folder_is_not_followed(lake: Lake, put: Put, make: Make) -> None:
    put(lake, make(range(1, 20)))
    SearchIndex.open(lake)
    kept = lake.path / "search" / "mine"
    kept.mkdir()
    footer = read_footer(state_file(lake.path)) | {"folder": "../articles"}
    rows = pq.read_table(state_file(lake.path)).replace_schema_metadata({"litmine": json.dumps(footer)})
    pq.write_table(rows, state_file(lake.path))
    assert index_state.read_state(lake.path) is None
    assert indexed(SearchIndex.open(lake)) == current(lake)
    assert kept.is_dir()

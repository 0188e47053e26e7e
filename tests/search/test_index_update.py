"""An updated index gives the hits of a fresh one, even after kills, concurrent updates or damage."""

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
AddTexts = Callable[[Lake, Texts], None]
MakeTexts = Callable[..., Texts]
AssertSameHits = Callable[[Sequence[Hit], Sequence[Hit]], None]

QUESTIONS = ["study", "allergy to penicillin", "fever of mice and asthma", "kidney, liver, heart"]


def hits_of(index: SearchIndex) -> list[list[Hit]]:
    return [index.search(question, 10_000) for question in QUESTIONS]


def fresh_hits(lake: Lake, tmp_path: Path) -> list[list[Hit]]:
    """The hits of a new index of the whole lake."""
    copy = tmp_path / "fresh"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(lake.path, copy, ignore=shutil.ignore_patterns("search", "lake.duckdb"))
    return hits_of(SearchIndex.open(Lake(copy)))


def assert_all_same_hits(assert_same_hits: AssertSameHits, hits: list[list[Hit]], expected: list[list[Hit]]) -> None:
    for actual, wanted in zip(hits, expected, strict=True):
        assert_same_hits(actual, wanted)


def indexed_texts(index: SearchIndex) -> list[tuple[int, int]]:
    """PMID and text hash of all documents, found by the word that every article has."""
    return sorted((hit.pmid, hit.text_hash) for hit in index.search("study", 10**6))


def files_of(lake: Lake) -> dict[Path, tuple[int, int]]:
    """Modification time and inode of each file of the index."""
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in index_state.search_folder(lake.path).rglob("*")
    }


def current_texts(lake: Lake) -> list[tuple[int, int]]:
    return lake.rows("SELECT pmid, text_hash FROM current_versions ORDER BY pmid")


def index_folder(lake: Lake) -> Path:
    return index_state.search_folder(lake.path) / str(read_footer(state_file(lake.path))["folder"])


def changes(make_texts: MakeTexts) -> Iterator[Texts]:
    """200 articles, additions, revisions, deletions, and deleted articles that return with the old or another text."""
    yield make_texts(range(1, 201))
    yield make_texts(range(201, 231))
    yield make_texts(range(5, 200, 9), seed=1)
    yield dict.fromkeys(range(1, 180, 3))
    yield make_texts(range(1, 60, 6)) | make_texts(range(4, 60, 6), seed=2)
    yield {500: "study", 501: None}


def test_an_index_updated_in_steps_equals_a_fresh_one(
    lake: Lake, add_texts: AddTexts, make_texts: MakeTexts, assert_same_hits: AssertSameHits, tmp_path: Path
) -> None:
    for texts in changes(make_texts):
        add_texts(lake, texts)
        index = SearchIndex.open(lake)
        assert indexed_texts(index) == current_texts(lake)
    assert_all_same_hits(assert_same_hits, hits_of(index), fresh_hits(lake, tmp_path))


@pytest.mark.usefixtures("update_in_place")
def test_a_large_index_is_updated_in_place(lake: Lake, add_texts: AddTexts, make_texts: MakeTexts) -> None:
    folders = set()
    for texts in changes(make_texts):
        add_texts(lake, texts)
        index = SearchIndex.open(lake)
        assert indexed_texts(index) == current_texts(lake)
        folders.add(index_folder(lake))
    assert len(folders) == 1


@pytest.mark.usefixtures("update_in_place")
def test_additions_in_steps_give_the_scores_of_a_fresh_index(
    lake: Lake, add_texts: AddTexts, make_texts: MakeTexts, assert_same_hits: AssertSameHits, tmp_path: Path
) -> None:
    for start in range(0, 90, 15):
        add_texts(lake, make_texts(range(start + 1, start + 16)))
        index = SearchIndex.open(lake)
    assert_all_same_hits(assert_same_hits, hits_of(index), fresh_hits(lake, tmp_path))


def test_a_large_index_is_rebuilt_when_much_of_it_is_deleted(
    lake: Lake, add_texts: AddTexts, make_texts: MakeTexts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_update, "SMALL_INDEX", 0)
    monkeypatch.setattr(index_update, "MAX_DELETED_SHARE", 0.05)
    # One thread makes one segment. With several threads, one segment may have only deleted articles, and tantivy drops
    # it together with its number of deletions.
    monkeypatch.setattr(index_update, "_MAX_THREADS", 1)
    add_texts(lake, make_texts(range(1, 201)))
    SearchIndex.open(lake)
    folders = [index_folder(lake)]
    for pmid in range(2, 14, 2):
        add_texts(lake, {pmid - 1: None, pmid: None})
        index = SearchIndex.open(lake)
        folders.append(index_folder(lake))
        # With few deletions, scores are close to those of a fresh index.
        compared = zip(hits_of(index), fresh_hits(lake, tmp_path), strict=True) if pmid in (8, 12) else ()
        for hits, expected in compared:
            scores = {hit.pmid: hit.score for hit in hits}
            assert [scores[hit.pmid] for hit in expected] == pytest.approx([hit.score for hit in expected], 0.1, 0.01)
    assert folders[0] == folders[4] != folders[6]
    assert len(set(folders)) == 2
    assert not folders[0].exists()
    assert indexed_texts(index) == current_texts(lake)


def test_an_unchanged_lake_needs_no_update_and_no_duckdb(
    lake: Lake, add_texts: AddTexts, make_texts: MakeTexts
) -> None:
    add_texts(lake, make_texts(range(1, 20)))
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


def test_imports_without_new_texts_keep_the_index(lake: Lake, add_texts: AddTexts, make_texts: MakeTexts) -> None:
    add_texts(lake, make_texts(range(1, 20)))
    SearchIndex.open(lake)
    folder = index_folder(lake)
    add_texts(lake, make_texts(range(1, 20)))
    add_texts(lake, {77: None})
    assert indexed_texts(SearchIndex.open(lake)) == current_texts(lake)
    assert index_folder(lake) == folder


def test_an_open_index_does_not_change(lake: Lake, add_texts: AddTexts, make_texts: MakeTexts) -> None:
    add_texts(lake, make_texts(range(1, 40)))
    index = SearchIndex.open(lake)
    before = hits_of(index)
    add_texts(lake, make_texts(range(20, 60), seed=5))
    later = hits_of(SearchIndex.open(lake))
    assert hits_of(index) == before != later


BUILD = """
import sys
from litmine import Lake
from litmine.search import index_update
from litmine.search.index import SearchIndex
index_update.SMALL_INDEX, index_update.MAX_DELETED_SHARE, index_update.ROUND_SIZE = 0, 1e9, 20
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


def continue_process(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize("kills", [2, pytest.param(60, marks=pytest.mark.soak)])
def test_an_update_killed_at_any_time_can_be_repeated(
    lake: Lake,
    add_texts: AddTexts,
    make_texts: MakeTexts,
    assert_same_hits: AssertSameHits,
    tmp_path: Path,
    kills: int,
    pause_before: Callable[..., Any],
) -> None:
    rng = random.Random(kills)
    unfinished = 0
    for turn in range(kills):
        add_texts(lake, make_texts(range(1, 301), seed=turn) | dict.fromkeys(rng.sample(range(1, 301), 60)))
        # The update stops before one of its writes of the state file. The first one is killed there, before it recorded
        # what it changes; later ones are killed at a random time afterwards.
        state_write = pause_before("*/indexed.parquet", rng.randint(1, 20))
        process = start_build(lake, state_write.environment)
        continue_process(process)
        state_write.wait(process)
        if turn:
            state_write.release()
            time.sleep(rng.random())
        process.kill()
        process.communicate()
        unfinished += read_footer(state_file(lake.path))["parts"] is None
    assert unfinished
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_update, "SMALL_INDEX", 0)
        patch.setattr(index_update, "MAX_DELETED_SHARE", 1e9)
        assert indexed_texts(SearchIndex.open(lake)) == current_texts(lake)
    add_texts(lake, {1: None, 2: "study of the end"})
    assert_all_same_hits(assert_same_hits, hits_of(SearchIndex.open(lake)), fresh_hits(lake, tmp_path))
    names = [path.name for path in index_state.search_folder(lake.path).iterdir() if not path.name.startswith(".")]
    assert sorted(names) == [index_folder(lake).name, "indexed.parquet"]


def test_several_processes_can_open_an_index_at_once(lake: Lake, add_texts: AddTexts, make_texts: MakeTexts) -> None:
    add_texts(lake, make_texts(range(1, 40)))
    index = SearchIndex.open(lake)
    before = hits_of(index)
    add_texts(lake, make_texts(range(10, 241), seed=3))
    processes = [start_build(lake) for _ in range(3)]
    for process in processes:
        continue_process(process)
    while any(process.poll() is None for process in processes):
        assert hits_of(index) == before
        time.sleep(0.1)
    assert [process.communicate()[0] for process in processes] == ["240\n"] * 3
    assert indexed_texts(SearchIndex.open(lake)) == current_texts(lake)


def hits_after_rebuild(lake: Lake) -> list[list[Hit]]:
    """The hits at once, or after one failure whose message says to run the command again."""
    try:
        return hits_of(SearchIndex.open(lake))
    except LakeError as error:
        message = str(error)
    assert message.endswith("run the command again to rebuild it")
    return hits_of(SearchIndex.open(lake))


def test_an_index_with_missing_or_truncated_files_is_rebuilt(
    lake: Lake, add_texts: AddTexts, make_texts: MakeTexts, assert_same_hits: AssertSameHits
) -> None:
    add_texts(lake, make_texts(range(1, 60)))
    expected = hits_of(SearchIndex.open(lake))
    patterns = ["meta.json", "*.fast", "*.idx", "*.pos", "*.term", "indexed.parquet"]
    for pattern in patterns:
        for kept_thirds in (None, 2):
            (path,) = index_state.search_folder(lake.path).rglob(pattern)
            data = path.read_bytes()
            path.unlink()
            if kept_thirds is not None:
                path.write_bytes(data[: len(data) * kept_thirds // 3])
            assert_all_same_hits(assert_same_hits, hits_after_rebuild(lake), expected)
    shutil.rmtree(index_folder(lake))
    assert_all_same_hits(assert_same_hits, hits_of(SearchIndex.open(lake)), expected)
    shutil.rmtree(index_state.search_folder(lake.path))
    assert_all_same_hits(assert_same_hits, hits_of(SearchIndex.open(lake)), expected)


def test_an_index_of_another_version_is_rebuilt(
    lake: Lake, add_texts: AddTexts, make_texts: MakeTexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_texts(lake, make_texts(range(1, 20)))
    SearchIndex.open(lake)
    older = index_folder(lake)
    monkeypatch.setattr(index_state, "VERSION", 2)
    monkeypatch.setattr(index_state.IndexState.__init__, "__defaults__", (2,))
    assert indexed_texts(SearchIndex.open(lake)) == current_texts(lake)
    assert not older.exists()


def test_a_damaged_part_is_named(lake: Lake, add_texts: AddTexts, make_texts: MakeTexts) -> None:
    add_texts(lake, make_texts(range(1, 60)))
    part = lake.part(lake.parts()[0])
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(LakeError, match=rf"{part.name} is damaged"):
        SearchIndex.open(lake)


def test_a_state_file_cannot_point_outside_the_search_folder(
    lake: Lake, add_texts: AddTexts, make_texts: MakeTexts
) -> None:
    add_texts(lake, make_texts(range(1, 20)))
    SearchIndex.open(lake)
    other_folder = lake.path / "search" / "mine"
    other_folder.mkdir()
    footer = read_footer(state_file(lake.path)) | {"folder": "../articles"}
    rows = pq.read_table(state_file(lake.path)).replace_schema_metadata({"litmine": json.dumps(footer)})
    pq.write_table(rows, state_file(lake.path))
    assert index_state.read_state(lake.path) is None
    assert indexed_texts(SearchIndex.open(lake)) == current_texts(lake)
    assert other_folder.is_dir()


def test_an_index_with_a_flipped_bit_is_built_again(lake: Lake, add_texts: AddTexts, make_texts: MakeTexts) -> None:
    add_texts(lake, make_texts(range(1, 60)))
    expected = SearchIndex.open(lake).search("study allergy cells", 30)
    for suffix in ("term", "idx", "fast", "fieldnorm"):
        (file,) = lake.path.glob(f"search/bm25-*/*.{suffix}")
        data = bytearray(file.read_bytes())
        data[len(data) // 3] ^= 4
        file.write_bytes(data)
        assert SearchIndex.open(lake).search("study allergy cells", 30) == expected
        assert not file.exists(), suffix


def test_names_out_of_the_index_are_not_deleted(
    lake: Lake, add_texts: AddTexts, make_texts: MakeTexts, tmp_path: Path
) -> None:
    """tantivy deletes every file on its list that no segment needs, wherever it is."""
    add_texts(lake, make_texts(range(1, 30)))
    SearchIndex.open(lake)
    victims = [tmp_path / "relative", tmp_path / "absolute"]
    for victim in victims:
        victim.write_text("mine")
    managed = index_folder(lake) / ".managed.json"
    names = [os.path.relpath(victims[0], index_folder(lake)), str(victims[1])]
    managed.write_text(json.dumps([*json.loads(managed.read_bytes()), *names]))
    assert "names something else" in index_state.index_health(lake)[1]
    add_texts(lake, make_texts(range(30, 40)))
    index = SearchIndex.open(lake)
    assert [victim.read_text() for victim in victims] == ["mine", "mine"]
    assert len(indexed_texts(index)) == 39

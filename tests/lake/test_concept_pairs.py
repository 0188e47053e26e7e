"""`concept_articles`, `concepts` and `concept_pairs`: hand-made counts, changes of the lake, and kills."""

import os
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine import Lake
from litmine.lake import pair_update
from litmine.lake.concept_matrix import NO_YEAR, ConceptMatrix, count_pairs
from litmine.lake.concept_parts import concept_folder
from litmine.lake.pair_state import read_pair_state
from litmine.lake.pair_update import update_pairs
from litmine.pipeline.compact import compact
from tests.fixtures.written_concepts import CONCEPTS, TWENTY, add_twenty, paper
from tests.fixtures.written_relations import activate_models, add_papers, delete

Pairs = dict[tuple[str, str], tuple[int, int | None]]
LETTERS = {identifier: letter for letter, (identifier, *_) in CONCEPTS.items()}


def pairs_of(lake: Lake) -> Pairs:
    """The view `concept_pairs` by letters."""
    rows = lake.rows("SELECT first_id, second_id, articles, first_year FROM concept_pairs")
    return {(LETTERS[first], LETTERS[second]): (articles, year) for first, second, articles, year in rows}


def expected(articles: Mapping[int, tuple[str, int | None]]) -> Pairs:
    """The same, counted from letters and years."""
    counts: Counter[tuple[str, str]] = Counter()
    years: dict[tuple[str, str], list[int]] = defaultdict(list)
    for words, year in articles.values():
        for pair in combinations(sorted(words.split()), 2):
            counts[pair] += 1
            years[pair] += [] if year is None else [year]
    return {pair: (number, min(years[pair], default=None)) for pair, number in counts.items()}


def without_index(lake: Lake) -> Pairs:
    """What the catalogue's view computes from entities."""
    with duckdb.connect(str(lake.path / "lake.duckdb"), read_only=True) as catalogue:
        rows = catalogue.execute("SELECT first_id, second_id, articles, first_year FROM concept_pairs").fetchall()
    return {(LETTERS[first], LETTERS[second]): (articles, year) for first, second, articles, year in rows}


@pytest.fixture
def twenty(lake: Lake) -> Lake:
    add_twenty(lake)
    return lake


def test_counts_and_first_years_of_twenty_articles(twenty: Lake) -> None:
    found = pairs_of(twenty)
    assert found["a", "b"] == (4, 1980)
    assert found["b", "c"] == (2, 1979)
    assert found["b", "g"] == (1, None)
    assert found["a", "c"] == (2, 1995)
    assert found == expected(dict(enumerate(TWENTY, 1))) == without_index(twenty)
    concepts = twenty.rows("SELECT identifier, name, entity_type, mentions, articles, first_year FROM concepts")
    assert {row[0]: row[1:] for row in concepts}["MESH:D0002"] == ("Beta protein", "Gene", 9, 9, 1979)
    rows = twenty.rows("SELECT identifier, pmid, mentions FROM concept_articles WHERE pmid = 3 ORDER BY ALL")
    assert rows == [("MESH:D0001", 3, 1), ("MESH:D0002", 3, 1), ("MESH:D0005", 3, 1)]


@pytest.mark.parametrize("share", [0, 1e9])
def test_changes_are_seen_at_the_next_look(twenty: Lake, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when everything is counted again (`share` 0)."""
    monkeypatch.setattr(pair_update, "_MAX_LATER_SHARE", share)
    articles = dict(enumerate(TWENTY, 1))
    assert pairs_of(twenty) == expected(articles)

    delete(twenty, 1, 2)  # the first article of a and b
    del articles[1]
    assert pairs_of(twenty)["a", "b"] == (3, 1981)
    assert pairs_of(twenty) == expected(articles) == without_index(twenty)

    add_papers(twenty, [paper(6, "b c", 1979, retracted=True), paper(7, "b e", 1985)], day=3)
    del articles[6]
    articles[7] = ("b e", 1985)
    add_papers(twenty, [paper(16, "a c", 1970), paper(21, "f c", 1999)], day=4)
    articles |= {16: ("a c", 1970), 21: ("f c", 1999)}
    found = pairs_of(twenty)
    assert ("b", "c") not in found
    assert found["a", "c"] == (2, 1970)
    assert found == expected(articles) == without_index(twenty)
    state = read_pair_state(twenty.location)
    assert state is not None
    assert len(state.generations) == (3 if share else 1)


def test_other_links_are_seen_at_the_next_look(twenty: Lake) -> None:
    before = pairs_of(twenty)
    activate_models(twenty, 2)
    assert pairs_of(twenty) == before
    # Without the links of part of the texts, the tagger's own identifiers count; here they are the same.
    for file in (twenty.path / "links").rglob("*.parquet"):
        if file.name != "_schema.parquet":
            file.unlink()
    assert pairs_of(twenty) == before
    for file in (twenty.path / "entities").rglob("*.parquet"):
        if file.name != "_schema.parquet":
            file.unlink()
    assert pairs_of(twenty) == {} == without_index(twenty)


def test_missing_and_damaged_files_are_made_again(twenty: Lake) -> None:
    before, folder = pairs_of(twenty), concept_folder(twenty.location)
    for pattern in ("pairs-*", "years-*", "articles-*", "names-*", "pairs.json", "parts/*"):
        for file in folder.glob(pattern):
            file.unlink()
        assert pairs_of(twenty) == before, pattern
    shutil.rmtree(folder)
    assert pairs_of(twenty) == before
    (folder / "pairs.json").write_bytes(b"{")
    assert pairs_of(twenty) == before


def test_a_merged_lake_counts_the_same_and_keeps_its_index(twenty: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(9):
        add_papers(twenty, [paper(100 + day, "a d", 2000 + day)], day=10 + day)
    before, state = pairs_of(twenty), read_pair_state(twenty.location)
    monkeypatch.setattr("litmine.pipeline.compact.file_age", lambda _path: 1e9)
    compact(twenty)
    assert pairs_of(twenty) == before
    after = read_pair_state(twenty.location)
    assert state is not None
    assert after is not None
    assert after.generations == state.generations
    assert after.parts != state.parts


def test_many_generations_become_one(twenty: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_update, "_MAX_GENERATIONS", 2)
    monkeypatch.setattr(pair_update, "_MAX_LATER_SHARE", 1e9)
    articles = dict(enumerate(TWENTY, 1))
    generations = []
    for night in range(6):
        add_papers(twenty, [paper(200 + night, "a d g", 1960 + night)], day=20 + night)
        delete(twenty, night + 1, 40 + night)
        articles[200 + night] = ("a d g", 1960 + night)
        del articles[night + 1]
        assert pairs_of(twenty) == expected(articles)
        state = read_pair_state(twenty.location)
        assert state is not None
        generations.append(len(state.generations))
    assert max(generations) == 3
    assert generations[-1] < 6


def test_a_killed_update_changes_nothing(twenty: Lake) -> None:
    """Kill it at many moments; afterwards the counts are right, whatever it left."""
    add_papers(twenty, [paper(300, "a b c d", 1950)], day=50)
    articles = dict(enumerate(TWENTY, 1)) | {300: ("a b c d", 1950)}
    code = (
        "import os, sys, threading, time\n"
        "from pathlib import Path\n"
        "from litmine.lake.pair_update import update_pairs\n"
        "print('go', flush=True)\n"
        "update_pairs(Path(sys.argv[1]))\n"
    )
    for delay in (0.0, 0.01, 0.03, 0.06, 0.1, 0.15):
        shutil.rmtree(concept_folder(twenty.location), ignore_errors=True)
        child = subprocess.Popen([sys.executable, "-c", code, str(twenty.path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(delay)
        child.kill()
        child.communicate()
        assert pairs_of(twenty) == expected(articles)


def test_a_folder_that_cannot_be_written_only_costs_time(twenty: Lake) -> None:
    concept_folder(twenty.location).write_bytes(b"a file in the way")
    assert pairs_of(twenty) == expected(dict(enumerate(TWENTY, 1)))
    assert len(twenty.rows("FROM concepts")) == len(CONCEPTS)


@st.composite
def matrices(draw: st.DrawFn) -> Sequence[tuple[set[int], int]]:
    return draw(st.lists(st.tuples(st.sets(st.integers(0, 6)), st.integers(0, 3)), max_size=12))


@given(matrices(), st.integers(1, 20))
def test_pairs_of_a_matrix(articles: Sequence[tuple[set[int], int]], chunk: int) -> None:
    matrix = ConceptMatrix(
        [f"id{i}" for i in range(7)],
        [""] * 7,
        np.arange(len(articles)),
        np.array([year for _, year in articles], dtype=np.int16),
        np.concatenate([[0], np.cumsum([len(concepts) for concepts, _ in articles], dtype=np.int64)]).astype(np.int64),
        np.array([one for concepts, _ in articles for one in sorted(concepts)], dtype=np.int32),
    )
    counts = Counter((*pair, year) for concepts, year in articles for pair in combinations(sorted(concepts), 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("litmine.lake.concept_matrix._CHUNK_PAIRS", chunk)
        found = [row for columns in count_pairs(matrix) for row in zip(*(one.tolist() for one in columns), strict=True)]
    assert found == sorted((*key, number) for key, number in counts.items())
    assert NO_YEAR == 0


def test_an_update_without_changes_writes_nothing(twenty: Lake) -> None:
    update_pairs(twenty.location)
    files = {file: file.stat().st_mtime_ns for file in Path(concept_folder(twenty.location)).rglob("*")}
    update_pairs(twenty.location)
    assert {file: file.stat().st_mtime_ns for file in Path(concept_folder(twenty.location)).rglob("*")} == files


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "link"])
@pytest.mark.parametrize("name", ["pairs.json", "pairs-*.parquet", "parts/*.parquet"])
def test_pipes_and_links_in_place_of_the_index_are_replaced(
    twenty: Lake, name: str, make: Callable[[Path], None]
) -> None:
    before = pairs_of(twenty)
    file = next(concept_folder(twenty.location).glob(name))
    file.unlink()
    make(file)
    assert pairs_of(twenty) == before
    update_pairs(twenty.location)
    assert pairs_of(twenty) == before

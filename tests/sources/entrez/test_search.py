"""Every PMID of a query, however its records lie: over days, within one, or at the edges of time."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import SourceError
from litmine.fake_pubmed import query
from litmine.fake_pubmed.archive import Archive
from litmine.sources.entrez import search as slices
from litmine.sources.entrez.responses import Hits

TODAY = date(2026, 11, 22)
MOST = 40
DAYS = st.dates(date(1900, 1, 1), TODAY + timedelta(days=30))


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """PubMed's limit, made small, so that few records need many slices."""
    monkeypatch.setattr(slices, "MOST_HITS", MOST)
    monkeypatch.setattr(slices, "_AIM", MOST * 3 // 4)


def searching(archive: Archive, asked: list[str], order: Callable[[list[int]], list[int]] = list) -> slices.Search:
    """PubMed's search over the archive: it counts all hits and names the first `MOST`."""

    def search(term: str) -> Hits:
        asked.append(term)
        found = archive.search(lambda columns: query.search(term, columns))
        return Hits(len(found.pmids), tuple(order(found.pmids)[:MOST]), found.translation)

    return search


@pytest.fixture(scope="module")
def source(sample_data: Path) -> Path:
    return sample_data / "pubmed" / "pubmedsample19n0001.xml.gz"


@given(
    st.lists(st.tuples(DAYS, st.integers(1, 3 * MOST)), max_size=6),
    st.lists(st.tuples(DAYS, st.integers(1, 3)), max_size=30),
    st.sampled_from([list, sorted]),
)
def test_finds_all_once(
    source: Path,
    busy: list[tuple[date, int]],
    thin: list[tuple[date, int]],
    order: Callable[[list[int]], list[int]],
) -> None:
    archive = Archive([source], records=1)
    for day, count in busy + thin:
        archive.add(count, day)
    asked: list[str] = []
    found = slices.find("all[sb]", searching(archive, asked, order), TODAY)
    assert found.pmids == archive.pmids
    assert (found.count, found.unnamed) == (len(archive), 0)
    assert len(set(asked)) == len(asked), "a slice was asked for twice"


def test_one_search_is_enough_for_few(source: Path) -> None:
    asked: list[str] = []
    archive = Archive([source], records=MOST)
    assert slices.find("all[sb]", searching(archive, asked), TODAY).pmids == archive.pmids
    assert asked == ["all[sb]"]


def test_searches_stay_few(source: Path) -> None:
    """At PubMed's own growth, not many more searches than the hits fill."""
    asked: list[str] = []
    archive = Archive([source], records=60 * MOST, last=TODAY)
    slices.find("all[sb]", searching(archive, asked), TODAY)
    assert len(asked) < 2.5 * 60


def test_a_record_that_comes_meanwhile_is_no_difference(source: Path) -> None:
    archive = Archive([source], records=5 * MOST, last=TODAY)
    asked: list[str] = []
    search = searching(archive, asked)

    def growing(term: str) -> Hits:
        hits = search(term)
        if len(asked) == 1:
            archive.add(3, TODAY)
        return hits

    found = slices.find("all[sb]", growing, TODAY)
    assert found.pmids == archive.pmids
    assert (found.count, found.unnamed) == (5 * MOST + 3, 0)


def test_what_pubmed_counts_and_does_not_name_is_told(source: Path) -> None:
    archive = Archive([source], records=5 * MOST, last=TODAY)
    search = searching(archive, [])

    def counting_more(term: str) -> Hits:
        hits = search(term)
        return Hits(hits.count + 7, hits.pmids, hits.translation) if term == "all[sb]" else hits

    found = slices.find("all[sb]", counting_more, TODAY)
    assert (len(found.pmids), found.count, found.unnamed) == (5 * MOST, 5 * MOST + 7, 7)


def test_a_count_that_cannot_be_ends() -> None:
    with pytest.raises(SourceError, match="under one PMID"):
        slices.find("all[sb]", lambda _: Hits(10 * MOST, (5,), ""), TODAY)

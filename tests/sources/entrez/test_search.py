"""Slicing of large searches: every PMID is found once, however the records are spread over days."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import SourceError
from litmine.fake_pubmed import query
from litmine.fake_pubmed.archive import RecordArchive
from litmine.sources.entrez import search as search_module
from litmine.sources.entrez.responses import EsearchResult

TODAY = date(2026, 11, 22)
LIMIT = 40
DAYS = st.dates(date(1900, 1, 1), TODAY + timedelta(days=30))


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower PubMed's limit, so that few records need many slices."""
    monkeypatch.setattr(search_module, "MAX_SEARCH_HITS", LIMIT)
    monkeypatch.setattr(search_module, "_TARGET_HITS", LIMIT * 3 // 4)


def fake_esearch(
    archive: RecordArchive, terms: list[str], order: Callable[[list[int]], list[int]] = list
) -> search_module.EsearchFunction:
    """PubMed's search over the archive: it counts all hits and lists the first `LIMIT`; queries go to `terms`."""

    def search(term: str) -> EsearchResult:
        terms.append(term)
        found = archive.search(lambda columns: query.run_query(term, columns))
        return EsearchResult(len(found.pmids), tuple(order(found.pmids)[:LIMIT]), found.translation)

    return search


@pytest.fixture(scope="module")
def source(sample_data: Path) -> Path:
    return sample_data / "pubmed" / "pubmedsample19n0001.xml.gz"


@given(
    st.lists(st.tuples(DAYS, st.integers(1, 3 * LIMIT)), max_size=6),
    st.lists(st.tuples(DAYS, st.integers(1, 3)), max_size=30),
    st.sampled_from([list, sorted]),
)
def test_every_pmid_is_found_once(
    source: Path,
    busy: list[tuple[date, int]],
    thin: list[tuple[date, int]],
    order: Callable[[list[int]], list[int]],
) -> None:
    archive = RecordArchive([source], records=1)
    for day, count in busy + thin:
        archive.add(count, day)
    terms: list[str] = []
    found = search_module.search_pubmed("all[sb]", fake_esearch(archive, terms, order), TODAY)
    assert found.pmids == archive.pmids
    assert (found.count, found.unlisted) == (len(archive), 0)
    assert len(set(terms)) == len(terms), "a slice was searched twice"


def test_a_small_result_takes_one_search(source: Path) -> None:
    terms: list[str] = []
    archive = RecordArchive([source], records=LIMIT)
    assert search_module.search_pubmed("all[sb]", fake_esearch(archive, terms), TODAY).pmids == archive.pmids
    assert terms == ["all[sb]"]


def test_number_of_searches(source: Path) -> None:
    """With records spread like PubMed's, few more searches than the hits fill."""
    terms: list[str] = []
    archive = RecordArchive([source], records=60 * LIMIT, last=TODAY)
    search_module.search_pubmed("all[sb]", fake_esearch(archive, terms), TODAY)
    assert len(terms) < 2.5 * 60


def test_records_added_during_the_search_are_not_unlisted(source: Path) -> None:
    archive = RecordArchive([source], records=5 * LIMIT, last=TODAY)
    terms: list[str] = []
    search = fake_esearch(archive, terms)

    def growing(term: str) -> EsearchResult:
        hits = search(term)
        if len(terms) == 1:
            archive.add(3, TODAY)
        return hits

    found = search_module.search_pubmed("all[sb]", growing, TODAY)
    assert found.pmids == archive.pmids
    assert (found.count, found.unlisted) == (5 * LIMIT + 3, 0)


def test_records_that_pubmed_counts_but_does_not_list(source: Path) -> None:
    archive = RecordArchive([source], records=5 * LIMIT, last=TODAY)
    search = fake_esearch(archive, [])

    def counting_more(term: str) -> EsearchResult:
        hits = search(term)
        return EsearchResult(hits.count + 7, hits.pmids, hits.translation) if term == "all[sb]" else hits

    found = search_module.search_pubmed("all[sb]", counting_more, TODAY)
    assert (len(found.pmids), found.count, found.unlisted) == (5 * LIMIT, 5 * LIMIT + 7, 7)


def test_an_impossible_count_ends_the_search() -> None:
    with pytest.raises(SourceError, match="for the single PMID"):
        search_module.search_pubmed("all[sb]", lambda _: EsearchResult(10 * LIMIT, (5,), ""), TODAY)

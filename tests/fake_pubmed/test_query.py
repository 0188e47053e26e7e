"""PubMed's search language, compared with results computed directly from the archive's records."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.query import QueryMatches, run_query

BUSY = date(2026, 3, 2)


def find(archive: RecordArchive, term: str) -> QueryMatches:
    return archive.search(lambda columns: run_query(term, columns))


@pytest.fixture(scope="module")
def pmids(large: RecordArchive) -> Callable[[str], set[int]]:
    return lambda term: set(find(large, term).pmids)


@pytest.fixture(scope="module")
def texts(large: RecordArchive) -> dict[int, tuple[str, str]]:
    """The words of each record's title and abstract."""
    return large.search(
        lambda columns: {
            pmid: (columns.originals[position].title, columns.originals[position].abstract)
            for pmid, position in zip(columns.pmid.tolist(), columns.original.tolist(), strict=True)
        }
    )


def test_all_words_must_occur(pmids: Callable[[str], set[int]], texts: dict[int, tuple[str, str]]) -> None:
    expected = {
        pmid
        for pmid, (title, abstract) in texts.items()
        if " cells " in title + abstract and " patients " in title + abstract
    }
    assert 0 < len(expected) < 13_000
    assert pmids("Cells patients") == pmids("cells AND patients") == pmids("the cells of patients") == expected


def test_a_phrase_matches_consecutive_words(
    pmids: Callable[[str], set[int]], texts: dict[int, tuple[str, str]]
) -> None:
    expected = {pmid for pmid, both in texts.items() if any(" in patients with " in text for text in both)}
    assert 0 < len(expected) < len(pmids("patients in with"))
    assert pmids('"in patients with"') == pmids('"In Patients-with"') == expected


def test_text_tags(pmids: Callable[[str], set[int]], texts: dict[int, tuple[str, str]]) -> None:
    titles = {pmid for pmid, (title, _) in texts.items() if " patients " in title}
    assert pmids("patients[ti]") == pmids('"patients"[Title]') == titles
    assert titles < pmids("patients[tiab]") == pmids("patients") == pmids("patients[all]")
    assert pmids('"journal article"[pt]') > pmids("review[pt]") > set()
    assert pmids("patien*") > pmids("patients")


def test_operators_apply_from_left_to_right(pmids: Callable[[str], set[int]]) -> None:
    cells, patients, human = pmids("cells"), pmids("patients"), pmids("human")
    assert pmids("cells OR patients AND human") == (cells | patients) & human
    assert pmids("cells OR (patients AND human)") == cells | (patients & human)
    assert pmids("cells NOT patients OR human") == (cells - patients) | human
    assert pmids("human AND (cells NOT (patients))") == human & (cells - patients)
    assert pmids("cells or patients") == cells & patients


def test_date_tags_and_ranges(large: RecordArchive, pmids: Callable[[str], set[int]]) -> None:
    days = large.search(lambda columns: dict(zip(columns.pmid.tolist(), columns.created.tolist(), strict=True)))
    march = {pmid for pmid, day in days.items() if 1 <= (date.fromordinal(day) - date(2026, 2, 28)).days <= 31}
    assert len(march) > 11_000
    forms = [
        "2026/03[crdt]",
        '"2026/03"[crdt]',
        "2026/03/01:2026/03/31[crdt]",
        "2026/3/1 : 2026/3/31[crdt]",
        '"2026/03/01"[crdt] : "2026/03/31"[crdt]',
        '"2026/03/01":"2026/03/31"[CRDT]',
        "2026/03:3000[crdt] NOT 2026/04:3000[crdt]",
    ]
    for form in forms:
        assert pmids(form) == march, form
    assert pmids("2026[crdt]") == {pmid for pmid, day in days.items() if date.fromordinal(day).year == 2026}
    assert pmids("1800:3000[edat]") == pmids("all[sb]") == set(days)
    assert pmids("2026/06/30:2026/01/01[crdt]") == set()
    assert pmids("2026/13[crdt]") == pmids("2026/02/30[crdt]") == pmids("soon[crdt]") == set()


@given(cuts=st.lists(st.dates(date(1960, 1, 1), date(2026, 7, 10)), max_size=6))
def test_slices_by_creation_date_are_disjoint_and_sum_to_the_whole(large: RecordArchive, cuts: list[date]) -> None:
    starts = sorted({date(1900, 1, 1), *cuts})
    ends = [start - timedelta(days=1) for start in starts[1:]] + [date(3000, 12, 31)]
    sizes = [
        len(find(large, f"(cells) AND {start:%Y/%m/%d}:{end:%Y/%m/%d}[crdt]").pmids)
        for start, end in zip(starts, ends, strict=True)
    ]
    assert sum(sizes) == len(find(large, "cells").pmids)


def test_slices_by_publication_date_overlap(pmids: Callable[[str], set[int]]) -> None:
    years = [pmids(f"{year}[pdat]") for year in range(1900, 2027)]
    assert sum(map(len, years)) > len(set().union(*years))
    assert pmids("2010[dp]") == pmids("2010[ppdat]") | pmids("2010[epdat]")
    assert pmids("2010[epdat]") - pmids("2010[ppdat]")


def test_a_day_can_be_split_by_pmid(pmids: Callable[[str], set[int]]) -> None:
    day = pmids("2026/03/02[crdt]")
    assert len(day) == 11_000
    middle = sorted(day)[5000]
    below = pmids(f"2026/03/02[crdt] AND 1:{middle - 1}[uid]")
    above = pmids(f"2026/03/02[crdt] AND {middle}:99999999[uid]")
    assert (len(below), len(above), below | above) == (5000, 6000, day)
    assert pmids(f"{middle}[uid]") == pmids(f"{middle}[pmid]") == pmids(str(middle)) == {middle}
    assert pmids(f"{middle}[uid] OR {min(day)}[uid]") == {middle, min(day)}


def test_results_are_newest_first(large: RecordArchive) -> None:
    found = find(large, "all[sb]").pmids
    days = large.search(lambda columns: dict(zip(columns.pmid.tolist(), columns.created.tolist(), strict=True)))
    assert found == sorted(found, key=lambda pmid: (days[pmid], pmid), reverse=True)


def test_revision_dates_follow_revisions(small: RecordArchive) -> None:
    pmid = min(small.pmids)
    assert find(small, "2026/07/03[lr]").pmids == []
    small.revise([pmid], date(2026, 7, 3))
    assert find(small, "2026/07/03[lr]").pmids == find(small, "2026/07:3000[mdat]").pmids == [pmid]


def test_unused_parts_of_a_query_are_noted(large: RecordArchive) -> None:
    found = find(large, 'cells xyzzy OR plugh[nosuch] OR "no such phrase as this"')
    assert found.notes.phrases_not_found == ["xyzzy", "plugh", "phrase"]
    assert found.notes.fields_not_found == ["nosuch"]
    assert found.notes.quoted_not_found == ['"no such phrase as this"']
    assert found.pmids == []
    assert found.notes.messages == ["No items found."]
    assert find(large, "the cells").notes.phrases_ignored == ["the"]


@pytest.mark.parametrize(
    ("term", "translation"),
    [
        ("cells", '"cells"[All Fields]'),
        ("cells patients OR human[ti]", '("cells"[All Fields] AND "patients"[All Fields]) OR "human"[Title]'),
        ("(cells) NOT 2020:2021/05[dp]", '("cells"[All Fields]) NOT 2020:2021/05[Date - Publication]'),
        ("1:20[uid] AND all[sb]", "1:20[UID] AND all[Filter]"),
    ],
)
def test_translation(large: RecordArchive, term: str, translation: str) -> None:
    assert find(large, term).translation == translation


PIECES = ["cells", "AND", "OR", "NOT", "(", ")", '"', "[", "]", ":", "[crdt]", "[uid]", "2026", "12", "the", "*", " "]


@given(term=st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join))
def test_no_query_is_an_error(large: RecordArchive, term: str) -> None:
    found = find(large, term)
    assert len(found.pmids) == len(set(found.pmids)) <= 13_000
    assert (found.pmids == []) == ("No items found." in found.notes.messages)

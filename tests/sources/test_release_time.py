"""The order of NLM's bulk files, by their names."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.sources.files import estimate_release_time

names = st.tuples(st.integers(10, 40), st.integers(1, 9999))


def _release_time(year: int, number: int) -> datetime:
    released = estimate_release_time(f"pubmed{year}n{number:04}.xml.gz")
    assert released is not None
    return released


@given(one=names, other=names)
def test_later_years_and_higher_numbers_are_later(one: tuple[int, int], other: tuple[int, int]) -> None:
    earlier, later = sorted((one, other))
    # At least a second apart, so that records a microsecond apart never reach the next file.
    assert earlier == later or _release_time(*later) - _release_time(*earlier) >= timedelta(seconds=1)


@pytest.mark.parametrize(("year", "last"), [(16, 812), (24, 1219), (26, 1334)])
def test_update_files_follow_the_last_baseline_file(year: int, last: int) -> None:
    times = [
        _release_time(year, number)
        for number in (1, 2, last - 1, last, last + 1, last + 2, last + 430, last + 431, 9999)
    ]
    times.append(_release_time(year + 1, 1))
    assert times == sorted(set(times))
    assert times[3] < datetime(1999 + year, 12, 11, tzinfo=UTC)
    assert times[4] - times[3] > timedelta(hours=12)


def test_the_forms_of_a_bulk_file_name() -> None:
    assert (
        estimate_release_time("pubmed18n0001.xml.gz")
        == estimate_release_time("medline18n0001.xml")
        == estimate_release_time("pubmedsample18n0001.xml.gz")
    )
    assert estimate_release_time("pubmed26n0001.xml.gz") == datetime(2025, 12, 10, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    ["", "articles.xml", "pubmed26n1335.xml.gz.md5", "xpubmed26n1335.xml.gz", "pubmed26n13.xml", "pubmed٢٦n1335.xml"],
)
def test_other_names_have_no_release_time(name: str) -> None:
    assert estimate_release_time(name) is None

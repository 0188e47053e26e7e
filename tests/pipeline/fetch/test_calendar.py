"""Days of US Eastern time, and slices of revisions that cover every day once."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from litmine.pipeline.fetch_plan import eastern_day, revision_slices, start_of_eastern_day

DAYS = st.dates(date(1990, 1, 1), date(2040, 1, 1))


@given(DAYS.flatmap(lambda day: st.times().map(lambda time: datetime.combine(day, time, UTC))))
def test_a_moment_lies_in_its_day(moment: datetime) -> None:
    day = eastern_day(moment)
    assert start_of_eastern_day(day) <= moment < start_of_eastern_day(day + timedelta(days=1))


@given(DAYS, st.lists(DAYS), DAYS)
def test_slices_cover_every_day_once(first: date, cuts: list[date], today: date) -> None:
    slices = revision_slices(first, cuts, today)
    assert slices[0].first == first
    assert slices[-1].end is None
    assert [slice_.end for slice_ in slices[:-1]] == [slice_.first for slice_ in slices[1:]]
    assert all(slice_.first < slice_.end for slice_ in slices if slice_.end)
    # No record that is revised from now on can enter a complete slice.
    assert all(slice_.complete_at <= start_of_eastern_day(today) for slice_ in slices[:-1])
    assert slices[-1].complete_at > datetime.now(UTC)


def test_the_search_term_of_a_slice() -> None:
    older, today = revision_slices(date(2026, 11, 1), [], date(2026, 11, 22))
    assert older.search_term("a OR b") == '(a OR b) AND ("2026/11/01"[lr] : "2026/11/21"[lr])'
    assert today.search_term("a OR b") == '(a OR b) AND ("2026/11/22"[lr] : "3000"[lr])'

"""Days in Washington, and slices of revisions that cover every day once."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from litmine.pipeline.fetch_plan import begins, eastern_day, revisions

DAYS = st.dates(date(1990, 1, 1), date(2040, 1, 1))


@given(DAYS.flatmap(lambda day: st.times().map(lambda time: datetime.combine(day, time, UTC))))
def test_a_moment_lies_in_its_day(moment: datetime) -> None:
    day = eastern_day(moment)
    assert begins(day) <= moment < begins(day + timedelta(days=1))


@given(DAYS, st.lists(DAYS), DAYS)
def test_slices_cover_every_day_once(first: date, cuts: list[date], today: date) -> None:
    slices = revisions(first, cuts, today)
    assert slices[0].first == first
    assert slices[-1].end is None
    assert [one.end for one in slices[:-1]] == [one.first for one in slices[1:]]
    assert all(one.first < one.end for one in slices if one.end)
    # A slice that is over takes no record that is revised from now on.
    assert all(one.over <= begins(today) for one in slices[:-1])
    assert slices[-1].over > datetime.now(UTC)


def test_the_search_for_a_slice() -> None:
    older, today = revisions(date(2026, 11, 1), [], date(2026, 11, 22))
    assert older.of("a OR b") == '(a OR b) AND ("2026/11/01"[lr] : "2026/11/21"[lr])'
    assert today.of("a OR b") == '(a OR b) AND ("2026/11/22"[lr] : "3000"[lr])'

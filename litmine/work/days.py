"""PubMed's calendar: its dates are days of US Eastern time, and the searches that bring what came since one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

# Standard time all year: in summer a day then begins an hour late, which asks for a little too much, never too little.
_EASTERN = timedelta(hours=-5)
# Records are found by their dates some time after them: so far a search looks back behind the last one.
LAG = timedelta(days=3)
_EVER = datetime.max.replace(tzinfo=UTC)


def eastern_day(moment: datetime) -> date:
    """The day in Washington."""
    return (moment.astimezone(UTC) + _EASTERN).date()


def begins(day: date) -> datetime:
    """The moment at which a day begins in Washington (UTC)."""
    return datetime.combine(day, time(), UTC) - _EASTERN


@dataclass(frozen=True, slots=True)
class Revisions:
    """Records whose last revision is dated from one day up to, and without, another; None is open."""

    first: date
    end: date | None

    @property
    def over(self) -> datetime:
        """From this moment on (UTC) no more revisions get such a date."""
        return begins(self.end) if self.end else _EVER

    def of(self, query: str) -> str:
        """The search for them."""
        last = f'"{self.end - timedelta(days=1):%Y/%m/%d}"[lr]' if self.end else '"3000"[lr]'
        return f'({query}) AND ("{self.first:%Y/%m/%d}"[lr] : {last})'


def created(query: str, since: date) -> str:
    """The search for what PubMed has had since a day."""
    return f'({query}) AND ("{since:%Y/%m/%d}"[crdt] : "3000"[crdt])'


def revisions(first: date, cuts: Iterable[date], today: date) -> list[Revisions]:
    """The revisions dated `first` or later, in slices that end before `cuts` and today.

    A cut at the day of an earlier fetch tells what it has seen: whatever is dated before that day.
    """
    ends = sorted({day for day in (*cuts, today) if first < day <= today})
    return [Revisions(start, end) for start, end in zip([first, *ends], [*ends, None], strict=True)]

"""A step of a job, what it tells while it is done, what became of it, and what it would take.

How fast earlier runs went, from the log: what a forecast goes by.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from litmine.errors import DONE
from litmine.lake.lake import Lake
from litmine.lake.paths import Place
from litmine.lake.runs import Gap

# A machine changes, and so do the sources: the latest runs say most.
_LATEST = 20
_RUNS = f"""
select command, counts, epoch(finished - started)
from runs where outcome in ('done', 'gaps')
qualify row_number() over (partition by command order by finished desc) <= {_LATEST}
"""


@dataclass(frozen=True, slots=True)
class Rates:
    """Units a second, start-up included, by command and what it counts."""

    runs: list[tuple[str, dict[str, int], float]] = field(default_factory=list)

    @classmethod
    def of(cls, lake: Lake | None) -> "Rates":
        """The rates of a lake's latest runs."""
        rows = lake.rows(_RUNS) if lake else []
        return cls([(command, dict(counts), seconds) for command, counts, seconds in rows])

    def seconds(self, command: str, unit: str, count: int) -> float | None:
        """How long so many units would take; None when no run has counted any."""
        if not count:
            return 0.0
        told = [(counts[unit], seconds) for name, counts, seconds in self.runs if name == command and counts.get(unit)]
        done = sum(units for units, _ in told)
        return count * sum(seconds for _, seconds in told) / done if done else None


class Watch:
    """Who is told of a job while it runs; does nothing."""

    def began(self, step: "JobStep") -> None:
        """A step is begun."""

    def note(self, sentence: str) -> None:
        """Something that is worth a line happened within a step."""

    def at(self, count: float, unit: str) -> None:
        """So many units of the step are done."""

    def ended(self, step: "JobStep", outcome: "Outcome") -> None:
        """A step is over, however it went."""


@dataclass(slots=True)
class Outcome:
    """What became of a step: its exit code, sentences, what it counted, new gaps, wall time in seconds.

    `news`: there is something now that was not there before.
    """

    code: int = DONE
    said: Sequence[str] = ()
    counts: dict[str, int] = field(default_factory=dict)
    new_gaps: Sequence[Gap] = ()
    news: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a step would do, and how many seconds it would take; None when nothing is known to tell by.

    `records`: so many would come into the lake by it.
    """

    says: str
    seconds: float | None = None
    records: int = 0


class JobStep(Protocol):
    """A piece of a job; doing it again after any failure is right.

    `kind` is a word for it, `what` says what it is done with. A step that `hands_out` leaves a file for others.
    """

    kind: ClassVar[str]
    hands_out: ClassVar[bool]

    @property
    def what(self) -> str: ...

    def do(self, lake: Place, watch: Watch) -> Outcome:
        """Do it. Raises LitmineError when it cannot be done."""
        ...

    def forecast(self, lake: Place, rates: Rates, coming: int) -> Forecast:
        """What doing it would mean now; `coming` records will have come by then. Writes nothing."""
        ...

"""How fast earlier runs went, from the log: what a forecast goes by."""

from dataclasses import dataclass, field

from litmine.lake.lake import Lake

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

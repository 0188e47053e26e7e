"""What a step of a job is: its interface, its outcome, its forecast, and what observes it.

Forecasts of times come from the rates of earlier runs in the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from litmine.errors import DONE
from litmine.lake.lake import Lake
from litmine.lake.paths import LakePath
from litmine.lake.runs import Gap

# Machines and sources change, so only the latest runs of a command count.
_MAX_RUNS = 20
_RUNS = f"""
select command, counts, epoch(finished - started)
from runs where outcome in ('done', 'gaps')
qualify row_number() over (partition by command order by finished desc) <= {_MAX_RUNS}
"""


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of earlier runs, start-up included: for each run its command, its counts, and its seconds."""

    runs: list[tuple[str, dict[str, int], float]] = field(default_factory=list)

    @classmethod
    def from_log(cls, lake: Lake | None) -> "Rates":
        """The rates of a lake's latest runs. Empty without a lake."""
        rows = lake.rows(_RUNS) if lake else []
        return cls([(command, dict(counts), seconds) for command, counts, seconds in rows])

    def seconds(self, command: str, unit: str, count: int) -> float | None:
        """Estimated seconds for `count` units. None when no run of the command has counted such units."""
        if not count:
            return 0.0
        runs = [(counts[unit], seconds) for name, counts, seconds in self.runs if name == command and counts.get(unit)]
        done = sum(units for units, _ in runs)
        return count * sum(seconds for _, seconds in runs) / done if done else None


class JobObserver:
    """Receives the events of a running job. This base class ignores them."""

    def step_started(self, step: "JobStep") -> None:
        """A step starts."""

    def note(self, message: str) -> None:
        """Something worth a line in the log happened within a step."""

    def progress(self, count: float, unit: str) -> None:
        """The step has done `count` units."""

    def step_ended(self, step: "JobStep", outcome: "StepOutcome") -> None:
        """A step has ended, with or without success."""


@dataclass(slots=True)
class StepOutcome:
    """The result of a step.

    code: exit code, as of a command.
    summary_lines: messages for the user.
    counts: what the step counted, for the job's log.
    new_gaps: gaps that no earlier run reported.
    changed: whether the step added something to the lake.
    seconds: wall time.
    """

    code: int = DONE
    summary_lines: Sequence[str] = ()
    counts: dict[str, int] = field(default_factory=dict)
    new_gaps: Sequence[Gap] = ()
    changed: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a step would do.

    seconds: estimated time; None when it is unknown.
    new_records: how many records it would add to the lake, as far as that is known.
    uncounted_files: files of which it would add records that nobody has counted yet.
    is_minimum: whether `seconds` leaves out what such files of earlier steps bring.
    code: the exit code that the step would have, as far as that is known.
    """

    summary: str
    seconds: float | None = None
    new_records: int = 0
    uncounted_files: int = 0
    is_minimum: bool = False
    code: int = DONE


class JobStep(Protocol):
    """A step of a job, which can be repeated after any failure.

    kind: a word for what it does: `import`, `fetch`.
    writes_file: whether it writes a file outside the lake.
    subject: what it works on: a query, a file, models.
    """

    kind: ClassVar[str]
    writes_file: ClassVar[bool]

    @property
    def subject(self) -> str: ...

    def run(self, lake: LakePath, observer: JobObserver) -> StepOutcome:
        """Raises LitmineError when the step fails."""
        ...

    def forecast(self, lake: LakePath, rates: Rates, new_records: int) -> Forecast:
        """What `run` would do, if the steps before it add `new_records` records. Writes nothing.

        Raises LitmineError when `run` would fail.
        """
        ...

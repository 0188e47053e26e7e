"""Record each run of a command that writes to a lake in the lake's log, however the run ends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime

from litmine.errors import LitmineError
from litmine.lake.lake import Lake
from litmine.lake.runs import ActiveModel, Gap, Run, new_run_id
from litmine.versions import versions

# The name of the job that the current command is a step of, and the id of the job's run.
_JOB: ContextVar[tuple[str | None, str | None]] = ContextVar("job", default=(None, None))


@dataclass(slots=True)
class RunLogEntry:
    """What a command adds to its log entry while it runs. Most fields are those of `litmine.lake.runs.Run`.

    settled: gaps of earlier runs that this run read; None if the command reads no sources.
    known_gaps: gaps that earlier runs reported. Only other gaps make the outcome "gaps".
    written: False when the run found nothing to do. Then it gets no row in the log, unless it fails or is interrupted.
    """

    run_id: str
    parameters: dict[str, str]
    counts: dict[str, int] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    settled: list[Gap] | None = None
    known_gaps: frozenset[Gap] = frozenset()
    models: Sequence[str] = ()
    active: Sequence[ActiveModel] | None = None
    precision: str | None = None
    device: str | None = None
    written: bool = True

    @property
    def new_gaps(self) -> list[Gap]:
        """The gaps that no earlier run reported, each once."""
        return [gap for gap in dict.fromkeys(self.gaps) if gap not in self.known_gaps]


@contextmanager
def log_run(lake: Lake, command: str, /, **parameters: str) -> Iterator[RunLogEntry]:
    """Record a run of a command when the block ends, as done, gaps (done with new gaps), failed or interrupted.

    Raises LakeError when the run cannot be recorded. An error of the block is raised instead, even then.
    """
    started = datetime.now(UTC)
    entry = RunLogEntry(new_run_id(started), parameters)
    try:
        yield entry
    except BaseException as error:
        outcome = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        with suppress(LitmineError):
            _record(lake, command, started, outcome, entry)
        raise
    if entry.written:
        _record(lake, command, started, "gaps" if entry.new_gaps else "done", entry)


@contextmanager
def within_job(job: str, run_id: str) -> Iterator[None]:
    """Log the commands of this block as steps of a run of a job."""
    token = _JOB.set((job, run_id))
    try:
        yield
    finally:
        _JOB.reset(token)


def _record(lake: Lake, command: str, started: datetime, outcome: str, entry: RunLogEntry) -> None:
    job, job_run = _JOB.get()
    lake.record_run(
        Run(
            run_id=entry.run_id,
            command=command,
            started=started,
            finished=datetime.now(UTC),
            outcome=outcome,
            versions=versions(),
            parameters=entry.parameters,
            models=entry.models,
            active=entry.active,
            precision=entry.precision,
            device=entry.device,
            counts=entry.counts,
            gaps=entry.gaps,
            settled=entry.settled,
            job=job,
            job_run=job_run,
        )
    )

"""The log's entry of a command that writes to a lake: filled in while it works, recorded however it ends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime

from litmine.errors import LitmineError
from litmine.lake.lake import Lake
from litmine.lake.runs import Active, Gap, Run, new_run_id
from litmine.versions import versions

# The job that commands are steps of, and the id of its run.
_JOB: ContextVar[tuple[str | None, str | None]] = ContextVar("job", default=(None, None))


@dataclass(slots=True)
class RunLogEntry:
    """What a run says of itself: the fields are those of `Run`.

    `known_gaps` are those that earlier runs reported: only others make the outcome "gaps". A run that ends well with
    `written` False leaves no row, because it found nothing to do; one that fails or is interrupted always leaves one.
    """

    run_id: str
    parameters: dict[str, str]
    counts: dict[str, int] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    known_gaps: frozenset[Gap] = frozenset()
    models: Sequence[str] = ()
    active: Sequence[Active] | None = None
    precision: str | None = None
    device: str | None = None
    written: bool = True

    @property
    def new_gaps(self) -> list[Gap]:
        """The gaps that no earlier run reported, each once."""
        return [gap for gap in dict.fromkeys(self.gaps) if gap not in self.known_gaps]


@contextmanager
def log_run(lake: Lake, command: str, /, **parameters: str) -> Iterator[RunLogEntry]:
    """Record the run of a command when its block ends: done, or gaps when it has new ones, failed or interrupted.

    Raises LakeError when it cannot be recorded, unless another error is on its way: that one goes on.
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
    """In this block every command is a step of the job's run, and its row in `runs` says so."""
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
            job=job,
            job_run=job_run,
        )
    )

"""`run`: the steps of a job one after the other, one run of the job at a time, and what became of each.

`run --dry-run`: what each step would do now, and how long it would take as earlier runs went. Writes nothing.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from litmine.errors import DONE, FAILED, INTERRUPTED, LOCKED, NEW_GAPS, LakeLockedError, LitmineError
from litmine.lake.lake import Lake
from litmine.lake.lock import exclusive, holder
from litmine.lake.paths import Place
from litmine.pipeline.job.job_file import Job
from litmine.pipeline.job.step import Forecast, JobStep, Outcome, Rates, Watch
from litmine.pipeline.job.steps import Annotate, Answer, Fetch, Import, open_lake, steps_of
from litmine.pipeline.run_log import within_job


def forecast(job: Job, lake: Place) -> Iterator[tuple[JobStep, Forecast]]:
    """Each step of the job with its forecast, as it is made. Raises LakeError for what is no lake."""
    rates = Rates.of(open_lake(lake))
    coming = 0
    for step in steps_of(job):
        try:
            told = step.forecast(lake, rates, coming)
        except LitmineError as error:
            told = Forecast(str(error))
        coming += told.records
        yield step, told


# The worst last. An interrupt ends the job.
_WORSE = (DONE, NEW_GAPS, LOCKED, FAILED, INTERRUPTED)


@dataclass(slots=True)
class JobReport:
    """What became of a run of a job: its steps in order, each with its outcome; `code` is the worst of theirs."""

    job: Job
    run_id: str
    lake: Place
    started: datetime
    finished: datetime
    steps: list[tuple[JobStep, Outcome]] = field(default_factory=list)

    @property
    def code(self) -> int:
        return worst(outcome.code for _, outcome in self.steps)

    @property
    def news(self) -> bool:
        """Whether anything is new, or went wrong."""
        return self.code != DONE or any(outcome.news for _, outcome in self.steps)


def worst(codes: Iterable[int]) -> int:
    """The worst exit code: an interrupt, then an error, another run's lock, new gaps, done."""
    return max(codes, key=_WORSE.index, default=DONE)


def run(job: Job, lake: Place, run_id: str, watch: Watch) -> JobReport:
    """Do every step of the job, whatever became of the ones before: each works on the lake as it stands.

    But when annotating or answering failed, nothing is handed out: the files of an earlier run stay. Ctrl-C ends the
    run. Raises LakeLockedError, saying who holds the lock, while another run of this job is at this lake, and LakeError
    when there is no lake and nothing to make one from.
    """
    started = datetime.now(UTC)
    steps = steps_of(job)
    opened = Lake.create(lake) if any(isinstance(step, Import | Fetch) for step in steps) else Lake(lake)
    report = JobReport(job, run_id, opened.place, started, started)
    lock = f"job-{job.name}"
    try:
        with exclusive(opened.place, lock, run=run_id), within_job(job.name, run_id):
            _do(report, steps, watch)
    except LakeLockedError:
        raise LakeLockedError(
            f"the job {job.name} is running over {lake} already ({holder(opened.place, lock)}); let it finish, it does"
            " what this run would have done"
        ) from None
    report.finished = datetime.now(UTC)
    return report


def _do(report: JobReport, steps: list[JobStep], watch: Watch) -> None:
    half_read = False
    for step in steps:
        watch.began(step)
        began = time.monotonic()
        if half_read and step.hands_out:
            outcome = Outcome(said=[f"held back, since not all was read; {step.what} stays as it was"])
        else:
            outcome = _attempt(step, report.lake, watch)
        outcome.seconds = time.monotonic() - began
        report.steps.append((step, outcome))
        watch.ended(step, outcome)
        half_read |= outcome.code == FAILED and isinstance(step, Annotate | Answer)
        if outcome.code == INTERRUPTED:
            return


def _attempt(step: JobStep, lake: Place, watch: Watch) -> Outcome:
    try:
        return step.do(lake, watch)
    except KeyboardInterrupt:
        return Outcome(INTERRUPTED, ["interrupted; what was finished stays, and the same job goes on from there"])
    except LitmineError as error:
        return Outcome(error.exit_code, [str(error)])

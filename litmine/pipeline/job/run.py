"""`run`: run the steps of a job one after another, or forecast what they would do."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from litmine.errors import DONE, FAILED, INTERRUPTED, LOCKED, NEW_GAPS, WRONG_USAGE, LakeLockedError, LitmineError
from litmine.lake.lake import Lake
from litmine.lake.lock import hold_lock, lock_holder
from litmine.lake.paths import LakePath
from litmine.pipeline.count_format import format_count
from litmine.pipeline.job.job_file import Job
from litmine.pipeline.job.step import Forecast, JobObserver, JobStep, Rates, StepOutcome
from litmine.pipeline.job.steps import (
    AnnotateStep,
    AnswerStep,
    FetchStep,
    ImportStep,
    UnreadableQueriesFile,
    job_steps,
    open_lake,
)
from litmine.pipeline.run_log import within_job

# Steps that bring the lake up to date. If one fails, files made from the lake would look current and miss something.
_UPDATES = (ImportStep, FetchStep, UnreadableQueriesFile, AnnotateStep, AnswerStep)
# Exit codes, the worst last.
_BY_SEVERITY = (DONE, NEW_GAPS, LOCKED, FAILED, INTERRUPTED)


def forecast(job: Job, lake: LakePath) -> Iterator[tuple[JobStep, Forecast]]:
    """Yield each step of the job with its forecast. Writes nothing.

    Raises LakeError when `lake` is not a lake, or does not exist and no step imports or fetches.

    Only reading tells how many records the files to import hold, so the forecast of what reads texts names the files.
    """
    steps = job_steps(job)
    opened = open_lake(lake) if _makes_lake(steps) else Lake(lake)
    rates = Rates.from_log(opened)
    new_records = files = 0
    for step in steps:
        try:
            forecast_of_step = step.forecast(lake, rates, new_records)
        except LitmineError as error:
            forecast_of_step = Forecast(str(error), code=_step_code(error))
        new_records += forecast_of_step.new_records
        if files and isinstance(step, AnnotateStep):
            summary = f"{forecast_of_step.summary}, and the new texts of {format_count(files, 'files')} to import"
            forecast_of_step = replace(forecast_of_step, summary=summary, is_minimum=True)
        files += forecast_of_step.uncounted_files
        yield step, forecast_of_step


@dataclass(slots=True)
class JobReport:
    """A finished run of a job: its steps in order, each with its outcome."""

    job: Job
    run_id: str
    lake: LakePath
    started: datetime
    finished: datetime
    steps: list[tuple[JobStep, StepOutcome]] = field(default_factory=list)

    @property
    def code(self) -> int:
        """The worst exit code of the steps."""
        return worst_exit_code(outcome.code for _, outcome in self.steps)

    @property
    def is_noteworthy(self) -> bool:
        """Whether anything is new or went wrong."""
        return self.code != DONE or any(outcome.changed for _, outcome in self.steps)


def worst_exit_code(codes: Iterable[int]) -> int:
    """The worst exit code, from best to worst: done, new gaps, locked by another run, failed, interrupted."""
    return max(codes, key=_BY_SEVERITY.index, default=DONE)


def run(job: Job, lake: LakePath, run_id: str, observer: JobObserver) -> JobReport:
    """Run every step of the job, even if steps before it failed: each works on the lake as it is.

    After a step that failed to import, fetch, annotate or answer, steps that write files are skipped, so that the files
    of the last complete run stay. Ctrl-C ends the run.

    Raises LakeLockedError with the process that holds the lock while the job already runs on this lake. Raises
    LakeError when the lake does not exist and no step imports or fetches.
    """
    started = datetime.now(UTC)
    steps = job_steps(job)
    opened = Lake.create(lake) if _makes_lake(steps) else Lake(lake)
    report = JobReport(job, run_id, opened.location, started, started)
    lock = f"job-{job.name}"
    try:
        with hold_lock(opened.location, lock, run=run_id), within_job(job.name, run_id):
            _run_steps(report, steps, observer)
    except LakeLockedError:
        raise LakeLockedError(
            f"the job {job.name} is already running on {lake} ({lock_holder(opened.location, lock)});"
            " wait until it ends"
        ) from None
    report.finished = datetime.now(UTC)
    return report


def _run_steps(report: JobReport, steps: list[JobStep], observer: JobObserver) -> None:
    failed: list[str] = []
    for step in steps:
        observer.step_started(step)
        started = time.monotonic()
        if failed and step.writes_file:
            message = f"skipped, because {_failure(failed)}: {step.subject} was not written and stays as it was"
            outcome = StepOutcome(summary_lines=[message])
        else:
            outcome = _run_step(step, report.lake, observer)
        outcome.seconds = time.monotonic() - started
        report.steps.append((step, outcome))
        observer.step_ended(step, outcome)
        if outcome.code in (FAILED, LOCKED) and isinstance(step, _UPDATES):
            failed.append(step.kind)
        if outcome.code == INTERRUPTED:
            return


def _failure(kinds: list[str]) -> str:
    """`import failed`, `fetch and annotate failed`."""
    return f"{' and '.join(dict.fromkeys(kinds))} failed"


def _run_step(step: JobStep, lake: LakePath, observer: JobObserver) -> StepOutcome:
    try:
        return step.run(lake, observer)
    except KeyboardInterrupt:
        return StepOutcome(INTERRUPTED, ["interrupted; finished work is kept, and the same job continues from there"])
    except LitmineError as error:
        return StepOutcome(_step_code(error), [str(error)])


def _step_code(error: LitmineError) -> int:
    """The exit code of a step that failed.

    2 means wrong usage of the command line; a wrong name in a job file is a failed step, exit code 1.
    """
    return FAILED if error.exit_code == WRONG_USAGE else error.exit_code


def _makes_lake(steps: Iterable[JobStep]) -> bool:
    """Whether a step creates the lake if it does not exist."""
    return any(isinstance(step, ImportStep | FetchStep) for step in steps)

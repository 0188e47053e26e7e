"""The log of a job: one line per event, as text or JSON, with the time and the run id."""

import json
import os
import time
from datetime import UTC, datetime
from typing import IO, Any

from litmine.cli.console import printable, shortened
from litmine.errors import DONE, NEW_GAPS
from litmine.pipeline.job.run import JobReport
from litmine.pipeline.job.step import JobObserver, JobStep, StepOutcome

# Environment variables whose values must not appear in a log.
_SECRETS = ("NCBI_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN")
_PROGRESS_SECONDS = 60.0


def redact_secrets(text: str) -> str:
    """The text, with the value of each secret environment variable replaced by the variable's name."""
    for variable in _SECRETS:
        if secret := os.environ.get(variable, "").strip():
            text = text.replace(secret, f"({variable})")
    return text


class JobLog(JobObserver):
    """Writes the events of a job to a stream; without a stream, writes nothing."""

    def __init__(self, out: IO[str] | None, form: str, job: str, run_id: str) -> None:
        self._out, self._form = out, form
        self._common = {"run": run_id, "job": job}
        self._step: dict[str, Any] = {}
        self._last_progress = 0.0

    def line(self, event: str, message: str, level: str = "info", **details: Any) -> None:
        """Write an event; `details` are further keys of its JSON object."""
        if self._out is None:
            return
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        message = " ".join(printable(shortened(message)).split())
        if self._form == "json":
            record = {
                "time": at,
                "level": level,
                **self._common,
                "event": event,
                **self._step,
                "message": message,
                **details,
            }
            entry = json.dumps(record, ensure_ascii=True)
        else:
            step = f" {self._step['step']}" if self._step else ""
            entry = f"{at} {self._common['run']} {self._common['job']}{step} {level}: {message}"
        self._out.write(redact_secrets(entry) + "\n")
        self._out.flush()

    def step_started(self, step: JobStep) -> None:
        self._step = {"step": step.kind, "of": step.subject}
        self._last_progress = time.monotonic()
        self.line("step started", step.subject)

    def note(self, message: str) -> None:
        self.line("note", message)

    def progress(self, count: float, unit: str) -> None:
        if time.monotonic() - self._last_progress >= _PROGRESS_SECONDS:
            self._last_progress = time.monotonic()
            self.line("progress", f"{int(count):,} {unit}", count=int(count), unit=unit)

    def step_ended(self, step: JobStep, outcome: StepOutcome) -> None:  # noqa: ARG002
        level = log_level(outcome.code)
        for line in outcome.summary_lines:
            self.line("summary", line, level)
        self.line(
            "step ended",
            f"exit {outcome.code} after {outcome.seconds:.1f} s",
            level,
            code=outcome.code,
            seconds=round(outcome.seconds, 3),
            counts=outcome.counts,
            new_gaps=[{"where": gap.where, "why": gap.why} for gap in outcome.new_gaps],
        )
        self._step = {}

    def job_ended(self, report: JobReport) -> None:
        """Write the last event: exit code and duration of the job."""
        seconds = (report.finished - report.started).total_seconds()
        self.line(
            "job ended",
            f"exit {report.code} after {seconds:.1f} s",
            log_level(report.code),
            code=report.code,
            seconds=round(seconds, 3),
        )


def log_level(code: int) -> str:
    """The log level of an exit code."""
    return "info" if code == DONE else "warning" if code == NEW_GAPS else "error"

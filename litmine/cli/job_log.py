"""A job's log: a line for each event, as text or as JSON, each with the time and the run id."""

import json
import os
import time
from datetime import UTC, datetime
from typing import IO, Any

from litmine.cli.console import printable
from litmine.errors import DONE, NEW_GAPS
from litmine.pipeline.job.run import JobReport
from litmine.pipeline.job.step import JobStep, Outcome, Watch

# No line of these may hold what they hold, wherever it comes from.
_SECRETS = ("NCBI_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN")
_PROGRESS_SECONDS = 60.0


def redact_secrets(text: str) -> str:
    """The text, with the value of each environment variable that is a secret left out."""
    for variable in _SECRETS:
        if secret := os.environ.get(variable, "").strip():
            text = text.replace(secret, f"({variable})")
    return text


class JobLog(Watch):
    """Writes what a job tells to a stream, a line at once; to none at all when there is no stream."""

    def __init__(self, out: IO[str] | None, form: str, job: str, run_id: str) -> None:
        self._out, self._form = out, form
        self._always = {"run": run_id, "job": job}
        self._step: dict[str, Any] = {}
        self._said_at = 0.0

    def line(self, event: str, message: str, level: str = "info", **more: Any) -> None:
        """Write one event."""
        if self._out is None:
            return
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        message = " ".join(printable(message).split())
        if self._form == "json":
            said = {
                "time": at,
                "level": level,
                **self._always,
                "event": event,
                **self._step,
                "message": message,
                **more,
            }
            written = json.dumps(said, ensure_ascii=True)
        else:
            step = f" {self._step['step']}" if self._step else ""
            written = f"{at} {self._always['run']} {self._always['job']}{step} {level}: {message}"
        self._out.write(redact_secrets(written) + "\n")
        self._out.flush()

    def began(self, step: JobStep) -> None:
        self._step = {"step": step.kind, "of": step.what}
        self._said_at = time.monotonic()
        self.line("step began", step.what)

    def note(self, sentence: str) -> None:
        self.line("note", sentence)

    def at(self, count: float, unit: str) -> None:
        if time.monotonic() - self._said_at >= _PROGRESS_SECONDS:
            self._said_at = time.monotonic()
            self.line("progress", f"{int(count):,} {unit}", count=int(count), unit=unit)

    def ended(self, step: JobStep, outcome: Outcome) -> None:  # noqa: ARG002
        level = log_level(outcome.code)
        for sentence in outcome.said:
            self.line("said", sentence, level)
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

    def over(self, report: JobReport) -> None:
        """The last line."""
        seconds = (report.finished - report.started).total_seconds()
        self.line(
            "job ended",
            f"exit {report.code} after {seconds:.1f} s",
            log_level(report.code),
            code=report.code,
            seconds=round(seconds, 3),
        )


def log_level(code: int) -> str:
    """The level of an exit code."""
    return "info" if code == DONE else "warning" if code == NEW_GAPS else "error"

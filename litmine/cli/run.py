"""The command `run`: run the steps of a job, and print a summary that cron can mail."""

import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from litmine.atomic_write import require_outside_lakes
from litmine.cli.console import printable, shortened
from litmine.cli.options import OutputPath, lake_option
from litmine.errors import DONE, FAILED, INTERRUPTED, LOCKED, NEW_GAPS, LitmineError, SettingError
from litmine.lake.paths import LakePath

if TYPE_CHECKING:
    from litmine.pipeline.job.job_file import Job
    from litmine.pipeline.job.run import JobReport
    from litmine.pipeline.job.step import Forecast, JobStep


@click.command()
@click.argument("job")
@lake_option
@click.option("--dry-run", is_flag=True, help="Only print what would be done, and how long it takes.")
@click.option("--quiet", is_flag=True, help="Print nothing unless something is new or failed, for cron.")
@click.option(
    "--log",
    "log_file",
    type=OutputPath(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append the log to FILE.  [default: stderr, or nowhere with --quiet]",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the log; json is one JSON object per line.",
)
@click.pass_context
def run(
    ctx: click.Context, job: str, lake: LakePath, dry_run: bool, quiet: bool, log_file: Path | None, log_format: str
) -> None:
    """Run the steps of a job. They import, fetch, annotate, answer questions, compact, and write files.

    \b
    litmine run sample --dry-run
    litmine run nightly --quiet --log litmine.log
    litmine run ./my-job.toml

    JOB is a job that is shipped with litmine (nightly, pharmacovigilance, sample, standing-questions) or a TOML file;
    docs/jobs.md lists its keys. A step runs even if earlier steps failed, but no files are written from a lake that
    could not be updated. After any failure, even kill -9, run the job again. If the job is already running on the lake,
    the command exits with 75 and names the running process. The summary goes to stdout. The exit code is that of the
    worst step; with --dry-run too, as far as it can be known: files, models, queries and conditions are checked.
    """
    from litmine.pipeline.job.job_file import read_job

    parsed = read_job(job)
    if dry_run:
        from litmine.pipeline.job.run import forecast, worst_exit_code

        forecasts = list(forecast(parsed, lake))
        for line in format_forecast(parsed, lake, forecasts):
            click.echo(printable(shortened(line)))
        ctx.exit(worst_exit_code(outlook.code for _, outlook in forecasts))
    from litmine.cli.job_log import JobLog, redact_secrets
    from litmine.lake.runs import new_run_id
    from litmine.pipeline.job.run import run as run_job

    run_id = new_run_id(datetime.now(UTC))
    with _open_log(log_file, quiet, lake) as out:
        log = JobLog(out, log_format, parsed.name, run_id)
        log.line("job started", parsed.about or parsed.name)
        try:
            report = run_job(parsed, lake, run_id, log)
        except LitmineError as error:
            log.line("job ended", str(error), "error", code=error.exit_code)
            raise
        log.job_ended(report)
    if report.is_noteworthy or not quiet:
        click.echo(printable(shortened(redact_secrets(format_summary(report)))))
    ctx.exit(report.code)


@contextmanager
def _open_log(file: Path | None, quiet: bool, lake: LakePath) -> Iterator[IO[str] | None]:
    if file is None:
        yield None if quiet else sys.stderr
        return
    require_outside_lakes(file, lake)
    try:
        out = file.open("a", encoding="utf-8")
    except OSError as error:
        raise SettingError(f"{file} cannot be written ({error.strerror}); choose another file with --log") from error
    with out:
        yield out


_OUTCOMES = {
    DONE: "done",
    NEW_GAPS: "done, with new gaps",
    LOCKED: "locked by another run",
    FAILED: "failed in part",
    INTERRUPTED: "interrupted",
}
# Lines per step in the summary, which cron mails; the log has all lines.
_MAX_LINES = 20
_WIDTH = 10


def format_summary(report: "JobReport") -> str:
    """The summary of a run: for each step what is new, its gaps or error, and its duration."""
    duration = format_duration((report.finished - report.started).total_seconds())
    lines = [
        f"litmine run {report.job.name}: {_OUTCOMES[report.code]} (exit {report.code})",
        f"{report.started:%Y-%m-%d %H:%M} UTC on {socket.gethostname()}, {duration}; run {report.run_id}",
        f"lake {report.lake}",
        "",
    ]
    for step, outcome in report.steps:
        lines.append(f"{step.kind:<{_WIDTH}}{step.subject} ({format_duration(outcome.seconds)})")
        # The line of an interrupted step says so itself.
        mark = "" if outcome.code in (DONE, NEW_GAPS, INTERRUPTED) else f"{_OUTCOMES[outcome.code]}: "
        lines += [f"{'':{_WIDTH}}{mark}{line}" for line in outcome.summary_lines[:_MAX_LINES]]
        if left := len(outcome.summary_lines[_MAX_LINES:]):
            lines.append(f'{"":{_WIDTH}}and {left:,} more, in the log and in `litmine sql "from runs"`')
    return "\n".join(lines)


def format_forecast(job: "Job", lake: LakePath, forecasts: "Iterable[tuple[JobStep, Forecast]]") -> Iterable[str]:
    """One line per step: what it would do and its estimated time, or why it would fail; then the total."""
    yield f"{'job':<{_WIDTH}}{job.name}{f': {job.about}' if job.about else ''}"
    yield f"{'lake':<{_WIDTH}}{lake}"
    total, total_bound, unknown = 0.0, "about", []
    for step, forecast in forecasts:
        if forecast.code != DONE:
            yield f"{step.kind:<{_WIDTH}}{step.subject}: would fail: {forecast.summary}"
            continue
        bound = "at least" if forecast.is_minimum else "about"
        time = f"{bound} {format_duration(forecast.seconds)}" if forecast.seconds is not None else "time unknown"
        yield f"{step.kind:<{_WIDTH}}{step.subject}: {forecast.summary}; {time}"
        total += forecast.seconds or 0.0
        total_bound = "at least" if forecast.is_minimum else total_bound
        if forecast.seconds is None:
            unknown.append(step.kind)
    names = ", ".join(dict.fromkeys(unknown))
    rest = f", without {names} (no earlier run to estimate from)" if unknown else ""
    yield f"{'total':<{_WIDTH}}{total_bound} {format_duration(total)}{rest}"


def format_duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s` or `5 h 10 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left} s" if minutes else f"{left} s"
    return f"{minutes // 60:,} h {minutes % 60} min"

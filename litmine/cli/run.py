"""The command `run`: do the steps of a job, and print a summary that cron can mail."""

import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from litmine.cli.console import printable
from litmine.cli.options import lake_option
from litmine.errors import DONE, FAILED, INTERRUPTED, LOCKED, NEW_GAPS, LitmineError, SettingError
from litmine.lake.paths import Place

if TYPE_CHECKING:
    from litmine.pipeline.job.job_file import Job
    from litmine.pipeline.job.run import JobReport
    from litmine.pipeline.job.step import Forecast, JobStep


@click.command()
@click.argument("job")
@lake_option
@click.option("--dry-run", is_flag=True, help="Only say what would be done, and how long it would take.")
@click.option("--quiet", is_flag=True, help="Say nothing unless something is new or went wrong: for cron, which mails.")
@click.option(
    "--log",
    "log_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append the log to FILE.  [default: stderr, or nowhere with --quiet]",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people, or a JSON object a line.",
)
@click.pass_context
def run(
    ctx: click.Context, job: str, lake: Place, dry_run: bool, quiet: bool, log_file: Path | None, log_format: str
) -> None:
    """Do a job: import, fetch, annotate, answer, and what is to be done afterwards.

    \b
    litmine run sample --dry-run
    litmine run nightly --quiet --log litmine.log
    litmine run ./my-job.toml

    JOB is the name of one that comes with litmine (nightly, sample, standing-questions) or a TOML file; docs/jobs.md
    lists its keys. Every step is done whatever became of those before, and doing the job again after any failure, a
    kill -9 too, is right. One run of a job is at a lake at a time: another leaves with 75 and says who is there. A
    summary goes to stdout; the exit code is that of the worst step.
    """
    from litmine.pipeline.job.job_file import read_job

    read = read_job(job)
    if dry_run:
        from litmine.pipeline.job.run import forecast

        for line in format_forecast(read, lake, forecast(read, lake)):
            click.echo(printable(line))
        return
    from litmine.cli.job_log import JobLog, redact_secrets
    from litmine.lake.runs import new_run_id
    from litmine.pipeline.job.run import run as run_job

    run_id = new_run_id(datetime.now(UTC))
    with _log(log_file, quiet) as out:
        log = JobLog(out, log_format, read.name, run_id)
        log.line("job began", read.about or read.name)
        try:
            report = run_job(read, lake, run_id, log)
        except LitmineError as error:
            log.line("job ended", str(error), "error", code=error.exit_code)
            raise
        log.over(report)
    if report.news or not quiet:
        click.echo(printable(redact_secrets(format_summary(report))))
    ctx.exit(report.code)


@contextmanager
def _log(file: Path | None, quiet: bool) -> Iterator[IO[str] | None]:
    if file is None:
        yield None if quiet else sys.stderr
        return
    try:
        out = file.open("a", encoding="utf-8")
    except OSError as error:
        raise SettingError(f"{file} cannot be written ({error.strerror}); name another with --log") from error
    with out:
        yield out


_SAYS = {
    DONE: "done",
    NEW_GAPS: "done, with new gaps",
    LOCKED: "another run was in the way",
    FAILED: "failed in part",
    INTERRUPTED: "interrupted",
}
# New gaps, and what else a step says, are named up to so many; the log has all.
_MOST_LINES = 20
_WIDTH = 10


def format_summary(report: "JobReport") -> str:
    """What is new, gaps, errors and durations."""
    lasted = format_duration((report.finished - report.started).total_seconds())
    lines = [
        f"litmine run {report.job.name}: {_SAYS[report.code]} (exit {report.code})",
        f"{report.started:%Y-%m-%d %H:%M} UTC on {socket.gethostname()}, {lasted}; run {report.run_id}",
        f"lake {report.lake}",
        "",
    ]
    for step, outcome in report.steps:
        lines.append(f"{step.kind:<{_WIDTH}}{step.what} ({format_duration(outcome.seconds)})")
        mark = "" if outcome.code in (DONE, NEW_GAPS) else f"{_SAYS[outcome.code]}: "
        lines += [f"{'':{_WIDTH}}{mark}{sentence}" for sentence in outcome.said[:_MOST_LINES]]
        if left := len(outcome.said[_MOST_LINES:]):
            lines.append(f'{"":{_WIDTH}}and {left:,} more, in the log and in `litmine sql "from runs"`')
    return "\n".join(lines)


def format_forecast(job: "Job", lake: Place, forecasts: "Iterable[tuple[JobStep, Forecast]]") -> Iterable[str]:
    """What each step would do, line by line, and how long all would take."""
    yield f"{'job':<{_WIDTH}}{job.name}{f': {job.about}' if job.about else ''}"
    yield f"{'lake':<{_WIDTH}}{lake}"
    known, unknown = 0.0, []
    for step, forecast in forecasts:
        took = f"about {format_duration(forecast.seconds)}" if forecast.seconds is not None else "nobody knows how long"
        yield f"{step.kind:<{_WIDTH}}{step.what}: {forecast.says}; {took}"
        known += forecast.seconds or 0.0
        if forecast.seconds is None:
            unknown.append(step.kind)
    rest = f", and what {', '.join(dict.fromkeys(unknown))} takes: no earlier run tells" if unknown else ""
    yield f"{'in all':<{_WIDTH}}about {format_duration(known)}{rest}"


def format_duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s` or `5 h 10 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left} s" if minutes else f"{left} s"
    return f"{minutes // 60:,} h {minutes % 60} min"

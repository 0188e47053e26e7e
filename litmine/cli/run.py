"""The command `run`: a job, from the files that come in to the files that go out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import click

from litmine.cli.options import lake_option
from litmine.cli.talk import printable
from litmine.errors import LitmineError, SettingError
from litmine.lake.place import Place


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
    from litmine.work.job.file import read_job

    read = read_job(job)
    if dry_run:
        from litmine.cli.job_summary import foreseen
        from litmine.work.job.forecast import forecast

        for line in foreseen(read, lake, forecast(read, lake)):
            click.echo(printable(line))
        return
    from litmine.cli.job_log import JobLog, without_secrets
    from litmine.cli.job_summary import summary
    from litmine.lake.runs import new_run_id
    from litmine.work.job.run import run as run_job

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
        click.echo(printable(without_secrets(summary(report))))
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

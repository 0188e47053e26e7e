"""The command `status`: a lake on one screen."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click

from litmine.cli.console import printable
from litmine.cli.options import lake_option
from litmine.lake.paths import Place
from litmine.lake.runs import Gap

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@click.command()
@lake_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="A screen to read, or the same as JSON.",
)
def status(lake: Place, form: str) -> None:
    """What the lake holds, what each model has read of it, what is stale, and the latest runs, on one screen.

    \b
    litmine status --lake ./penicillin
    litmine status --format json
    """
    from litmine.lake.lake import Lake
    from litmine.pipeline.status import GAPS_SHOWN, overview

    seen = overview(Lake(lake))
    if form == "json":
        click.echo(json.dumps(asdict(seen), ensure_ascii=False, indent=1, default=datetime.isoformat))
        return
    click.echo(f"lake      {printable(str(lake))} ({seen.size_bytes / 1e6:,.1f} MB)")
    click.echo(
        f"articles  {seen.articles:,} current, {seen.retracted:,} of them retracted; {seen.versions:,} versions in"
        f" {seen.parts:,} parts"
    )
    if seen.as_of:
        click.echo(f"as of     {seen.as_of:%Y-%m-%d %H:%M} UTC")
    for one in seen.models:
        of = f"{one['task']}, active" if one["active"] else one["task"]
        click.echo(
            f"model     {printable(one['model'])} ({of}): {one['texts_read']:,} texts read, {one['texts_unread']:,} to"
            f" read, {one['texts_failed']:,} failed; {one['parts_read']:,} of"
            f" {one['parts_read'] + one['parts_unread']:,} parts"
        )
    for one in seen.readers:
        click.echo(
            f"reader    {printable(one['model'])}: {one['questions']:,} questions, {one['active']:,} of them as"
            f" `answers` shows them; {one['read']:,} readings, {one['unread']:,} to read, {one['failed']:,} failed,"
            f" {one['outdated']:,} of articles that changed since"
        )
    for sentence in seen.stale:
        click.echo(f"stale     {printable(sentence)}")
    for gap in seen.gaps[:GAPS_SHOWN]:
        click.echo(f"gap       {printable(str(Gap(gap['what'], gap['why'])))}")
    if len(seen.gaps) > GAPS_SHOWN:
        click.echo('gap       and more: litmine sql "from gaps"')
    if seen.complete:
        now = datetime.now(UTC)
        told = (f"{command} {_ago((now - finished).total_seconds())}" for command, finished in seen.complete.items())
        click.echo(f"complete  {printable(', '.join(told))}")
    for row in seen.runs:
        counts = ", ".join(f"{count} {what}" for what, count in row["counts"].items())
        gaps = f", {row['gaps']} gap(s)" if row["gaps"] else ""
        said = printable(f"{row['command']}  {row['outcome']}{gaps}  ({counts})")
        click.echo(f"run       {row['started']:%Y-%m-%d %H:%M}  {said}")


def _ago(seconds: float) -> str:
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{seconds / size:,.0f} {unit} ago"
    return "just now"

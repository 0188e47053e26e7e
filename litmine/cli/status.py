"""The command `status`: summarise a lake on one screen."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from litmine.cli.console import print_message, printable
from litmine.cli.options import lake_option
from litmine.lake.paths import LakePath
from litmine.pipeline.count_format import format_count, format_nonzero
from litmine.specs import spec_by_name

if TYPE_CHECKING:
    from litmine.pipeline.status import LakeStatus

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@click.command()
@lake_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output format.",
)
@click.option(
    "--settle",
    "settled",
    metavar="PLACE",
    multiple=True,
    help="First settle the gaps at PLACE, so that they are shown no longer: a file or folder that was imported, or the"
    " whole text before the reason, such as `PMID 123`. Repeat for several.",
)
def status(lake: LakePath, form: str, settled: tuple[str, ...]) -> None:
    """Show the articles, models and runs of the lake. Also shows what each model has read and what is out of date.

    \b
    litmine status --lake ./penicillin
    litmine status --format json
    litmine status --settle inbox/damaged.xml.gz

    A gap is something that an import, a fetch or a model could not read. A gap of an import stays until the file is
    imported again and read at that place, and a missing PMID until the lake has it. --settle ends a gap of a source
    that will not be read again.
    """
    from litmine.lake.lake import Lake
    from litmine.pipeline.status import read_status

    opened = Lake(lake)
    if settled:
        from litmine.pipeline.settle_gaps import settle_gaps

        print_message(f"{format_count(len(settle_gaps(opened, settled)), 'gaps')} settled")
    lake_status = read_status(opened)
    if form == "json":
        click.echo(json.dumps(asdict(lake_status), ensure_ascii=False, indent=1, default=datetime.isoformat))
        return
    for label, text in _rows(lake, lake_status):
        click.echo(f"{label:<10}{printable(text)}")


def _rows(lake: LakePath, lake_status: "LakeStatus") -> Iterator[tuple[str, str]]:
    """A label and a text for each line of the summary."""
    from litmine.lake.runs import Gap
    from litmine.pipeline.status import MAX_GAPS

    yield "lake", f"{lake} ({lake_status.size_bytes / 1e6:,.1f} MB)"
    retracted = f" ({lake_status.retracted:,} retracted)" if lake_status.retracted else ""
    versions = f", {lake_status.versions:,} versions" if lake_status.versions != lake_status.articles else ""
    parts = format_count(lake_status.parts, "parts")
    yield "articles", f"{lake_status.articles:,} current{retracted}{versions} in {parts}"
    if lake_status.as_of:
        yield "as of", f"{lake_status.as_of:%Y-%m-%d %H:%M} UTC"
    for model in lake_status.models:
        yield "model", _model_text(model)
    for reader in lake_status.readers:
        yield "reader", _reader_text(reader)
    for message in lake_status.stale:
        yield "stale", message
    for gap in lake_status.gaps[:MAX_GAPS]:
        yield "gap", str(Gap(gap["what"], gap["why"]))
    if len(lake_status.gaps) > MAX_GAPS:
        yield "gap", 'more in: litmine sql "from gaps"'
    if lake_status.complete:
        now = datetime.now(UTC)
        commands = (f"{name} {_ago((now - ended).total_seconds())}" for name, ended in lake_status.complete.items())
        yield "complete", ", ".join(commands)
    for run in lake_status.runs:
        yield "run", _run_text(run)


def _model_text(model: dict[str, Any]) -> str:
    # A linker has a row for each tagger.
    task = f"{model['task']} of {model['inputs']}" if spec_by_name(model["task"]).extends else model["task"]
    task += ", active" if model["active"] else ""
    read = f"{format_count(model['texts_read'], 'texts')} read" if model["texts_read"] else ""
    rest = format_nonzero({"unread": model["texts_unread"], "failed": model["texts_failed"]})
    texts = ", ".join(filter(None, (read, rest))) or "no texts"
    if model["parts_unread"]:
        texts += f"; {model['parts_read']:,} of {model['parts_read'] + model['parts_unread']:,} parts read"
    return f"{model['model']} ({task}): {texts}"


def _reader_text(reader: dict[str, Any]) -> str:
    active = f" ({reader['active']:,} active)" if reader["active"] != reader["questions"] else ""
    counts = {"read": reader["read"], "unread": reader["unread"], "failed": reader["failed"]}
    articles = format_nonzero({**counts, "outdated": reader["outdated"]})
    questions = format_count(reader["questions"], "questions")
    return f"{reader['model']}: {questions}{active}{f'; articles: {articles}' if articles else ''}"


def _run_text(run: dict[str, Any]) -> str:
    gaps = f", {format_count(run['gaps'], 'gaps')}" if run["gaps"] else ""
    counts = ", ".join(_count_text(name, count) for name, count in run["counts"].items() if count)
    return (
        f"{run['started']:%Y-%m-%d %H:%M}  {run['command']}  {run['outcome']}{gaps}{f'  ({counts})' if counts else ''}"
    )


def _count_text(name: str, count: int) -> str:
    """A count of the log: `parts_made` as `8 parts made`, and `freed`, which is in bytes, as `1.2 MB freed`."""
    if name == "freed":
        return f"{count / 1e6:,.1f} MB freed"
    noun, _, verb = name.partition("_")
    return f"{format_count(count, noun)} {verb}".strip()


def _ago(seconds: float) -> str:
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{seconds / size:,.0f} {unit} ago"
    return "just now"

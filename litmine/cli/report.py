"""The command `report`: write one page about the lake, to read, print and send."""

from datetime import datetime
from pathlib import Path

import click

from litmine.cli.console import print_message
from litmine.cli.options import OutputPath, lake_option
from litmine.lake.paths import LakePath


@click.command()
@lake_option
@click.option(
    "-o",
    "--output",
    type=OutputPath(path_type=Path, dir_okay=False),
    required=True,
    help="HTML file to write; it appears only when it is complete.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="What came into the lake from this date on is new.  [default: the last week of its sources]",
)
@click.option("--title", metavar="TEXT", default="", help="Title of the page.")
def report(lake: LakePath, output: Path, since: datetime | None, title: str) -> None:
    """Write one HTML file about the lake: what it contains and lacks, and what is new, with sentences.

    \b
    litmine report -o report.html
    litmine report -o week.html --since 2026-11-22 --title "Penicillin, this week"

    It has the most frequent concepts with their years, new articles, relations and adverse-event signals with their
    sentences, and notes on quality: models, what they have read, gaps and retractions. The file needs nothing else: no
    scripts, no network. It prints well. Equal lakes give equal files.
    """
    from litmine.lake.lake import Lake
    from litmine.pipeline.report.contents import NEW_DAYS
    from litmine.pipeline.report.write import write_report

    opened = Lake(lake)
    write_report(opened, output, since.date() if since else NEW_DAYS, title)
    print_message(f"the report is in {output} ({output.stat().st_size / 1e3:,.0f} kB)")
    for _, sentence in opened.coverage_warnings():
        print_message(f"note: {sentence}")

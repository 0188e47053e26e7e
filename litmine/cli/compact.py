"""The command `compact`: small files of a lake into large ones."""

from datetime import timedelta

import click

from litmine.cli.console import say
from litmine.cli.options import lake_option
from litmine.errors import NEW_GAPS
from litmine.lake.paths import Place


@click.command()
@lake_option
@click.option(
    "--part-rows",
    type=click.IntRange(min=2),
    default=10_000,
    show_default=True,
    help="Rows that a merged file has at most; one with more than half as many is left alone.",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    metavar="HOURS",
    default=6.0,
    show_default=True,
    help="Delete replaced files after so many hours: longer than any query or annotate that may be under way.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.pass_context
def compact(ctx: click.Context, lake: Place, part_rows: int, grace: float, dry_run: bool) -> None:
    """Merge small files into large ones, so that a lake that grows every night stays quick.

    \b
    litmine compact
    litmine compact --dry-run
    litmine compact --grace 24 --part-rows 50000

    No row of a view changes, whenever it is stopped. Article parts that the active models have read are merged, and
    the small files of runs, questions and answers. Files are merged when there are eight of about one size or enough
    for a large one, so that each row is rewritten a few times only. What is replaced is passed over at once and deleted
    by a later run, when its grace is over; until then the lake takes up to twice the space.
    """
    from litmine.lake.lake import Lake
    from litmine.pipeline.compact import compact as run

    result = run(Lake(lake), part_rows, timedelta(hours=grace), dry_run)
    for sentence in result.account(dry_run):
        say(sentence)
    if result.new_gaps:
        ctx.exit(NEW_GAPS)

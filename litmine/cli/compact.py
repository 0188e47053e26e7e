"""The command `compact`: merge small files of a lake into larger ones."""

from datetime import timedelta

import click

from litmine.cli.console import print_message
from litmine.cli.number_types import DecimalNumber, WholeNumber
from litmine.cli.options import lake_option
from litmine.errors import NEW_GAPS
from litmine.lake.paths import LakePath

# As in `litmine.pipeline.compact`, which takes long to import.
_MAX_GRACE_HOURS = 876_000


@click.command()
@lake_option
@click.option(
    "--part-rows",
    type=WholeNumber(min=2),
    metavar="N",
    default=10_000,
    show_default=True,
    help="Maximum rows of a merged file; files with more than half of this are not merged.",
)
@click.option(
    "--grace",
    type=DecimalNumber(min=0, max=_MAX_GRACE_HOURS),
    metavar="HOURS",
    default=6.0,
    show_default=True,
    help="Hours until replaced files are deleted; must be longer than any running query or annotate.",
)
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
@click.pass_context
def compact(ctx: click.Context, lake: LakePath, part_rows: int, grace: float, dry_run: bool) -> None:
    """Merge small files of the lake into larger ones. This keeps queries fast in a lake that grows every night.

    \b
    litmine compact
    litmine compact --dry-run
    litmine compact --grace 24 --part-rows 50000

    The views show the same rows before, during and after, and the command can be stopped at any time. It merges article
    parts that all active models have read, and the files of runs, questions and answers. A merge takes eight or
    more files of similar size, or fewer if they fill more than half of --part-rows. So each row is rewritten only a few
    times. Replaced files are ignored at once; a later run deletes them after --grace hours. Until then the lake takes
    up to twice the space.
    """
    from litmine.lake.lake import Lake
    from litmine.pipeline.compact import compact as run

    result = run(Lake(lake), part_rows, timedelta(hours=grace), dry_run)
    for sentence in result.summary_lines(dry_run):
        print_message(sentence)
    if result.new_gaps:
        ctx.exit(NEW_GAPS)

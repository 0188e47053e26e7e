"""The command `import`: local files into the lake."""

from datetime import UTC, datetime
from pathlib import Path

import click

from litmine.cli.console import say, say_whose_locks
from litmine.cli.options import lake_option
from litmine.cli.progress import Meter
from litmine.errors import NEW_GAPS
from litmine.lake.paths import Place


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@lake_option
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="When the source said so (UTC): of two versions of a record the later counts.  [default: the release that a"
    " bulk file's name tells, else now]",
)
@click.option(
    "--part-size",
    type=click.IntRange(min=1),
    default=2_000,
    show_default=True,
    help="Records a part of the lake: the unit of work of annotate.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that share the files; several commands at the same files share them too.",
)
@click.pass_context
def import_(
    ctx: click.Context, paths: tuple[Path, ...], lake: Place, as_of: datetime | None, part_size: int, workers: int
) -> None:
    """Bring local files into the lake: PubMed XML, JSON lines and PubTator, plain or gzip.

    \b
    litmine import pubmed26n0001.xml.gz
    litmine import --workers 4 baseline/ updates/
    litmine import --as-of 2026-11-01 abstracts.jsonl

    PubMed XML of any kind is taken: what EFetch gives, baseline and update files, the older MedlineCitationSet, book
    records. A line of JSON has pmid, title and abstract. Of PubTator the annotations are left out.

    A file that does not match the .md5 beside it is not imported. A baseline, update or --as-of file that is in already
    is skipped; any other is read again, and a record that the lake holds is not written again.
    """
    from litmine.pipeline.import_files import ingest

    say_whose_locks(lake)
    dated = as_of.replace(tzinfo=UTC) if as_of else None
    with Meter("importing", "records") as meter:
        result = ingest(lake, paths, dated, part_size, meter.at, workers)
    for sentence in result.account():
        say(sentence)
    if result.new_gaps:
        ctx.exit(NEW_GAPS)

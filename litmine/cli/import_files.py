"""The command `import`: local files into the lake."""

from datetime import UTC, datetime
from pathlib import Path

import click

from litmine.cli.console import print_message, warn_about_local_locks
from litmine.cli.number_types import WholeNumber
from litmine.cli.options import lake_option
from litmine.cli.progress import Meter
from litmine.errors import NEW_GAPS
from litmine.lake.paths import LakePath


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@lake_option
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    metavar="DATE",
    help="Date of the files' content in UTC, such as 2026-11-01 or 2026-11-01T12:00:00; the latest version of a record"
    " is the current one.  [default: the release date in the name of a baseline or update file, else now]",
)
@click.option(
    "--part-size",
    type=WholeNumber(min=1),
    metavar="N",
    default=1_000,
    show_default=True,
    help="Records per part of the lake; a part is the unit of work of `litmine annotate`.",
)
@click.option(
    "--workers",
    type=WholeNumber(min=1),
    metavar="N",
    default=1,
    show_default=True,
    help="Number of processes. You can also run several import commands on the same files.",
)
@click.pass_context
def import_(
    ctx: click.Context, paths: tuple[Path, ...], lake: LakePath, as_of: datetime | None, part_size: int, workers: int
) -> None:
    """Import local files into the lake: PubMed XML, MEDLINE text (.nbib), RIS, JSON lines, PubTator; plain or gzip.

    \b
    litmine import pubmed26n0001.xml.gz
    litmine import --workers 4 baseline/ updates/
    litmine import --as-of 2026-11-01 abstracts.jsonl

    PubMed XML may be EFetch output, baseline and update files, the older MedlineCitationSet, or book records. JSON
    lines have pmid, title, abstract and other columns of the view `articles`; keys that are not read are named. RIS
    needs the PMID in some field. PubTator annotations are ignored. Text is UTF-8 or UTF-16.

    Studies of ClinicalTrials.gov, JSON of its API (version 2) or its CSV, fill the table registered_trials.

    A file that does not match the .md5 file beside it is not imported. A baseline, update or --as-of file is imported
    once; other files are read each time, but records that the lake already has are not written again.
    """
    from litmine.pipeline.import_files import empty_folders, import_files

    for folder in empty_folders(paths):
        print_message(f"note: {folder} has no file to import")
    warn_about_local_locks(lake)
    dated = as_of.replace(tzinfo=UTC) if as_of else None
    with Meter("importing", "records") as meter:
        result = import_files(lake, paths, dated, part_size, meter.update, workers)
    for sentence in result.summary_lines():
        print_message(sentence)
    if result.new_gaps:
        ctx.exit(NEW_GAPS)

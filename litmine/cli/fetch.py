"""The command `fetch`: PubMed into the lake."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import click

from litmine.cli.console import say, say_whose_locks
from litmine.cli.options import lake_option
from litmine.cli.progress import Meter
from litmine.errors import NEW_GAPS, SettingError
from litmine.lake.paths import Place
from litmine.lake.runs import Gap
from litmine.sources.pmids import read_pmids


def _since(ctx: click.Context, param: click.Parameter, value: str | None) -> date | Literal["last"] | None:
    if value is None:
        return None
    if value == "last":
        return "last"
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a day such as 2026-11-01 nor 'last'.", ctx, param) from None
    if day > datetime.now(UTC).date():
        raise click.BadParameter(f"{value} is yet to come.", ctx, param)
    return day


def _query(text: str | None) -> str | None:
    query = None if text is None else " ".join(text.split())
    if query == "":
        raise click.UsageError("--query is empty; say what to search for.")
    return query


def _pmids(file: Path) -> tuple[frozenset[int], list[Gap]]:
    """The PMIDs of a list, and its words that are none. Raises SettingError when it has no PMID or cannot be read."""
    name = "stdin" if str(file) == "-" else str(file)
    try:
        with click.open_file(str(file), encoding="utf-8", errors="replace") as lines:
            pmids, bad = read_pmids(lines)
    except OSError as error:
        raise SettingError(f"{name} cannot be read ({error.strerror}); check the path") from error
    if not pmids:
        raise SettingError(f"{name} holds no PMID; put one on each line")
    if repeated := len(pmids) - len(set(pmids)):
        say(f"{repeated:,} PMIDs stand in {name} more than once")
    return frozenset(pmids), [Gap(f"{name}, {one.where}", one.why) for one in bad]


@click.command()
@lake_option
@click.option("--query", metavar="TEXT", help="A search as PubMed's own search box takes it.")
@click.option(
    "--pmids",
    "pmid_list",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="A file of PMIDs instead of a query, one or more a line; - is stdin.",
)
@click.option(
    "--since",
    metavar="DATE|last",
    callback=_since,
    help="Only what PubMed created or revised from that day (2026-11-01) on; last: since the last complete fetch of the"
    " same query.",
)
@click.option(
    "--max", "most", type=click.IntRange(min=1), metavar="N", help="Fetch at most N records, the newest PMIDs first."
)
@click.option("--refresh", is_flag=True, help="Fetch anew what the lake has already.")
@click.option(
    "--dry-run", is_flag=True, help="Only say how many there are, how many of them are new, and how long it will take."
)
@click.option(
    "--gaps",
    "gap_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what could not be had, with the reasons, to FILE (.csv, .json, .jsonl or .parquet).",
)
@click.option(
    "--patience",
    type=click.FloatRange(min=1),
    default=180.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up when PubMed has not answered well for so long.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait so long for the next byte of an answer.",
)
@click.pass_context
def fetch(
    ctx: click.Context,
    lake: Place,
    query: str | None,
    pmid_list: Path | None,
    since: date | Literal["last"] | None,
    most: int | None,
    refresh: bool,
    dry_run: bool,
    gap_file: Path | None,
    patience: float,
    timeout: float,
) -> None:
    """Bring every record that PubMed has for a query into the lake, or say exactly which it could not give.

    \b
    litmine fetch --query "penicillin allergy"
    litmine fetch --query "penicillin allergy" --since last
    litmine fetch --pmids included.txt --gaps missing.csv

    A search of any size is cut into slices that PubMed answers whole, and their sum is held against PubMed's own
    count. What the lake has is not fetched again, so the same command goes on where it was interrupted. PubMed allows
    3 requests a second, 10 with a key: put yours into NCBI_API_KEY, and your e-mail address into NCBI_EMAIL. Records
    that PubMed counts and does not give are listed as gaps; the exit code is 3 when there are new ones.
    """
    from litmine.cli.fetch_output import Shown, forecast, write_gaps
    from litmine.pipeline import fetch as work
    from litmine.pipeline.fetch_plan import FetchRequest
    from litmine.sources.entrez.access import from_environment

    if (query is None) == (pmid_list is None):
        raise click.UsageError("Say either --query TEXT or --pmids FILE.")
    if pmid_list is not None and since is not None:
        raise click.UsageError("--since goes with --query; --refresh fetches a list of PMIDs anew.")
    if gap_file is not None and not gap_file.absolute().parent.is_dir():
        raise SettingError(f"there is no folder {gap_file.absolute().parent} for --gaps; make it or name another")
    pmids, unusable = _pmids(pmid_list) if pmid_list else (frozenset[int](), [])
    wish = FetchRequest(_query(query), pmids, since, most, refresh)
    access = from_environment(patience=patience, read_seconds=timeout)
    if access.email is None:
        say("PubMed asks who calls: put your e-mail address into NCBI_EMAIL")
    with Meter("fetching", "records") as meter:
        if dry_run:
            surveyed = work.look(lake, wish, access, Shown(meter))
        else:
            say_whose_locks(lake)
            result = work.fetch(lake, wish, access, Shown(meter), unusable)
    if dry_run:
        click.echo(forecast(surveyed, access.per_second))
        return
    for sentence in result.account():
        say(sentence)
    if gap_file is not None:
        write_gaps(result, gap_file)
    if result.new_gaps:
        ctx.exit(NEW_GAPS)

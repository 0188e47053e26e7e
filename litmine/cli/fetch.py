"""The command `fetch`: download PubMed records into the lake."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import click

from litmine.atomic_write import require_outside_lakes
from litmine.cli.console import print_message, warn_about_local_locks
from litmine.cli.number_types import DecimalNumber, WholeNumber
from litmine.cli.options import OutputPath, lake_option
from litmine.cli.progress import Meter
from litmine.errors import NEW_GAPS, SettingError, SourceError
from litmine.lake.paths import LakePath
from litmine.lake.runs import Gap
from litmine.sources.bounded import read_up_to
from litmine.sources.encodings import decode_start
from litmine.sources.pmids import read_pmids

# Some seven million PMIDs.
_MAX_PMID_BYTES = 64 << 20
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
# A month.
_MAX_SECONDS = 2_678_400


def _parse_since(ctx: click.Context, param: click.Parameter, value: str | None) -> date | Literal["last"] | None:
    if value is None:
        return None
    if value == "last":
        return "last"
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} must be a date such as 2026-11-01, or 'last'.", ctx, param) from None
    if day > datetime.now(UTC).date():
        raise click.BadParameter(f"{value} is in the future.", ctx, param)
    return day


def _clean_query(text: str | None) -> str | None:
    query = None if text is None else " ".join(text.split())
    if query == "":
        raise click.UsageError('--query is empty; give a search, such as --query "penicillin allergy".')
    return query


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, one after the other, as `splitlines` cuts them: a list of all of them takes much memory."""
    for line in _LINE.finditer(text):
        yield from line[0].splitlines(keepends=True)


def _read_pmid_file(file: Path) -> tuple[frozenset[int], list[Gap], str]:
    """The PMIDs in a list, a CSV export of PubMed or MEDLINE text, and a gap for each word that is not a PMID.

    The third value is the name of the file in the gaps. Raises SettingError when the file cannot be read or has no
    PMID.
    """
    name = "stdin" if str(file) == "-" else str(file)
    try:
        with click.open_file(str(file), "rb") as stream:
            text = decode_start(read_up_to(stream, _MAX_PMID_BYTES, "a list of PMIDs"))
        pmids, bad = read_pmids(_lines(text))
    except SourceError as error:
        raise SettingError(f"{name}: {error}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingError(f"{name} cannot be read ({reason}); check the path") from error
    if not pmids:
        raise SettingError(f"{name} has no PMID; put one on each line")
    unique = frozenset(pmids)
    if repeated := len(pmids) - len(unique):
        print_message(f"{repeated:,} duplicate PMIDs in {name} ignored")
    return unique, [Gap(f"{name}, {one.where}", one.why) for one in bad], name


def _check_gap_file(file: Path, lake: LakePath) -> None:
    """Raises SettingError before the fetch, since the file is written after it."""
    require_outside_lakes(file, lake)
    folder = file.absolute().parent
    if not folder.is_dir():
        raise SettingError(f"the folder of --gaps, {folder}, does not exist; create it or choose another file")


@click.command()
@lake_option
@click.option("--query", metavar="TEXT", help="PubMed search, in the syntax of PubMed's search box.")
@click.option(
    "--pmids",
    "pmid_list",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Fetch the PMIDs in this file instead: a list, a CSV export of PubMed or an .nbib file; - reads stdin.",
)
@click.option(
    "--since",
    metavar="DATE|last",
    callback=_parse_since,
    help="Fetch only records created or revised since a date (2026-11-01), or since the last complete fetch of the same"
    " query (last).",
)
@click.option(
    "--max", "most", type=WholeNumber(min=1), metavar="N", help="Fetch at most N records, highest PMIDs first."
)
@click.option("--refresh", is_flag=True, help="Fetch records again that the lake already has.")
@click.option(
    "--dry-run", is_flag=True, help="Only print how many records match, how many are new, and how long the fetch takes."
)
@click.option(
    "--gaps",
    "gap_file",
    metavar="FILE",
    type=OutputPath(path_type=Path, dir_okay=False),
    help="Write the records that PubMed did not return, with reasons, to FILE (.csv, .json, .jsonl or .parquet).",
)
@click.option(
    "--patience",
    type=DecimalNumber(min=1, max=_MAX_SECONDS),
    default=180.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up after this time without a valid response from PubMed.",
)
@click.option(
    "--timeout",
    type=DecimalNumber(min=0.1, max=_MAX_SECONDS),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Time to wait for the next byte of a response.",
)
@click.pass_context
def fetch(
    ctx: click.Context,
    lake: LakePath,
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
    """Fetch all PubMed records for a query into the lake. Records that PubMed does not return are listed.

    \b
    litmine fetch --query "penicillin allergy"
    litmine fetch --query "penicillin allergy" --since last
    litmine fetch --pmids included.txt --gaps missing.csv

    Searches of any size work: litmine splits them into slices below PubMed's limit of 10,000 and checks the total
    against PubMed's count. Records that the lake already has are not fetched again, so the same command continues an
    interrupted fetch. Records that PubMed counts but does not return are listed as gaps; the exit code is 3 when there
    are new gaps.

    PubMed allows 3 requests per second, or 10 with an API key in NCBI_API_KEY. NCBI asks callers for an e-mail address:
    set NCBI_EMAIL.
    """
    from litmine.cli.fetch_output import FetchProgress, print_forecast, write_gaps
    from litmine.pipeline import fetch as pipeline_fetch
    from litmine.pipeline.fetch_plan import FetchRequest
    from litmine.sources.entrez.eutils_settings import load_eutils_settings

    if (query is None) == (pmid_list is None):
        raise click.UsageError("Give either --query TEXT or --pmids FILE.")
    if pmid_list is not None and since is not None:
        raise click.UsageError("--since needs --query; use --refresh to fetch a list of PMIDs again.")
    if gap_file is not None:
        _check_gap_file(gap_file, lake)
    pmids, invalid_pmids, name = _read_pmid_file(pmid_list) if pmid_list else (frozenset[int](), [], "")
    request = FetchRequest(_clean_query(query), pmids, since, most, refresh)
    settings = load_eutils_settings(patience=patience, read_seconds=timeout)
    if settings.email is None:
        print_message("Set NCBI_EMAIL: NCBI asks callers for an e-mail address.")
    with Meter("fetching", "records") as meter:
        if dry_run:
            plan = pipeline_fetch.preview_fetch(lake, request, settings, FetchProgress(meter))
        else:
            warn_about_local_locks(lake)
            result = pipeline_fetch.fetch(lake, request, settings, FetchProgress(meter), invalid_pmids, name)
    if dry_run:
        print_forecast(plan, invalid_pmids, settings.per_second)
        return
    for sentence in result.summary_lines():
        print_message(sentence)
    if gap_file is not None:
        write_gaps(result, gap_file)
    if result.new_gaps:
        ctx.exit(NEW_GAPS)

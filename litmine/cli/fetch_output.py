"""Output of `fetch`: progress, the forecast of a dry run, and the file of gaps."""

from collections.abc import Sequence
from pathlib import Path

import click
import pyarrow as pa

from litmine.cli.console import print_message
from litmine.cli.progress import Meter
from litmine.cli.query_output import FORMATS, write_result
from litmine.lake.runs import Gap
from litmine.pipeline.fetch import FetchObserver, FetchResult, min_requests
from litmine.pipeline.fetch_history import gap_location, pmid_from_gap
from litmine.pipeline.fetch_plan import FetchPlan


class FetchProgress(FetchObserver):
    """Shows a fetch's progress on a meter, and its notes on stderr."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def planned(self, plan: FetchPlan) -> None:
        for note in plan.notes:
            print_message(note)
        if plan.first_fetch:
            print_message("no earlier complete fetch of this query: fetching all of it")
        self._meter.set_total(len(plan.wanted))

    def fetched(self, records: int) -> None:
        self._meter.update(records)

    def waiting(self, reason: str, seconds: float) -> None:
        print_message(f"PubMed: {reason}" + (f"; retrying in {seconds:.1f} s" if seconds else ""))


def print_forecast(plan: FetchPlan, invalid_pmids: Sequence[Gap], per_second: int) -> None:
    """Print how many records a fetch would add, and the minimum duration at the allowed request rate.

    `invalid_pmids`: gaps for entries of a PMID list that are not PMIDs; they go to stderr, as in a fetch.
    """
    for gap in invalid_pmids:
        print_message(f"not fetched: {gap}")
    requests = min_requests(len(plan.wanted))
    lines = [
        f"found     {len(plan.found):,} records",
        f"present   {len(plan.present):,} already in the lake",
        f"new       {len(plan.wanted) + plan.remaining:,} to fetch"
        + (f", {len(plan.wanted):,} now" if plan.remaining else ""),
        f"requests  {requests:,} or more, {per_second} a second allowed: at least {-(-requests // per_second):,} s",
    ]
    if plan.translation:
        lines.insert(1, f"read as   {plan.translation}")
    if plan.known_missing:
        lines.insert(-1, f"missing   {len(plan.known_missing):,} that PubMed did not return recently")
    click.echo("\n".join(lines))


def write_gaps(result: FetchResult, file: Path) -> None:
    """Write a row for each gap; CSV unless the file name ends in another format."""
    known_missing = [Gap(gap_location(pmid), why) for pmid, why in sorted(result.plan.known_missing.items())]
    gaps = [*result.gaps, *known_missing]
    table = pa.table(
        {
            "pmid": pa.array([pmid_from_gap(gap.where) for gap in gaps], pa.int64()),
            "where": pa.array([gap.where for gap in gaps], pa.string()),
            "why": pa.array([gap.why for gap in gaps], pa.string()),
            "new": pa.array([gap in result.new_gaps for gap in gaps], pa.bool_()),
        }
    )
    form = None if file.suffix.removeprefix(".").lower() in FORMATS else "csv"
    write_result(table.to_reader(), form, file)

"""Output of `fetch`: progress, the forecast of a dry run, and the file of gaps."""

from pathlib import Path

import pyarrow as pa

from litmine.cli.console import print_message
from litmine.cli.progress import Meter
from litmine.cli.query_output import FORMATS, write_result
from litmine.lake.runs import Gap
from litmine.pipeline.fetch import FetchResult, Progress, requests_for
from litmine.pipeline.fetch_history import pmid_of, where
from litmine.pipeline.fetch_plan import FetchPlan


class FetchProgress(Progress):
    """Shows a fetch's progress on a meter, and its notes on stderr."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def surveyed(self, survey: FetchPlan) -> None:
        for note in survey.notes:
            print_message(note)
        if survey.first_time:
            print_message("no earlier complete fetch of this query: fetching all of it")
        self._meter.set_total(len(survey.wanted))

    def fetched(self, records: int) -> None:
        self._meter.update(records)

    def waiting(self, reason: str, seconds: float) -> None:
        print_message(f"PubMed: {reason}" + (f"; retrying in {seconds:.1f} s" if seconds else ""))


def format_forecast(survey: FetchPlan, per_second: int) -> str:
    """How many records a fetch would add, and the minimum duration at the allowed request rate."""
    requests = requests_for(len(survey.wanted))
    lines = [
        f"found     {len(survey.found):,} records",
        f"there     {len(survey.there):,} in the lake already",
        f"new       {len(survey.wanted) + survey.left:,} to fetch"
        + (f", {len(survey.wanted):,} now" if survey.left else ""),
        f"requests  {requests:,} or more, {per_second} a second allowed: at least {-(-requests // per_second):,} s",
    ]
    if survey.translation:
        lines.insert(1, f"read as   {survey.translation}")
    if survey.absent:
        lines.insert(-1, f"absent    {len(survey.absent):,} that PubMed did not give lately")
    return "\n".join(lines)


def write_gaps(result: FetchResult, file: Path) -> None:
    """Write a row for each gap; CSV unless the file name ends in another format."""
    lately = [Gap(where(pmid), why) for pmid, why in sorted(result.survey.absent.items())]
    gaps = [*result.gaps, *lately]
    table = pa.table(
        {
            "pmid": pa.array([pmid_of(gap.where) for gap in gaps], pa.int64()),
            "where": pa.array([gap.where for gap in gaps], pa.string()),
            "why": pa.array([gap.why for gap in gaps], pa.string()),
            "new": pa.array([gap in result.new_gaps for gap in gaps], pa.bool_()),
        }
    )
    form = None if file.suffix.removeprefix(".").lower() in FORMATS else "csv"
    write_result(table.to_reader(), form, file)

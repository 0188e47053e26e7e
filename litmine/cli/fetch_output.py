"""What a fetch says: its progress, its forecast, and what could not be had."""

from pathlib import Path

import pyarrow as pa

from litmine.cli.console import say
from litmine.cli.progress import Meter
from litmine.cli.query_output import FORMATS, write_result
from litmine.lake.runs import Gap
from litmine.pipeline.fetch import Fetching, Progress, requests_for
from litmine.pipeline.fetch_history import pmid_of, where
from litmine.pipeline.fetch_plan import Survey


class Shown(Progress):
    """What a fetch tells, on a meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def surveyed(self, survey: Survey) -> None:
        for note in survey.notes:
            say(note)
        if survey.first_time:
            say("no complete fetch of this query has been recorded yet: all of it is fetched")
        self._meter.expect(len(survey.wanted))

    def fetched(self, records: int) -> None:
        self._meter.at(records)

    def waiting(self, reason: str, seconds: float) -> None:
        say(f"PubMed: {reason}" + (f"; trying again in {seconds:.1f} s" if seconds else ""))


def forecast(survey: Survey, per_second: int) -> str:
    """What a fetch would bring, and how long it would take at the allowed rate."""
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


def write_gaps(result: Fetching, file: Path) -> None:
    """Everything that could not be had, a row each; CSV unless the file's name says another format."""
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

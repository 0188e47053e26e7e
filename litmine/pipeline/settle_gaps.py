"""Settle gaps of imports and fetches: PMIDs that the lake has by now, and places that nobody will read again."""

from collections.abc import Collection, Sequence
from pathlib import Path

from litmine.errors import UnknownNameError
from litmine.lake.freshness import last_seen
from litmine.lake.lake import Lake
from litmine.lake.runs import Gap
from litmine.pipeline.fetch_history import pmid_from_gap
from litmine.pipeline.fetch_plan import SOURCE
from litmine.pipeline.run_log import log_run
from litmine.sources.files import file_of_location


def gaps_with_records(lake: Lake, gaps: Collection[Gap]) -> list[Gap]:
    """Those gaps that are a PMID of which the lake has a record by now. Raises LakeError for a damaged part."""
    pmids = {pmid for gap in gaps if (pmid := pmid_from_gap(gap.where)) is not None}
    present = last_seen(lake.location, pmids, SOURCE) if pmids else {}
    return [gap for gap in gaps if pmid_from_gap(gap.where) in present]


def settle_gaps(lake: Lake, places: Sequence[str]) -> list[Gap]:
    """Settle the gaps at these places, so that the view `gaps` shows them no longer, and log that; return them.

    A place is what the view `source_gaps` names in `what`, a file, or a folder above files. Raises UnknownNameError if
    a place has no gap, and then settles none; LakeError if the lake cannot be written.
    """
    gaps = lake.source_gaps()
    settled: dict[Gap, None] = {}
    for place in places:
        found = [gap for gap in gaps if _is_at(gap, place)]
        if not found:
            raise UnknownNameError(
                f'no gap of an import or a fetch is at {place}; `litmine sql "from source_gaps"` lists them'
            )
        settled |= dict.fromkeys(found)
    with log_run(lake, "status --settle", places=" ".join(places)) as entry:
        entry.settled = [*settled]
        entry.counts = {"settled": len(settled)}
    return [*settled]


def _is_at(gap: Gap, place: str) -> bool:
    file = file_of_location(gap.where)
    return place in (gap.where, file) or Path(place) in Path(file).parents

"""What earlier fetches left in the run log: complete fetches of a query, and PMIDs that PubMed did not return."""

from dataclasses import dataclass
from datetime import date, datetime

from litmine.lake.lake import Lake
from litmine.sources.pmids import parse_pmid

_COMPLETE_FETCHES = """
select parameters['query'], parameters['searched'], parameters['since'], parameters['refresh']
from runs where command = 'fetch' and outcome in ('done', 'gaps') and parameters['complete'] = 'yes'
"""
_REPORTED_GAPS = """
select gap['where'], arg_max(gap.why, finished), max(finished), array_agg(query)
from (
    select finished, parameters['query'] as query, unnest(gaps) as gap
    from (from runs where command = 'fetch')
)
group by 1
"""
_PMID = "PMID "


@dataclass(frozen=True, slots=True)
class CompleteFetch:
    """A fetch that got every record that PubMed had for a query at `searched` (UTC).

    `since` is the first day whose revisions the fetch covers: `date.min` if it fetched all records again, None if it
    did not look for revisions.
    """

    searched: datetime
    since: date | None


@dataclass(frozen=True, slots=True)
class ReportedGap:
    """A gap in the run log: the reason, when it was last reported, and the queries; None stands for a list of PMIDs."""

    why: str
    reported: datetime
    queries: frozenset[str | None]


def complete_fetches(lake: Lake, query: str) -> list[CompleteFetch]:
    """The complete fetches of a query, oldest first."""
    rows = [row for row in lake.rows(_COMPLETE_FETCHES) if row[0] == query and row[1]]
    fetches = []
    for _, searched, since, refresh in rows:
        first_day = date.fromisoformat(since) if since else date.min if refresh else None
        fetches.append(CompleteFetch(datetime.fromisoformat(searched), first_day))
    return sorted(fetches, key=lambda fetch: fetch.searched)


def reported_gaps(lake: Lake) -> dict[str, ReportedGap]:
    """The gaps of all fetches by location: `PMID 123`, or a line of a list of PMIDs."""
    return {
        location: ReportedGap(why, reported, frozenset(queries))
        for location, why, reported, queries in lake.rows(_REPORTED_GAPS)
    }


def missing_pmids(lake: Lake, query: str) -> frozenset[int]:
    """The PMIDs that fetches of this query reported as missing, even if a later fetch got them."""
    pmids = (pmid_from_gap(location) for location, gap in reported_gaps(lake).items() if query in gap.queries)
    return frozenset(pmid for pmid in pmids if pmid is not None)


def gap_location(pmid: int) -> str:
    """The `where` of a gap for a PMID."""
    return f"{_PMID}{pmid}"


def pmid_from_gap(location: str) -> int | None:
    """The PMID in the `where` of a gap; None if the gap is not a PMID."""
    return parse_pmid(location.removeprefix(_PMID)) if location.startswith(_PMID) else None

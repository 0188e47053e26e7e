"""What earlier fetches left in the log: up to when a query is known, and which PMIDs PubMed did not give."""

from dataclasses import dataclass
from datetime import date, datetime

from litmine.lake.lake import Lake
from litmine.sources.pmids import parse_pmid

_COMPLETE = """
select parameters['query'], parameters['searched'], parameters['since'], parameters['refresh']
from runs where command = 'fetch' and outcome in ('done', 'gaps') and parameters['complete'] = 'yes'
"""
_GONE = """
select gap['where'], arg_max(gap.why, finished), max(finished), array_agg(query)
from (
    select finished, parameters['query'] as query, unnest(gaps) as gap
    from (from runs where command = 'fetch')
)
group by 1
"""
_PMID = "PMID "


@dataclass(frozen=True, slots=True)
class Known:
    """A complete fetch of a query: it saw all that PubMed had at `searched`.

    `since` is the day from which on it asked for revisions, the first day there is when it fetched everything anew;
    None when it asked for none.
    """

    searched: datetime
    since: date | None


@dataclass(frozen=True, slots=True)
class Gone:
    """A gap that fetches have reported: why, when last, and for which queries (None for a list of PMIDs)."""

    why: str
    reported: datetime
    queries: frozenset[str | None]


def known(lake: Lake, query: str) -> list[Known]:
    """The complete fetches of a query, the latest last."""
    rows = [row for row in lake.rows(_COMPLETE) if row[0] == query and row[1]]
    found = [
        Known(datetime.fromisoformat(searched), date.fromisoformat(since) if since else date.min if refresh else None)
        for _, searched, since, refresh in rows
    ]
    return sorted(found, key=lambda one: one.searched)


def gone(lake: Lake) -> dict[str, Gone]:
    """The gaps of all fetches, by what is missing: `PMID 123`, or a line of a list."""
    return {what: Gone(why, reported, frozenset(queries)) for what, why, reported, queries in lake.rows(_GONE)}


def owed(lake: Lake, query: str) -> frozenset[int]:
    """The PMIDs that fetches of this query did not get, when they asked."""
    asked = (pmid_of(what) for what, one in gone(lake).items() if query in one.queries)
    return frozenset(pmid for pmid in asked if pmid is not None)


def where(pmid: int) -> str:
    """A PMID as the `where` of a gap."""
    return f"{_PMID}{pmid}"


def pmid_of(gap: str) -> int | None:
    """The PMID that the `where` of a gap names; None when it names something else."""
    return parse_pmid(gap.removeprefix(_PMID)) if gap.startswith(_PMID) else None

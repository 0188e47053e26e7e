"""Before a fetch: what PubMed has of what is asked for, what the lake has of that, and what is left to fetch.

PubMed's calendar: its dates are days of US Eastern time, and the searches that bring what came since one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from typing import Literal

from litmine.lake.download_journal import Spool
from litmine.lake.freshness import last_seen
from litmine.lake.lake import Lake
from litmine.pipeline.fetch_history import Gone, Known, gone, known, owed, where
from litmine.sources.entrez.client import EutilsClient
from litmine.sources.entrez.responses import EsearchResult
from litmine.sources.entrez.search import PubmedSearchResult, search_pubmed

# Standard time all year: in summer a day then begins an hour late, which asks for a little too much, never too little.
_EASTERN = timedelta(hours=-5)
# Records are found by their dates some time after them: so far a search looks back behind the last one.
LAG = timedelta(days=3)
_EVER = datetime.max.replace(tzinfo=UTC)


def eastern_day(moment: datetime) -> date:
    """The day in Washington."""
    return (moment.astimezone(UTC) + _EASTERN).date()


def begins(day: date) -> datetime:
    """The moment at which a day begins in Washington (UTC)."""
    return datetime.combine(day, time(), UTC) - _EASTERN


@dataclass(frozen=True, slots=True)
class Revisions:
    """Records whose last revision is dated from one day up to, and without, another; None is open."""

    first: date
    end: date | None

    @property
    def over(self) -> datetime:
        """From this moment on (UTC) no more revisions get such a date."""
        return begins(self.end) if self.end else _EVER

    def of(self, query: str) -> str:
        """The search for them."""
        last = f'"{self.end - timedelta(days=1):%Y/%m/%d}"[lr]' if self.end else '"3000"[lr]'
        return f'({query}) AND ("{self.first:%Y/%m/%d}"[lr] : {last})'


def created(query: str, since: date) -> str:
    """The search for what PubMed has had since a day."""
    return f'({query}) AND ("{since:%Y/%m/%d}"[crdt] : "3000"[crdt])'


def revisions(first: date, cuts: Iterable[date], today: date) -> list[Revisions]:
    """The revisions dated `first` or later, in slices that end before `cuts` and today.

    A cut at the day of an earlier fetch tells what it has seen: whatever is dated before that day.
    """
    ends = sorted({day for day in (*cuts, today) if first < day <= today})
    return [Revisions(start, end) for start, end in zip([first, *ends], [*ends, None], strict=True)]


SOURCE = "PubMed"
# A PMID that PubMed did not give is asked for again after a while: it may have been PubMed's own trouble.
_ASK_AGAIN = timedelta(days=7)
# Of the days of earlier searches, so many tell apart what was seen; each costs a search.
_MOST_CUTS = 5
# Answers to searches of a job that was interrupted, older than this, are asked for anew.
STALE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What a fetch is asked for: a query or a list of PMIDs, and how much of it.

    `since`: only what was created or revised from that day on, or since the last complete fetch of the query; `most`:
    at most so many records, the newest first; `refresh`: also what the lake has already.
    """

    query: str | None = None
    pmids: frozenset[int] = frozenset()
    since: date | Literal["last"] | None = None
    most: int | None = None
    refresh: bool = False

    @property
    def job(self) -> str:
        """A name for the work, equal for equal work: `most` only says how much of it is done at once."""
        content = repr((self.query, sorted(self.pmids), str(self.since), self.refresh))
        return blake2b(content.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What is found is there already, known to be absent, wanted now, or left for another run: these add up.

    `counted` is PubMed's own count, which may differ from the number found; `searched` the moment (UTC) of the first
    search, from which a later `--since last` goes on; `since` the first day asked for.
    """

    found: frozenset[int]
    counted: int
    there: frozenset[int]
    absent: Mapping[int, str]
    wanted: tuple[int, ...]
    left: int
    searched: datetime
    since: date | None = None
    translation: str = ""
    notes: tuple[str, ...] = ()
    first_time: bool = False

    @property
    def unlisted(self) -> int:
        """Records that PubMed counts and does not name, or the other way round."""
        return self.counted - len(self.found)


class Searches:
    """PubMed's answers to searches; those that this job was given before it was interrupted are not asked for again."""

    def __init__(self, client: EutilsClient, spool: Spool | None = None) -> None:
        self._client, self._spool = client, spool
        self._given: set[str] = set()
        self._asked = False
        self.began = _now()
        self.recalled = False

    def __call__(self, term: str) -> EsearchResult:
        """The answer to a search; to the same one a second time, a new answer."""
        noted = self._spool.recall(term) if self._spool and term not in self._given else None
        self._given.add(term)
        if noted is not None and (at := datetime.fromisoformat(noted["at"])) > _now() - STALE:
            self._saw(at)
            self.recalled = True
            return EsearchResult(noted["count"], tuple(noted["pmids"]), noted["translation"], tuple(noted["notes"]))
        at = _now()
        hits = self._client.search(term)
        at += self._client.clock_offset
        self._saw(at)
        if self._spool:
            answer = {"count": hits.count, "pmids": hits.pmids, "translation": hits.translation, "notes": hits.notes}
            self._spool.note(term, answer | {"at": at.isoformat()})
        return hits

    def begin(self) -> None:
        """Keep the moment at which a job that needs no search was begun."""
        noted = self._spool.recall("") if self._spool else None
        if noted is not None and (at := datetime.fromisoformat(noted["at"])) > _now() - STALE:
            self.began = at
        elif self._spool:
            self._spool.note("", {"at": self.began.isoformat()})

    def forget(self) -> None:
        """From now on every search is asked anew."""
        if self._spool:
            self._spool.forget_answers()
        self._asked = self.recalled = False

    def _saw(self, at: datetime) -> None:
        self.began = min(self.began, at) if self._asked else at
        self._asked = True


def survey(lake: Lake | None, wish: FetchRequest, searches: Searches) -> FetchPlan:
    """Search PubMed and look into the lake. Raises SourceError when PubMed does not answer, LakeError."""
    result = _survey(lake, wish, searches)
    if result.unlisted and searches.recalled:
        # The searches of before the interruption no longer agree with PubMed's count.
        searches.forget()
        result = _survey(lake, wish, searches)
    return result


def _survey(lake: Lake | None, wish: FetchRequest, searches: Searches) -> FetchPlan:
    if wish.query is None:
        searches.begin()
        given = PubmedSearchResult(wish.pmids, len(wish.pmids), "", ())
        return _held_against(lake, wish, searches, [(given, None)], None)
    earlier = known(lake, wish.query) if lake else []
    if wish.since is None or (wish.since == "last" and not earlier):
        whole = search_pubmed(wish.query, searches, eastern_day(searches.began))
        return _held_against(lake, wish, searches, [(whole, None)], None)
    since, cuts = _since(wish.since, earlier)
    parts: list[tuple[PubmedSearchResult, datetime | None]] = [
        (search_pubmed(created(wish.query, since), searches, eastern_day(searches.began)), None)
    ]
    # Now that PubMed has answered, the day is known by its clock.
    today = eastern_day(searches.began)
    parts += [
        (search_pubmed(slice_.of(wish.query), searches, today), min(slice_.over, searches.began))
        for slice_ in revisions(_unseen_from(since, earlier), cuts, today)
    ]
    if lake:
        # What an earlier fetch could not have was created before, and would never be asked for again.
        pmids = owed(lake, wish.query)
        parts.append((PubmedSearchResult(pmids, len(pmids), "", ()), None))
    return _held_against(lake, wish, searches, parts, since)


def _since(asked: date | Literal["last"], earlier: list[Known]) -> tuple[date, list[date]]:
    """The first day to ask for, and the days of the latest searches, each of which saw all that is dated before it."""
    days = sorted({eastern_day(one.searched) for one in earlier})[-_MOST_CUTS:]
    return (days[-1] - LAG if asked == "last" else asked), days


def _unseen_from(since: date, earlier: list[Known]) -> date:
    """The first day whose revisions have to be asked for: earlier fetches that went back as far saw those before."""
    covering = [eastern_day(one.searched) for one in earlier if one.since is not None and one.since <= since]
    return max([since, *(day - LAG for day in covering)])


def _held_against(
    lake: Lake | None,
    wish: FetchRequest,
    searches: Searches,
    parts: list[tuple[PubmedSearchResult, datetime | None]],
    since: date | None,
) -> FetchPlan:
    """Hold what was found against the lake: each part with the moment from which on a record counts as seen."""
    fresh_from: dict[int, datetime | None] = {}
    for found, moment in parts:
        for pmid in found.pmids:
            fresh_from[pmid] = max(filter(None, (moment, fresh_from.get(pmid))), default=None)
    if wish.refresh:
        fresh_from = dict.fromkeys(fresh_from, searches.began)
    found_all = frozenset(fresh_from)
    seen = last_seen(lake.place, found_all, SOURCE) if lake and found_all else {}
    there = frozenset(pmid for pmid, given in seen.items() if _is_fresh(given, fresh_from[pmid]))
    lately = gone(lake) if lake and not wish.refresh else {}
    absent = {
        pmid: known_gone.why
        for pmid in found_all - there
        if (known_gone := lately.get(where(pmid))) and _is_recent(known_gone, searches.began)
    }
    wanted = sorted(found_all - there - absent.keys())
    now = wanted if wish.most is None else wanted[max(0, len(wanted) - wish.most) :]
    return FetchPlan(
        found=found_all,
        counted=len(found_all) + sum(found.unlisted for found, _ in parts),
        there=there,
        absent=absent,
        wanted=tuple(now),
        left=len(wanted) - len(now),
        searched=searches.began,
        since=since,
        translation=parts[0][0].translation,
        notes=tuple(dict.fromkeys(note for found, _ in parts for note in found.notes)),
        first_time=wish.since == "last" and since is None,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _is_fresh(given: datetime | None, fresh_from: datetime | None) -> bool:
    return fresh_from is None or (given is not None and given >= fresh_from)


def _is_recent(known_gone: Gone, now: datetime) -> bool:
    return now - known_gone.reported < _ASK_AGAIN

"""The plan of a fetch: which PMIDs PubMed has for a request, which of them the lake has, and which to fetch.

PubMed dates records in days of US Eastern time, and a search by date finds a record only after a delay. The searches
here allow for both, so that a fetch with `since` misses nothing.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from shlex import quote
from typing import Any, Literal

from litmine.errors import SettingError
from litmine.lake.download_journal import DownloadJournal
from litmine.lake.freshness import last_seen
from litmine.lake.lake import Lake
from litmine.pipeline.fetch_history import (
    CompleteFetch,
    ReportedGap,
    complete_fetches,
    gap_location,
    missing_pmids,
    reported_gaps,
)
from litmine.sources.entrez.client import EutilsClient
from litmine.sources.entrez.responses import EsearchResult
from litmine.sources.entrez.search import PubmedSearchResult, search_pubmed
from litmine.sources.pmids import parse_pmid

# The `source` of fetched records in the lake.
SOURCE = "PubMed"
# Saved searches of an interrupted fetch are repeated when they are older than this.
MAX_SEARCH_AGE = timedelta(hours=12)
# Standard time all year: in summer a day starts an hour late, so that a search covers a little too much, never too
# little.
_EASTERN = timedelta(hours=-5)
# PubMed's search finds a new or revised record only some time after its date. So a search starts this long before the
# day of the previous one.
INDEXING_LAG = timedelta(days=3)
# A missing PMID is requested again after this time, because the problem may have been PubMed's.
_RETRY_MISSING_AFTER = timedelta(days=7)
# Each revision slice costs a search, so only the days of the latest fetches divide slices.
_MAX_SLICE_STARTS = 5
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What to fetch: the records of a PubMed query, or of a list of PMIDs when `query` is None.

    `since`: only records created or revised from that day on, or since the last complete fetch of the query. `limit`:
    the largest number of records, highest PMIDs first. `refresh`: also fetch records that the lake already has. Raises
    SettingError for a query with a control character.
    """

    query: str | None = None
    pmids: frozenset[int] = frozenset()
    since: date | Literal["last"] | None = None
    limit: int | None = None
    refresh: bool = False

    def __post_init__(self) -> None:
        if found := next((one for one in self.query or "" if unicodedata.category(one) in {"Cc", "Cs"}), None):
            raise SettingError(f"the query has the control character U+{ord(found):04X}; remove it")

    @property
    def journal_id(self) -> str:
        """The name of the download journal, equal for equal requests. `limit` is not part of it."""
        content = repr((self.query, sorted(self.pmids), str(self.since), self.refresh))
        return blake2b(content.encode(), digest_size=8).hexdigest()

    @property
    def command(self) -> str:
        """The arguments of `litmine` that make this request, as a person would write them."""
        what = f"--pmids FILE ({len(self.pmids):,} PMIDs)" if self.query is None else f"--query {quote(self.query)}"
        since = f" --since {self.since}" if self.since else ""
        return f"fetch {what}{since}{' --refresh' if self.refresh else ''}"


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """The PMIDs of a request: found = present + known_missing + wanted + the `remaining` ones left for a later fetch.

    - `present`: in the lake and up to date.
    - `known_missing`: PMIDs that PubMed did not return lately, with the reason.
    - `wanted`: to fetch now, sorted.
    - `pubmed_count`: PubMed's own count, which may differ from the number found.
    - `searched`: the time (UTC) of the first search, from which a later `--since last` continues.
    - `since`: the first day searched; None for all days.
    - `translation`, `notes`: the query as PubMed interpreted it, and its remarks on the query.
    - `first_fetch`: "since last" was requested, but no complete fetch of the query exists.
    """

    found: frozenset[int]
    pubmed_count: int
    present: frozenset[int]
    known_missing: Mapping[int, str]
    wanted: tuple[int, ...]
    remaining: int
    searched: datetime
    since: date | None = None
    translation: str = ""
    notes: tuple[str, ...] = ()
    first_fetch: bool = False

    @property
    def unlisted(self) -> int:
        """The number of records that PubMed counts but does not list; negative when it lists more than it counts."""
        return self.pubmed_count - len(self.found)


class JournaledSearch:
    """Searches PubMed and saves the results in the fetch's journal, so that a restarted fetch need not repeat them.

    `started` (UTC, by PubMed's clock) is when the first search was made, in this process or an interrupted one;
    `reused` tells whether a saved result was used.
    """

    def __init__(self, client: EutilsClient, journal: DownloadJournal | None = None) -> None:
        self._client, self._journal = client, journal
        self._terms: set[str] = set()
        self._any_search = False
        self.started = _now()
        self.reused = False

    def __call__(self, term: str) -> EsearchResult:
        """The saved result of a search if there is one, else a new one. A second call for a term always searches."""
        saved = self._journal.load_search(term) if self._journal and term not in self._terms else None
        self._terms.add(term)
        if saved is not None and (at := _saved_time(saved)) is not None and (restored := _saved_result(saved)):
            self._note_time(at)
            self.reused = True
            return restored
        at = _now()
        hits = self._client.search(term)
        at += self._client.clock_offset
        self._note_time(at)
        if self._journal:
            result = {"count": hits.count, "pmids": hits.pmids, "translation": hits.translation, "notes": hits.notes}
            self._journal.save_search(term, result | {"at": at.isoformat()})
        return hits

    def start_without_search(self) -> None:
        """Save or restore the start of a fetch that makes no search."""
        saved = self._journal.load_search("") if self._journal else None
        if saved is not None and (at := _saved_time(saved)) is not None:
            self.started = at
        elif self._journal:
            self._journal.save_search("", {"at": self.started.isoformat()})

    def discard_saved(self) -> None:
        """Delete the saved results, so that every search is made again."""
        if self._journal:
            self._journal.delete_searches()
        self._any_search = self.reused = False

    def _note_time(self, at: datetime) -> None:
        self.started = min(self.started, at) if self._any_search else at
        self._any_search = True


def _saved_time(saved: Mapping[str, Any]) -> datetime | None:
    """When a saved search was made; None if it is too old, or not litmine's."""
    try:
        at = datetime.fromisoformat(saved["at"])
        return at if _now() - MAX_SEARCH_AGE < at <= _now() + MAX_SEARCH_AGE else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _saved_result(saved: Mapping[str, Any]) -> EsearchResult | None:
    """The result of a saved search; None if it is not litmine's."""
    count, pmids, translation, notes = (saved.get(name) for name in ("count", "pmids", "translation", "notes"))
    is_valid = (
        type(count) is int
        and isinstance(pmids, list)
        and all(type(pmid) is int and parse_pmid(pmid) for pmid in pmids)
        and isinstance(translation, str)
        and isinstance(notes, list)
        and all(isinstance(note, str) for note in notes)
    )
    return EsearchResult(count, tuple(pmids), translation, tuple(notes)) if is_valid else None  # type: ignore[arg-type]


def plan_fetch(lake: Lake | None, request: FetchRequest, search: JournaledSearch) -> FetchPlan:
    """Search PubMed and compare the result with the lake, None if there is no lake yet.

    Raises SourceError when PubMed does not answer, LakeError when the lake cannot be read.
    """
    plan = _plan(lake, request, search)
    if plan.unlisted and search.reused:
        # The saved results no longer match PubMed's count.
        search.discard_saved()
        plan = _plan(lake, request, search)
    return plan


def _plan(lake: Lake | None, request: FetchRequest, search: JournaledSearch) -> FetchPlan:
    if request.query is None:
        search.start_without_search()
        listed = PubmedSearchResult(request.pmids, len(request.pmids), "", ())
        return _compare_with_lake(lake, request, search, [(listed, None)], None)
    earlier = complete_fetches(lake, request.query) if lake else []
    if request.since is None or (request.since == "last" and not earlier):
        everything = search_pubmed(request.query, search, eastern_day(search.started))
        return _compare_with_lake(lake, request, search, [(everything, None)], None)
    fetch_days = sorted({eastern_day(fetch.searched) for fetch in earlier})[-_MAX_SLICE_STARTS:]
    since = fetch_days[-1] - INDEXING_LAG if request.since == "last" else request.since
    created = search_pubmed(created_since(request.query, since), search, eastern_day(search.started))
    results: list[tuple[PubmedSearchResult, datetime | None]] = [(created, None)]
    # After the first response, PubMed's clock gives the day.
    today = eastern_day(search.started)
    for slice_ in revision_slices(_first_unseen_day(since, earlier), fetch_days, today):
        revised = search_pubmed(slice_.search_term(request.query), search, today)
        results.append((revised, min(slice_.complete_at, search.started)))
    if lake:
        # Records that earlier fetches missed were created before `since`: no search above finds them.
        pmids = missing_pmids(lake, request.query)
        results.append((PubmedSearchResult(pmids, len(pmids), "", ()), None))
    return _compare_with_lake(lake, request, search, results, since)


def _first_unseen_day(since: date, earlier: list[CompleteFetch]) -> date:
    """The first day to search for revisions: earlier fetches that covered `since` saw the revisions before this day."""
    covering = [eastern_day(fetch.searched) for fetch in earlier if fetch.since is not None and fetch.since <= since]
    return max([since, *(day - INDEXING_LAG for day in covering)])


def _compare_with_lake(
    lake: Lake | None,
    request: FetchRequest,
    search: JournaledSearch,
    results: list[tuple[PubmedSearchResult, datetime | None]],
    since: date | None,
) -> FetchPlan:
    """The plan for search results, each with a time: a record is up to date if the lake has seen it since then.

    With None instead of a time, any version in the lake is up to date.
    """
    required: dict[int, datetime | None] = {}
    for result, seen_since in results:
        for pmid in result.pmids:
            required[pmid] = max(filter(None, (seen_since, required.get(pmid))), default=None)
    if request.refresh:
        required = dict.fromkeys(required, search.started)
    found = frozenset(required)
    seen = last_seen(lake.location, found, SOURCE) if lake and found else {}
    present = frozenset(pmid for pmid, seen_at in seen.items() if _is_current(seen_at, required[pmid]))
    gaps = reported_gaps(lake) if lake and not request.refresh else {}
    known_missing = {
        pmid: gap.why
        for pmid in found - present
        if (gap := gaps.get(gap_location(pmid))) and _is_recent(gap, search.started)
    }
    to_fetch = sorted(found - present - known_missing.keys())
    wanted = to_fetch if request.limit is None else to_fetch[max(0, len(to_fetch) - request.limit) :]
    return FetchPlan(
        found=found,
        pubmed_count=len(found) + sum(result.unlisted for result, _ in results),
        present=present,
        known_missing=known_missing,
        wanted=tuple(wanted),
        remaining=len(to_fetch) - len(wanted),
        searched=search.started,
        since=since,
        translation=results[0][0].translation,
        notes=tuple(dict.fromkeys(note for result, _ in results for note in result.notes)),
        first_fetch=request.since == "last" and since is None,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _is_current(seen_at: datetime | None, required: datetime | None) -> bool:
    return required is None or (seen_at is not None and seen_at >= required)


def _is_recent(gap: ReportedGap, now: datetime) -> bool:
    return now - gap.reported < _RETRY_MISSING_AFTER


def eastern_day(moment: datetime) -> date:
    """The day of a time zone aware moment in US Eastern standard time."""
    return (moment.astimezone(UTC) + _EASTERN).date()


def start_of_eastern_day(day: date) -> datetime:
    """The moment (UTC) when a day starts in US Eastern standard time."""
    return datetime.combine(day, time(), UTC) - _EASTERN


@dataclass(frozen=True, slots=True)
class RevisionSlice:
    """Records last revised from `first` until before `end`; `end` None means no limit."""

    first: date
    end: date | None

    @property
    def complete_at(self) -> datetime:
        """The moment (UTC) after which no more records can enter the slice."""
        return start_of_eastern_day(self.end) if self.end else _NEVER

    def search_term(self, query: str) -> str:
        """The PubMed search for the query's records in this slice."""
        last = f'"{self.end - timedelta(days=1):%Y/%m/%d}"[lr]' if self.end else '"3000"[lr]'
        return f'({query}) AND ("{self.first:%Y/%m/%d}"[lr] : {last})'


def revision_slices(first: date, fetch_days: Iterable[date], today: date) -> list[RevisionSlice]:
    """Split the revisions from `first` on at the days of earlier fetches and at `today`.

    A fetch saw all revisions dated before its day, so it saw every slice that ends by then.
    """
    ends = sorted({day for day in (*fetch_days, today) if first < day <= today})
    return [RevisionSlice(start, end) for start, end in zip([first, *ends], [*ends, None], strict=True)]


def created_since(query: str, since: date) -> str:
    """The PubMed search for the query's records created on or after a day."""
    return f'({query}) AND ("{since:%Y/%m/%d}"[crdt] : "3000"[crdt])'

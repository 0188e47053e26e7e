"""`fetch`: download the records of a PubMed query into the lake, and report every PMID that PubMed does not return."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from litmine.errors import LakeLockedError
from litmine.lake.article_writer import ArticleWriter, ImportCounts
from litmine.lake.download_journal import DownloadJournal, list_unfinished_fetches, open_journal
from litmine.lake.lake import MARKER_FILE, Lake
from litmine.lake.paths import LakePath
from litmine.lake.runs import Gap
from litmine.pipeline.count_format import format_count, format_nonzero
from litmine.pipeline.fetch_history import gap_location, reported_gaps
from litmine.pipeline.fetch_plan import (
    MAX_SEARCH_AGE,
    SOURCE,
    FetchPlan,
    FetchRequest,
    JournaledSearch,
    plan_fetch,
)
from litmine.pipeline.run_log import RunLogEntry, log_run
from litmine.pipeline.settle_gaps import gaps_with_records
from litmine.sources.entrez.client import EutilsClient
from litmine.sources.entrez.eutils_settings import NCBI_BASE_URL, EutilsSettings
from litmine.sources.entrez.fetching import MAX_BATCH_SIZE, MissingRecord, fetch_records
from litmine.sources.files import file_of_location
from litmine.sources.pubmed_xml import ParsedRecord, read_pubmed_xml
from litmine.types import SourceRecord, UnreadableRecord

# The records of this run's responses, by the response's file in the journal, so that no response is parsed twice.
ParsedResponses = dict[Path, Sequence[ParsedRecord]]

# Downloaded records are written to the lake when there are this many, or after this time.
FLUSH_RECORDS, FLUSH_SECONDS = 2_000, 300.0
_UNREQUESTED = "PubMed sent its record without a request for it; the record was not written"


class FetchObserver:
    """Receives the progress of a fetch; this base class does nothing."""

    def planned(self, plan: FetchPlan) -> None:
        """PubMed was searched."""

    def fetched(self, records: int) -> None:
        """This many of the wanted records have arrived."""

    def waiting(self, reason: str, seconds: float) -> None:
        """A request failed and is repeated after `seconds`; 0 seconds: a notice without a wait."""


@dataclass(slots=True)
class FetchResult:
    """The result of a fetch: plan.found = plan.present + plan.known_missing + fetched + missing + plan.remaining.

    `added` counts the records written, `recovered` those that an interrupted fetch had downloaded. `missing` maps PMIDs
    that PubMed did not return to the reason. `unrequested` are PMIDs of records that PubMed sent without a request, and
    that were not written. `gaps` are all gaps of this run; `new_gaps` were reported by no earlier
    fetch.
    """

    plan: FetchPlan
    fetched: int = 0
    added: ImportCounts = field(default_factory=ImportCounts)
    recovered: ImportCounts = field(default_factory=ImportCounts)
    missing: dict[int, str] = field(default_factory=dict)
    unrequested: set[int] = field(default_factory=set)
    gaps: list[Gap] = field(default_factory=list)
    new_gaps: list[Gap] = field(default_factory=list)
    requests: int = 0

    @property
    def changed(self) -> bool:
        """Whether any article in the lake is new or revised."""
        return bool(self.added.new or self.added.revised or self.recovered.new or self.recovered.revised)

    def summary_lines(self) -> list[str]:
        """The result as lines for the user: counts that are not zero, then the new gaps."""
        plan, added = self.plan, self.added
        missing = len(plan.known_missing) + len(self.missing)
        counts = {
            "new": added.new,
            "revised": added.revised,
            "deleted": added.deletions,
            "already present": len(plan.present) + added.repeated + added.unchanged,
            "missing": missing,
            "left by --max": plan.remaining,
        }
        totals = [f"{format_count(len(plan.found), 'records')} found" if plan.found else "no records found"]
        if self.fetched:
            totals.append(f"{self.fetched:,} fetched")
        if self.requests:
            totals.append(format_count(self.requests, "requests"))
        nonzero = format_nonzero(counts)
        lines = [f"{nonzero} ({', '.join(totals)})" if nonzero else ", ".join(totals)]
        if self.recovered.read:
            lines.append(f"{format_count(self.recovered.read, 'records')} recovered from an interrupted fetch")
        lines += [f"not fetched: {gap}" for gap in self.new_gaps]
        if known := missing + len(self.gaps) - len(self.missing) - len(self.new_gaps):
            lines.append(f"{format_count(known, 'gaps')} reported before")
        return lines


def min_requests(records: int) -> int:
    """The smallest number of requests that fetches this many records."""
    return -(-records // MAX_BATCH_SIZE)


def preview_fetch(
    lake: LakePath, request: FetchRequest, settings: EutilsSettings, observer: FetchObserver
) -> FetchPlan:
    """The plan of a fetch, without fetching or writing anything. Raises the same errors as `fetch`."""
    existing_lake = Lake(lake) if (lake / MARKER_FILE).exists() else None
    client = EutilsClient(settings, observer.waiting)
    plan = plan_fetch(existing_lake, request, JournaledSearch(client))
    observer.planned(plan)
    return plan


def fetch(
    lake: LakePath,
    request: FetchRequest,
    settings: EutilsSettings,
    observer: FetchObserver,
    invalid_pmids: Sequence[Gap] = (),
    pmid_list: str = "",
) -> FetchResult:
    """Fetch the records of `request` into the lake at `lake`, which is created if it does not exist.

    `invalid_pmids`: gaps for entries of a PMID list that are not PMIDs, to be reported with the other gaps; `pmid_list`
    is the name of the list in them. Raises SourceError when PubMed does not answer, LakeError when the lake cannot be
    written, LakeLockedError when the same fetch is running. What was fetched until then is kept, and the same call
    continues from there.
    """
    opened = Lake.create(lake)
    client = EutilsClient(settings, observer.waiting)
    writer = opened.article_writer()
    parameters = _request_parameters(request, settings)
    with (
        open_journal(opened.location, request.journal_id, request.command) as journal,
        log_run(opened, "fetch", **parameters) as entry,
    ):
        entry.settled = []
        recovered = _write_downloads(writer, journal, {}) + _recover_other_fetches(opened, writer, request.journal_id)
        plan = plan_fetch(opened, request, JournaledSearch(client, journal))
        result = FetchResult(plan, recovered=recovered)
        entry.parameters |= _search_parameters(plan)
        observer.planned(plan)
        parsed: ParsedResponses = {}
        try:
            _download(writer, journal, parsed, client, result, observer)
        finally:
            result.added += _write_downloads(writer, journal, parsed)
            result.requests = client.requests
            entry.counts = _log_counts(result)
        _find_gaps(opened, result, entry, [*invalid_pmids, *_unlisted_gap(plan)])
        _settle_gaps(opened, result, entry, pmid_list)
        entry.parameters["complete"] = "no" if plan.remaining else "yes"
        journal.delete()
    return result


def _download(
    writer: ArticleWriter,
    journal: DownloadJournal,
    parsed: ParsedResponses,
    client: EutilsClient,
    result: FetchResult,
    observer: FetchObserver,
) -> None:
    wanted = set(result.plan.wanted)
    pending, last_write = 0, time.monotonic()
    for response in fetch_records(result.plan.wanted, client.fetch):
        if isinstance(response, MissingRecord):
            result.missing[response.pmid] = response.why
            continue
        body = journal.save_response(response.body, response.received, response.unrequested)
        parsed[body] = response.records
        result.unrequested |= response.unrequested
        pending += len(response.pmids)
        result.fetched += len(wanted & response.pmids)
        wanted -= response.pmids
        observer.fetched(result.fetched)
        if pending >= FLUSH_RECORDS or time.monotonic() - last_write >= FLUSH_SECONDS:
            result.added += _write_downloads(writer, journal, parsed)
            pending, last_write = 0, time.monotonic()


def _write_downloads(writer: ArticleWriter, journal: DownloadJournal, parsed: ParsedResponses) -> ImportCounts:
    """Write the journal's responses to the lake and delete them; uses the records in `parsed`, then clears it."""
    responses = journal.responses()
    if not responses:
        return ImportCounts()
    added = writer.add(_source_records(journal, responses, parsed), source=SOURCE, dated=True)
    parsed.clear()
    journal.delete_responses([path for path, _ in responses])
    return added


def _source_records(
    journal: DownloadJournal, responses: list[tuple[Path, datetime]], parsed: ParsedResponses
) -> Iterator[SourceRecord]:
    """The records of responses, dated one microsecond apart in their order, so that a PMID's last record is current."""
    for path, received in responses:
        unrequested = set() if path in parsed else journal.unrequested(path)
        for position, record in enumerate(parsed[path] if path in parsed else _parse_response(path)):
            if not isinstance(record, UnreadableRecord) and record.pmid not in unrequested:
                yield SourceRecord(record, received + timedelta(microseconds=position))


def _parse_response(path: Path) -> Iterator[ParsedRecord]:
    with path.open("rb") as stream:
        yield from read_pubmed_xml(stream)


def _recover_other_fetches(lake: Lake, writer: ArticleWriter, own_journal: str) -> ImportCounts:
    """Write to the lake what other, interrupted fetches had downloaded."""
    added = ImportCounts()
    for journal_id in list_unfinished_fetches(lake.location):
        if journal_id != own_journal:
            try:
                with open_journal(lake.location, journal_id) as journal:
                    added += _write_downloads(writer, journal, {})
                    journal.clean_up(MAX_SEARCH_AGE)
            except LakeLockedError:
                continue  # the fetch is running
    return added


def _find_gaps(lake: Lake, result: FetchResult, entry: RunLogEntry, other_gaps: list[Gap]) -> None:
    """Collect the gaps of the run. A gap is new if no earlier fetch reported its location, whatever the reason."""
    sent = dict.fromkeys(result.unrequested, _UNREQUESTED)
    result.gaps = [
        *other_gaps,
        *(Gap(gap_location(pmid), why) for pmid, why in sorted((sent | result.missing).items())),
    ]
    known_locations = reported_gaps(lake)
    entry.gaps = result.gaps
    entry.known_gaps = frozenset(gap for gap in result.gaps if gap.where in known_locations)
    result.new_gaps = entry.new_gaps


def _settle_gaps(lake: Lake, result: FetchResult, entry: RunLogEntry, pmid_list: str) -> None:
    """Settle gaps of earlier fetches: in the same list or search, and PMIDs of which the lake has the record."""
    read = pmid_list or _search_location(result.plan)
    gaps = [gap for gap in lake.source_gaps("fetch") if gap not in result.gaps]
    here = [gap for gap in gaps if file_of_location(gap.where) == read]
    entry.settled = [*here, *gaps_with_records(lake, gaps)]


def _search_location(plan: FetchPlan) -> str:
    return f"search {plan.translation or 'result'}"


def _unlisted_gap(plan: FetchPlan) -> list[Gap]:
    """A gap for the records that PubMed counts for a query but does not list."""
    if plan.unlisted <= 0:
        return []
    why = (
        f"PubMed counts {format_count(plan.pubmed_count, 'records')} but lists {len(plan.found):,};"
        f" the other {plan.unlisted:,} cannot be fetched"
    )
    return [Gap(_search_location(plan), why)]


def _request_parameters(request: FetchRequest, settings: EutilsSettings) -> dict[str, str]:
    parameters = {
        "query": request.query or "",
        "pmids": str(len(request.pmids)) if request.query is None else "",
        "max": str(request.limit or ""),
        "refresh": "yes" if request.refresh else "",
        "url": "" if settings.url == NCBI_BASE_URL else settings.url,
    }
    return {name: value for name, value in parameters.items() if value}


def _search_parameters(plan: FetchPlan) -> dict[str, str]:
    parameters = {
        "searched": plan.searched.isoformat(),
        "since": plan.since.isoformat() if plan.since else "",
        "translation": plan.translation,
    }
    return {name: value for name, value in parameters.items() if value}


def _log_counts(result: FetchResult) -> dict[str, int]:
    plan, added = result.plan, result.added
    return {
        "found": len(plan.found),
        "counted": plan.pubmed_count,
        "there": len(plan.present),
        "fetched": result.fetched,
        "absent": len(result.missing) + len(plan.known_missing),
        "left": plan.remaining,
        "requests": result.requests,
        "new": added.new,
        "revised": added.revised,
        "repeated": added.repeated,
        "unchanged": added.unchanged,
        "superseded": added.superseded,
        "texts": added.texts,
        "recovered": result.recovered.read,
        "parts": len(added.parts) + len(result.recovered.parts),
    }

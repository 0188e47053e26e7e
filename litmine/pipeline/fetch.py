"""`fetch`: from a query to article parts, with an account of every PMID that PubMed has for it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from litmine.errors import LakeLockedError
from litmine.lake.article_writer import Added, Importer
from litmine.lake.download_journal import Spool, jobs, spooling
from litmine.lake.lake import MARK, Lake
from litmine.lake.paths import Place
from litmine.lake.runs import Gap
from litmine.pipeline.fetch_history import gone, where
from litmine.pipeline.fetch_plan import SOURCE, STALE, FetchPlan, FetchRequest, Searches, survey
from litmine.pipeline.run_log import RunLogEntry, log_run
from litmine.sources.entrez.client import EutilsClient
from litmine.sources.entrez.eutils_settings import NCBI_BASE_URL, EutilsSettings
from litmine.sources.entrez.fetching import MAX_BATCH_SIZE, MissingRecord, fetch_records
from litmine.sources.pubmed_xml import ParsedRecord, read_pubmed_xml
from litmine.types import SourceRecord, UnreadableRecord

# The records of answers that came in this run, by where the spool keeps these.
Read = dict[Path, Sequence[ParsedRecord]]

# What was received is put into a part when it is so many records, or so many seconds old.
FLUSH_RECORDS, FLUSH_SECONDS = 2_000, 300.0
_LARGEST_PART = 10_000


class Progress:
    """What a fetch tells while it runs; does nothing."""

    def surveyed(self, survey: FetchPlan) -> None:
        """PubMed was searched."""

    def fetched(self, records: int) -> None:
        """So many of the wanted records have come."""

    def waiting(self, reason: str, seconds: float) -> None:
        """A request failed, and is made again in so many seconds."""


@dataclass(slots=True)
class FetchResult:
    """What became of what was found: found = there + known as absent + fetched + absent + left.

    `recovered`: records that an interrupted fetch had received; `gaps`: what could not be had in this run, each with
    its reason, `new_gaps` those that no earlier fetch reported.
    """

    survey: FetchPlan
    fetched: int = 0
    added: Added = field(default_factory=Added)
    recovered: Added = field(default_factory=Added)
    absent: dict[int, str] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    new_gaps: list[Gap] = field(default_factory=list)
    requests: int = 0

    @property
    def news(self) -> bool:
        """Whether the lake says something now that it did not say before."""
        return bool(self.added.new or self.added.revised or self.recovered.new or self.recovered.revised)

    def account(self) -> list[str]:
        """What became of what was found, in sentences: found = there + fetched + absent + left."""
        survey, added = self.survey, self.added
        absent = len(survey.absent) + len(self.absent)
        left = f", {survey.left:,} left by --max" if survey.left else ""
        found = f"{len(survey.found):,} records found: {len(survey.there):,} in the lake already"
        said = [f"{found}, {self.fetched:,} fetched, {absent:,} absent{left}; {self.requests:,} requests"]
        if added.read:
            said.append(
                f"{added.read:,} records written: {added.new:,} new, {added.revised:,} revised,"
                f" {added.repeated + added.unchanged + added.superseded:,} as they were; {added.texts:,} new texts"
            )
        if self.recovered.read:
            said.append(f"{self.recovered.read:,} records that an interrupted fetch had received are in the lake now")
        said += [f"could not be had: {gap}" for gap in self.new_gaps]
        if known := absent + len(self.gaps) - len(self.absent) - len(self.new_gaps):
            said.append(f"{known:,} that earlier fetches reported are absent still")
        return said


def requests_for(records: int) -> int:
    """How many requests it takes at least to fetch so many records."""
    return -(-records // MAX_BATCH_SIZE)


def look(lake: Place, wish: FetchRequest, access: EutilsSettings, progress: Progress) -> FetchPlan:
    """What `fetch` would do, without fetching: nothing is written. Raises as `fetch` does."""
    opened = Lake(lake) if (lake / MARK).exists() else None
    client = EutilsClient(access, progress.waiting)
    return survey(opened, wish, Searches(client))


def fetch(
    lake: Place, wish: FetchRequest, access: EutilsSettings, progress: Progress, unusable: Sequence[Gap] = ()
) -> FetchResult:
    """Bring what is wished for into the lake at `lake`, which is made if need be.

    `unusable`: lines of a list of PMIDs that are none, to be reported with the rest. Raises SourceError when PubMed
    does not answer, LakeError when the lake cannot be written, LakeLockedError when the same fetch is running; what
    came until then stays, and the same call goes on from there.
    """
    opened = Lake.create(lake)
    client = EutilsClient(access, progress.waiting)
    importer = opened.importer()
    with spooling(opened.place, wish.job) as spool, log_run(opened, "fetch", **_parameters(wish, access)) as entry:
        recovered = _flush(importer, spool, {}) + _adopted(opened, importer, wish.job)
        searches = Searches(client, spool)
        surveyed = survey(opened, wish, searches)
        result = FetchResult(surveyed, recovered=recovered)
        entry.parameters |= _asked(surveyed)
        progress.surveyed(surveyed)
        read: Read = {}
        try:
            _retrieve(importer, spool, read, client, result, progress)
        finally:
            result.added += _flush(importer, spool, read)
            result.requests = client.requests
            entry.counts = _counts(result)
        _report(opened, result, entry, [*unusable, *_unnamed(surveyed)])
        entry.parameters["complete"] = "no" if surveyed.left else "yes"
        spool.close()
    return result


def _retrieve(
    importer: Importer, spool: Spool, read: Read, client: EutilsClient, result: FetchResult, progress: Progress
) -> None:
    wanted = set(result.survey.wanted)
    waiting, since = 0, time.monotonic()
    for answer in fetch_records(result.survey.wanted, client.fetch):
        if isinstance(answer, MissingRecord):
            result.absent[answer.pmid] = answer.why
            continue
        read[spool.keep(answer.body, answer.received)] = answer.records
        waiting += len(answer.pmids)
        result.fetched += len(wanted & answer.pmids)
        wanted -= answer.pmids
        progress.fetched(result.fetched)
        if waiting >= FLUSH_RECORDS or time.monotonic() - since >= FLUSH_SECONDS:
            result.added += _flush(importer, spool, read)
            waiting, since = 0, time.monotonic()


def _flush(importer: Importer, spool: Spool, read: Read) -> Added:
    """Put what is in the spool into a part; what of it is `read` is not read again, and is so no longer."""
    bodies = spool.bodies()
    if not bodies:
        return Added()
    added = importer.add(_observed(bodies, read), source=SOURCE, dated=True, part_size=_LARGEST_PART)
    read.clear()
    spool.forget([path for path, _ in bodies])
    return added


def _observed(bodies: list[tuple[Path, datetime]], read: Read) -> Iterator[SourceRecord]:
    """The records of answers, a microsecond apart from when each was received."""
    for path, received in bodies:
        for count, record in enumerate(read[path] if path in read else _of_file(path)):
            if not isinstance(record, UnreadableRecord):
                yield SourceRecord(record, received + timedelta(microseconds=count))


def _of_file(path: Path) -> Iterator[ParsedRecord]:
    with path.open("rb") as stream:
        yield from read_pubmed_xml(stream)


def _adopted(lake: Lake, importer: Importer, own: str) -> Added:
    """Put into parts what fetches of other things had received when they were interrupted."""
    added = Added()
    for job in jobs(lake.place):
        if job != own:
            try:
                with spooling(lake.place, job) as spool:
                    added += _flush(importer, spool, {})
                    spool.leave(STALE)
            except LakeLockedError:
                continue  # It is running.
    return added


def _report(lake: Lake, result: FetchResult, entry: RunLogEntry, others: list[Gap]) -> None:
    """Tell what could not be had; it is new when no earlier fetch reported it, for whatever reason."""
    result.gaps = [*others, *(Gap(where(pmid), why) for pmid, why in sorted(result.absent.items()))]
    known = gone(lake)
    entry.gaps = result.gaps
    entry.known_gaps = frozenset(gap for gap in result.gaps if gap.where in known)
    result.new_gaps = entry.new_gaps


def _unnamed(surveyed: FetchPlan) -> list[Gap]:
    """The records that PubMed counts for a query and does not name, as a gap."""
    if surveyed.unlisted <= 0:
        return []
    why = (
        f"PubMed counts {surveyed.counted:,} records and names {len(surveyed.found):,} of them:"
        f" {surveyed.unlisted:,} cannot be asked for"
    )
    return [Gap(f"search {surveyed.translation or 'result'}", why)]


def _parameters(wish: FetchRequest, access: EutilsSettings) -> dict[str, str]:
    said = {
        "query": wish.query or "",
        "pmids": str(len(wish.pmids)) if wish.query is None else "",
        "max": str(wish.most or ""),
        "refresh": "yes" if wish.refresh else "",
        "url": "" if access.url == NCBI_BASE_URL else access.url,
    }
    return {name: value for name, value in said.items() if value}


def _asked(surveyed: FetchPlan) -> dict[str, str]:
    said = {
        "searched": surveyed.searched.isoformat(),
        "since": surveyed.since.isoformat() if surveyed.since else "",
        "translation": surveyed.translation,
    }
    return {name: value for name, value in said.items() if value}


def _counts(result: FetchResult) -> dict[str, int]:
    surveyed, added = result.survey, result.added
    return {
        "found": len(surveyed.found),
        "counted": surveyed.counted,
        "there": len(surveyed.there),
        "fetched": result.fetched,
        "absent": len(result.absent) + len(surveyed.absent),
        "left": surveyed.left,
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

"""Is this answer good, and if not, what kind of bad: every failure that the E-utilities are known for.

An answer is judged by what it holds, not by its Content-Type. What is wrong with it is told in words of our own: a body
may hold the key and control characters, and only the text of an `<ERROR>` is quoted, cleaned.

What comes back from the E-utilities: a reply as received, what is wrong with a bad one, what a good one says.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from html import unescape
from http import HTTPStatus
from io import BytesIO

from lxml import etree
from lxml.etree import _Element as Element

from litmine.errors import SettingError, SourceError
from litmine.sources.pmids import parse_pmid
from litmine.sources.pubmed_xml import Record, read_pubmed_xml
from litmine.types import Article, Unreadable

# PubMed names no more of what a search finds, since November 2022.
MOST_HITS = 9_999


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer of any status; `received` (UTC) is when its headers came. Its words may hold the key."""

    status: int
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)
    received: datetime


class Fault(Enum):
    """What kind of bad an answer is, which decides how it is asked for again."""

    FAILED = auto()
    DAMAGED = auto()  # it began well: a smaller question may get through
    BUSY = auto()  # the server asks everyone on this machine to wait
    TOO_LONG = auto()  # the address is: POST instead


class BadAnswer(Exception):  # noqa: N818 -- a verdict, handled and not shown
    """No usable answer; the message is a short, clean clause without the key, such as "the server refused it".

    `retry_after` is how many seconds the server asks to wait, if it says so.
    """

    def __init__(self, reason: str, fault: Fault = Fault.FAILED, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.fault = fault
        self.retry_after = retry_after


class Unanswered(Exception):  # noqa: N818 -- what became of a question, and no failure of the service
    """A question that was never answered well although the service is up; the message is a short, clean clause."""


@dataclass(frozen=True, slots=True)
class Hits:
    """What ESearch found: `count` in all, and the first of them in PubMed's order, at most 9,999.

    `translation` is the query as PubMed understood it; `notes` are sentences on what of it PubMed could not use.
    """

    count: int
    pmids: tuple[int, ...]
    translation: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole `PubmedArticleSet` as EFetch sent it, when that came (UTC), and the `records` in it, in its order.

    `pmids` are those of the records that can be read; `unreadable` says of each other why it cannot.
    """

    body: bytes = field(repr=False)
    received: datetime
    records: tuple[Record, ...] = field(repr=False)
    pmids: frozenset[int]
    unreadable: tuple[str, ...]


def clean(text: str, key: str | None, longest: int | None = 120) -> str:
    """`text` of a server as a phrase that is safe to show: printable, on one line, short, and without the key."""
    phrase = " ".join("".join(it if it.isprintable() else " " for it in text).split())
    if key is not None:
        phrase = phrase.replace(key, "...")
    return phrase if longest is None or len(phrase) <= longest else phrase[: longest - 3] + "..."


_HEAD = 1024  # where an answer shows what it is
_PROLOGUE = 1 << 16
_MARK_AND_BLANKS = b"\xef\xbb\xbf \t\r\n"
_HTML = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_ROOT = re.compile(rb"<([A-Za-z_][\w.-]*)")
_ERROR = re.compile(rb"<ERROR>(.{0,500}?)</?ERROR", re.DOTALL)
_NO_IDS = b"ID list is empty"
_KEY_REFUSED = re.compile(
    rb'API[ _-]?key [^"<]{0,20}(invalid|not valid|not well|malformed|unknown|expired|disabled)', re.IGNORECASE
)
_INNER_FAILURE = re.compile(rb"\b50[0-4]\b|bad gateway|service unavailable|gateway time", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")

_SETS = ("PubmedArticleSet", "PubmedBookArticleSet")
_EMPTY_SET = b'<?xml version="1.0" ?>\n<PubmedArticleSet></PubmedArticleSet>\n'
_NOTES = {
    "PhraseNotFound": 'PubMed found nothing for "{}".',
    "QuotedPhraseNotFound": 'PubMed does not know the phrase "{}" and searched for its words.',
    "PhraseIgnored": 'PubMed ignored "{}".',
    "FieldNotFound": 'PubMed has no field "{}" and searched without it.',
    "OutputMessage": "PubMed says: {}",
}


def judge_search(reply: Reply, retmax: int, key: str | None) -> Hits:
    """What a good ESearch answer found. Raises BadAnswer for any other, SettingError for a refused key."""
    if _root(reply, key) != "eSearchResult":
        raise BadAnswer(_reported(reply.body, key) or "the server's XML is no result of a search")
    result = _parse(reply.body)
    if result is None:
        raise BadAnswer("the server's XML is cut short or damaged", Fault.DAMAGED)
    if result.find("ERROR") is not None:
        raise BadAnswer(_reported(reply.body, key) or "the server reports an error")
    given = (result.findtext("Count") or "").strip()
    if not _SECONDS.fullmatch(given) or "." in given:
        raise BadAnswer("the server's search result has no count")
    count = int(given)
    pmids = [parse_pmid((found.text or "").strip()) for found in result.iterfind("IdList/Id")]
    good = tuple(dict.fromkeys(pmid for pmid in pmids if pmid is not None))
    if len(good) != len(pmids):
        raise BadAnswer("the server's search result names what is no PMID, or one twice")
    if len(good) < min(count, retmax):
        raise BadAnswer("the server's search result names fewer records than it counts")
    return Hits(count, good[:retmax], clean(result.findtext("QueryTranslation") or "", key, None), _notes(result, key))


def judge_fetch(reply: Reply, key: str | None) -> Fetched:
    """What a good EFetch answer holds, which may be no record at all. Raises as `judge_search` does."""
    if reply.status in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST) and _NO_IDS in reply.body[:_HEAD]:
        return Fetched(_EMPTY_SET, reply.received, (), frozenset(), ())
    root = _root(reply, key)
    reported = _reported(reply.body, key)
    if root not in _SETS:
        raise BadAnswer(reported or "the server's XML is no set of records")
    if reported:
        raise BadAnswer(reported, Fault.DAMAGED)
    try:
        records = tuple(read_pubmed_xml(BytesIO(reply.body)))
    except SourceError:
        # Not the cause of what is raised: it may quote the body.
        records = None
    if records is None:
        raise BadAnswer("the server's XML is cut short or damaged", Fault.DAMAGED)
    pmids = frozenset(record.pmid for record in records if isinstance(record, Article))
    unreadable = tuple(record.why for record in records if isinstance(record, Unreadable))
    return Fetched(reply.body, reply.received, records, pmids, unreadable)


def _root(reply: Reply, key: str | None) -> str:
    """The name of the first element of an XML answer. Raises BadAnswer when it is none, whatever it is instead."""
    _check_status(reply, key)
    head = reply.body[:_HEAD]
    start = head.lstrip(_MARK_AND_BLANKS)
    root = _ROOT.search(reply.body, 0, _PROLOGUE)
    if not start:
        raise BadAnswer("the server's answer is empty")
    if _HTML.search(head):
        raise BadAnswer("the server answered with an HTML page instead of XML")
    if not start.startswith(b"<"):
        raise BadAnswer("the server's answer is no XML")
    if root is None:
        raise BadAnswer("the server's XML has no content")
    return root[1].decode("ascii")


def _check_status(reply: Reply, key: str | None) -> None:
    """Raise unless the answer's status is that of a success."""
    status = reply.status
    if 200 <= status < 300:
        return
    if key is not None and status in (400, 401, 403) and _KEY_REFUSED.search(reply.body[:_HEAD]):
        raise SettingError("NCBI refuses the key in NCBI_API_KEY; correct it, or unset it to go on more slowly")
    answered = f"the server answered {_named(status)}"
    if status == HTTPStatus.REQUEST_URI_TOO_LONG:
        raise BadAnswer(answered, Fault.TOO_LONG)
    if 300 <= status < 400:
        raise BadAnswer(f"{answered}, a redirect, which is not followed")
    retry_after = _retry_after(reply)
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after is not None):
        raise BadAnswer(answered, Fault.BUSY, retry_after)
    if status == HTTPStatus.BAD_REQUEST and _INNER_FAILURE.search(reply.body[:_HEAD]):
        raise BadAnswer(f"{answered} around a failure of its own")
    raise BadAnswer(answered)


def _named(status: int) -> str:
    try:
        return f"HTTP {status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return f"HTTP {status}"


def _retry_after(reply: Reply) -> float | None:
    """How many seconds the answer asks to wait, said as such or as a date; None when it does not say."""
    given = str(reply.headers.get("Retry-After", "")).strip()
    if _SECONDS.fullmatch(given):
        return float(given)
    until = http_date(given)
    if until is None:
        return None
    now = http_date(str(reply.headers.get("Date", ""))) or reply.received
    return max(0.0, (until - now).total_seconds())


def http_date(given: str) -> datetime | None:
    """The time in a header (UTC); None when it is none."""
    try:
        when = parsedate_to_datetime(given)
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _reported(body: bytes, key: str | None) -> str | None:
    """The clause for the first `<ERROR>` in an answer, if it has one."""
    error = _ERROR.search(body)
    if error is None:
        return None
    said = clean(unescape(error[1].decode("utf-8", "replace")), key)
    return f'the server reports "{said}"'


def _parse(body: bytes) -> Element | None:
    """The root of a small XML document, nothing expanded and nothing else read; None when it is damaged."""
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return None


def _notes(result: Element, key: str | None) -> tuple[str, ...]:
    notes = (*result.iterfind("ErrorList/*"), *result.iterfind("WarningList/*"))
    return tuple(
        _NOTES[str(note.tag)].format(clean(note.text or "", key).strip('"')) for note in notes if note.tag in _NOTES
    )

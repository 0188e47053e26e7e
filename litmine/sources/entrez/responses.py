"""Parse responses of ESearch and EFetch, and classify every known kind of failure.

The content of a body decides, not its Content-Type, because the E-utilities report failures with HTTP 200 too. Failures
are described in fixed phrases: a body may hold the API key and control characters. Only the sanitised text of an
`<ERROR>` element is quoted.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
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
from litmine.sources.pubmed_xml import ParsedRecord, read_pubmed_xml
from litmine.types import Article, UnreadableRecord

# ESearch lists only the first 9,999 hits of a PubMed search, since November 2022.
MAX_SEARCH_HITS = 9_999


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A complete HTTP response of any status; `received` (UTC) is when its headers arrived.

    Headers and body may contain the API key, so they are not part of the repr.
    """

    status: int
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)
    received: datetime


class FailureKind(Enum):
    """The kind of a failed response, which decides how the request is retried."""

    FAILED = auto()
    DAMAGED = auto()  # incomplete or damaged: a smaller request may succeed
    THROTTLED = auto()  # all requests of this machine must wait
    URI_TOO_LONG = auto()  # retry with POST


class ResponseError(Exception):
    """One request got no usable response. The message is a short printable clause without the key.

    `retry_after` is the number of seconds that the server asks to wait, or None.
    """

    def __init__(self, reason: str, kind: FailureKind = FailureKind.FAILED, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.retry_after = retry_after


class PersistentRequestError(Exception):
    """A request failed at every attempt although the service is up. The message is a short printable clause."""


@dataclass(frozen=True, slots=True)
class EsearchResult:
    """Result of one ESearch request: the total `count` of hits, and at most the first 9,999 PMIDs, in PubMed's order.

    `translation` is the query as PubMed interpreted it; `notes` are sentences about its parts that PubMed did not use.
    """

    count: int
    pmids: tuple[int, ...]
    translation: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EfetchResult:
    """Result of one EFetch request: the complete `PubmedArticleSet`, when it arrived (UTC), and its `records` in order.

    `pmids` are the PMIDs of the articles that were parsed; `unreadable` holds one reason per record that was not.
    `unrequested` are PMIDs of records and deletions that the request did not name; `records` and `pmids` lack them.
    """

    body: bytes = field(repr=False)
    received: datetime
    records: tuple[ParsedRecord, ...] = field(repr=False)
    pmids: frozenset[int]
    unreadable: tuple[str, ...]
    unrequested: frozenset[int] = frozenset()

    def only(self, requested: Collection[int]) -> "EfetchResult":
        """The result without the records that the request did not name."""
        names = set(requested)
        sent = {record.pmid for record in self.records if not isinstance(record, UnreadableRecord)}
        if sent <= names:
            return self
        kept = tuple(record for record in self.records if isinstance(record, UnreadableRecord) or record.pmid in names)
        return replace(self, records=kept, pmids=self.pmids & names, unrequested=frozenset(sent - names))


def sanitize(text: str, key: str | None, max_length: int | None = 120) -> str:
    """A server's text, safe to show: printable, on one line, without the key, and at most `max_length` characters."""
    phrase = " ".join("".join(it if it.isprintable() else " " for it in text).split())
    if key is not None:
        phrase = phrase.replace(key, "...")
    return phrase if max_length is None or len(phrase) <= max_length else phrase[: max_length - 3] + "..."


_HEAD_BYTES = 1024  # enough to recognise the kind of a body
_PROLOGUE_BYTES = 1 << 16
_BOM_AND_SPACE = b"\xef\xbb\xbf \t\r\n"
_HTML = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_ROOT = re.compile(rb"<([A-Za-z_][\w.-]*)")
_ERROR = re.compile(rb"<ERROR>(.{0,500}?)</?ERROR", re.DOTALL)
_NO_IDS = b"ID list is empty"
_KEY_REJECTED = re.compile(
    rb'API[ _-]?key [^"<]{0,20}(invalid|not valid|not well|malformed|unknown|expired|disabled)', re.IGNORECASE
)
_WRAPPED_FAILURE = re.compile(rb"\b50[0-4]\b|bad gateway|service unavailable|gateway time", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")

_SETS = ("PubmedArticleSet", "PubmedBookArticleSet")
_EMPTY_SET = b'<?xml version="1.0" ?>\n<PubmedArticleSet></PubmedArticleSet>\n'
_NOTES = {
    "PhraseNotFound": 'PubMed found nothing for "{}".',
    "QuotedPhraseNotFound": 'PubMed does not index the phrase "{}" and searched for its words.',
    "PhraseIgnored": 'PubMed ignored "{}".',
    "FieldNotFound": 'PubMed has no field "{}" and searched without it.',
    "OutputMessage": "PubMed says: {}",
}


def parse_esearch(response: RawResponse, retmax: int, key: str | None) -> EsearchResult:
    """Parse an ESearch response. Raises ResponseError for a failure, SettingError for a rejected API key."""
    if _root_tag(response, key) != "eSearchResult":
        raise ResponseError(_error_clause(response.body, key) or "the server's XML is not a search result")
    result = _parse_xml(response.body)
    if result is None:
        raise ResponseError("the server's XML is cut short or damaged", FailureKind.DAMAGED)
    if result.find("ERROR") is not None:
        raise ResponseError(_error_clause(response.body, key) or "the server reports an error")
    count_text = (result.findtext("Count") or "").strip()
    if not _NUMBER.fullmatch(count_text) or "." in count_text:
        raise ResponseError("the server's search result has no count")
    count = int(count_text)
    listed = [parse_pmid((element.text or "").strip()) for element in result.iterfind("IdList/Id")]
    pmids = tuple(dict.fromkeys(pmid for pmid in listed if pmid is not None))
    if len(pmids) != len(listed):
        raise ResponseError("the server's search result lists an invalid or repeated PMID")
    if len(pmids) < min(count, retmax):
        raise ResponseError("the server's search result lists fewer records than it counts")
    translation = sanitize(result.findtext("QueryTranslation") or "", key, None)
    return EsearchResult(count, pmids[:retmax], translation, _notes(result, key))


def parse_efetch(response: RawResponse, key: str | None) -> EfetchResult:
    """Parse an EFetch response, which may hold no records. Raises the same errors as `parse_esearch`."""
    if response.status in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST) and _NO_IDS in response.body[:_HEAD_BYTES]:
        return EfetchResult(_EMPTY_SET, response.received, (), frozenset(), ())
    root = _root_tag(response, key)
    error = _error_clause(response.body, key)
    if root not in _SETS:
        raise ResponseError(error or "the server's XML is not a set of records")
    if error:
        raise ResponseError(error, FailureKind.DAMAGED)
    try:
        records = tuple(read_pubmed_xml(BytesIO(response.body)))
    except SourceError:
        # ResponseError is raised below, without this cause, which may quote the body.
        records = None
    if records is None:
        raise ResponseError("the server's XML is cut short or damaged", FailureKind.DAMAGED)
    pmids = frozenset(record.pmid for record in records if isinstance(record, Article))
    unreadable = tuple(record.why for record in records if isinstance(record, UnreadableRecord))
    return EfetchResult(response.body, response.received, records, pmids, unreadable)


def _root_tag(response: RawResponse, key: str | None) -> str:
    """The name of the root element. Raises ResponseError for a bad status or a body that is not XML."""
    _check_status(response, key)
    head = response.body[:_HEAD_BYTES]
    start = head.lstrip(_BOM_AND_SPACE)
    root = _ROOT.search(response.body, 0, _PROLOGUE_BYTES)
    if not start:
        raise ResponseError("the server's answer is empty")
    if _HTML.search(head):
        raise ResponseError("the server answered with an HTML page instead of XML")
    if not start.startswith(b"<"):
        raise ResponseError("the server's answer is not XML")
    if root is None:
        raise ResponseError("the server's XML has no content")
    return root[1].decode("ascii")


def _check_status(response: RawResponse, key: str | None) -> None:
    """Raise the matching error unless the status is 2xx."""
    status = response.status
    if 200 <= status < 300:
        return
    if key is not None and status in (400, 401, 403) and _KEY_REJECTED.search(response.body[:_HEAD_BYTES]):
        raise SettingError("NCBI rejects the key in NCBI_API_KEY; correct it, or unset it to continue more slowly")
    answered = f"the server answered {_describe_status(status)}"
    if status == HTTPStatus.REQUEST_URI_TOO_LONG:
        raise ResponseError(answered, FailureKind.URI_TOO_LONG)
    if 300 <= status < 400:
        raise ResponseError(f"{answered}, a redirect, which is not followed")
    retry_after = _retry_after(response)
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after is not None):
        raise ResponseError(answered, FailureKind.THROTTLED, retry_after)
    if status == HTTPStatus.BAD_REQUEST and _WRAPPED_FAILURE.search(response.body[:_HEAD_BYTES]):
        raise ResponseError(f"{answered} because a server behind it failed")
    raise ResponseError(answered)


def _describe_status(status: int) -> str:
    try:
        return f"HTTP {status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return f"HTTP {status}"


def _retry_after(response: RawResponse) -> float | None:
    """The value of the header Retry-After, which is a number or a date, in seconds; None without one."""
    value = str(response.headers.get("Retry-After", "")).strip()
    if _NUMBER.fullmatch(value):
        return float(value)
    until = parse_http_date(value)
    if until is None:
        return None
    now = parse_http_date(str(response.headers.get("Date", ""))) or response.received
    return max(0.0, (until - now).total_seconds())


def parse_http_date(value: str) -> datetime | None:
    """The time in a header (UTC); None if it is invalid."""
    try:
        when = parsedate_to_datetime(value)
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _error_clause(body: bytes, key: str | None) -> str | None:
    """A clause that quotes the first `<ERROR>` element; None without one."""
    match = _ERROR.search(body)
    if match is None:
        return None
    message = sanitize(unescape(match[1].decode("utf-8", "replace")), key)
    return f'the server reports "{message}"'


def _parse_xml(body: bytes) -> Element | None:
    """Parse a small XML document without expanding entities or loading a DTD; None if it is damaged."""
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
        _NOTES[str(note.tag)].format(sanitize(note.text or "", key).strip('"')) for note in notes if note.tag in _NOTES
    )

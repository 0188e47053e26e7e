"""Parsing of E-utilities responses: each known failure is classified, and only complete responses are accepted."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import SettingError
from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.faults import FAULT_KINDS, FaultInjector
from litmine.fake_pubmed.server import FakePubmedServer, serve
from litmine.sources.entrez.eutils_settings import EutilsSettings
from litmine.sources.entrez.limiter import RateLimiter
from litmine.sources.entrez.responses import (
    EfetchResult,
    EsearchResult,
    FailureKind,
    RawResponse,
    ResponseError,
    parse_efetch,
    parse_esearch,
    sanitize,
)
from litmine.sources.entrez.transport import EutilsTransport

KEY = "0123456789abcdef0123456789abcdef0123"
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)

_SET = (
    b'<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    b'"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n<PubmedArticleSet>%b</PubmedArticleSet>\n'
)
_ARTICLE = b"<PubmedArticle><MedlineCitation><PMID>%d</PMID></MedlineCitation></PubmedArticle>"
_BOOK = b"<PubmedBookArticle><BookDocument><PMID>%d</PMID></BookDocument></PubmedBookArticle>"
_RESULT = b"<eSearchResult>%b</eSearchResult>"


def _response(body: bytes, status: int = 200, **headers: str) -> RawResponse:
    message = Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return RawResponse(status, message, body, NOW)


def _efetch_error(body: bytes, status: int = 200, **headers: str) -> ResponseError:
    with pytest.raises(ResponseError) as error:
        parse_efetch(_response(body, status, **headers), KEY)
    return error.value


def _esearch_error(body: bytes, retmax: int = 9999) -> ResponseError:
    with pytest.raises(ResponseError) as error:
        parse_esearch(_response(body), retmax, KEY)
    return error.value


def _result(count: object, ids: str, more: str = "") -> bytes:
    ids_xml = "".join(f"<Id>{pmid}</Id>" for pmid in ids.split())
    return _RESULT % f"<Count>{count}</Count><IdList>{ids_xml}</IdList>{more}".encode()


@pytest.fixture(scope="module")
def rehearsal(sample_data: Path) -> Iterator[FakePubmedServer]:
    archive = RecordArchive([sample_data / "pubmed" / "pubmedsample18n0001.xml.gz"])
    with serve(archive, FaultInjector(hang_seconds=5, trickle_seconds=60), per_second=(1000, 1000)) as server:
        yield server


def _transport(rehearsal: FakePubmedServer, read_seconds: float = 60.0, body_seconds: float = 600.0) -> EutilsTransport:
    eutils_settings = EutilsSettings(rehearsal.url, KEY, read_seconds=read_seconds, body_seconds=body_seconds)
    return EutilsTransport(eutils_settings, RateLimiter("rehearsal", 50))


_REASONS = {
    "429": ("HTTP 429", FailureKind.THROTTLED),
    "429-retry-after": ("HTTP 429", FailureKind.THROTTLED),
    "500": ("HTTP 500", FailureKind.FAILED),
    "502": ("HTTP 502", FailureKind.FAILED),
    "503": ("HTTP 503", FailureKind.FAILED),
    "504": ("HTTP 504", FailureKind.FAILED),
    "error-element": ("Unable to obtain query", FailureKind.FAILED),
    "backend": ("Search Backend failed", FailureKind.FAILED),
    "database": ("Database is not supported", FailureKind.FAILED),
    "400-over-502": ("HTTP 400 (Bad Request) because a server behind it failed", FailureKind.FAILED),
    "html": ("an HTML page", FailureKind.FAILED),
    "html-500": ("HTTP 500", FailureKind.FAILED),
    "garbled-json": ("not XML", FailureKind.FAILED),
    "empty": ("empty", FailureKind.FAILED),
    "no-root": ("no content", FailureKind.FAILED),
    "short-body": ("cut short", FailureKind.DAMAGED),
    "reset": ("closed the connection", FailureKind.FAILED),
    "redirect": ("redirect", FailureKind.FAILED),
    "hang": ("did not answer in time", FailureKind.FAILED),
    "trickle": ("took too long", FailureKind.DAMAGED),
}


@pytest.mark.parametrize("utility", ["esearch", "efetch"])
@pytest.mark.parametrize("kind", [kind for kind in FAULT_KINDS if kind not in ("fewer-records", "cut", "key-refused")])
def test_each_fault_over_http(kind: str, utility: Literal["esearch", "efetch"], rehearsal: FakePubmedServer) -> None:
    transport = _transport(rehearsal, 0.2 if kind == "hang" else 60.0, 1.0 if kind == "trickle" else 600.0)
    rehearsal.faults.always = kind
    with pytest.raises(ResponseError) as error:
        _send(transport, utility, rehearsal)
    rehearsal.faults.always = None
    assert _REASONS[kind][0] in str(error.value)
    assert error.value.kind is _REASONS[kind][1]
    assert error.value.retry_after == (1.0 if kind == "429-retry-after" else None)
    assert KEY not in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("utility", ["esearch", "efetch"])
def test_a_rejected_key_is_a_setting_error(utility: Literal["esearch", "efetch"], rehearsal: FakePubmedServer) -> None:
    rehearsal.faults.always = "key-refused"
    with pytest.raises(SettingError, match="NCBI_API_KEY") as refused:
        _send(_transport(rehearsal), utility, rehearsal)
    rehearsal.faults.always = None
    assert KEY not in str(refused.value)


def test_good_answers_over_http(rehearsal: FakePubmedServer) -> None:
    transport = _transport(rehearsal)
    pmids = sorted(rehearsal.archive.pmids)
    hits = parse_esearch(transport.send("esearch", term="all[sb]", retmax=7), 7, KEY)
    assert hits.count == len(pmids)
    assert set(hits.pmids) < set(pmids)
    assert len(hits.pmids) == 7
    fetched = parse_efetch(transport.send("efetch", id=",".join(map(str, [*pmids, 1]))), KEY)
    assert fetched.pmids == set(pmids)
    assert fetched.unreadable == ()


def _send(
    transport: EutilsTransport, utility: Literal["esearch", "efetch"], rehearsal: FakePubmedServer
) -> EsearchResult | EfetchResult:
    if utility == "esearch":
        return parse_esearch(transport.send("esearch", term="all[sb]", retmax=9999), 9999, KEY)
    pmids = sorted(rehearsal.archive.pmids)[:20]
    return parse_efetch(transport.send("efetch", id=",".join(map(str, pmids))), KEY)


def test_articles_books_and_unreadable_records() -> None:
    body = _SET % (
        _ARTICLE % 5 + _BOOK % 6 + b"<PubmedArticle/>" + b"<PubmedBookArticle><BookDocument/></PubmedBookArticle>"
    )
    fetched = parse_efetch(_response(body), KEY)
    assert (fetched.body, fetched.received, fetched.pmids) == (body, NOW, frozenset({5, 6}))
    assert fetched.unreadable == ("The record has no MedlineCitation.", "The record has no PMID.")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (_SET % b"", 200),
        (
            b"<?xml version='1.0'?><eFetchResult><ERROR>ID list is empty! Possibly it has none</ERROR></eFetchResult>",
            400,
        ),
        (b"Error: ID list is empty! Possibly it has no correct IDs.", 400),
        (b"<eFetchResult><ERROR>ID list is empty! Possibly it has no correct IDs.</ERROR></eFetchResult>", 200),
    ],
)
def test_no_records_is_a_valid_response(body: bytes, status: int) -> None:
    fetched = parse_efetch(_response(body, status), KEY)
    assert (fetched.pmids, fetched.unreadable) == (frozenset(), ())
    assert parse_efetch(_response(fetched.body), KEY).pmids == frozenset()


@given(st.integers(0, len(_SET % (_ARTICLE % 5 + _ARTICLE % 6)) - 2))
def test_a_truncated_set_is_never_accepted(end: int) -> None:
    assert _efetch_error((_SET % (_ARTICLE % 5 + _ARTICLE % 6))[:end]).kind in (FailureKind.DAMAGED, FailureKind.FAILED)


@given(st.integers(0, len(_result(2, "5 6")) - 1))
def test_a_truncated_result_is_never_accepted(end: int) -> None:
    assert _esearch_error(_result(2, "5 6")[:end]).kind in (FailureKind.DAMAGED, FailureKind.FAILED)


_BODIES = st.one_of(
    st.binary(),
    st.text().map(lambda text: f"<eFetchResult><ERROR>{text}{KEY}</ERROR></eFetchResult>".encode()),
    st.text().map(lambda text: f"<eSearchResult><ERROR>{text}{KEY}</ERROR></eSearchResult>".encode()),
    st.text().map(lambda text: f'{{"error":"{text}","api-key":"{KEY}"}}'.encode()),
    st.text().map(lambda text: f"<html>{KEY}{text}".encode()),
    st.text().map(lambda text: (f"<eSearchResult><Count>{text}</Count>" + KEY).encode()),
)


@given(_BODIES, st.integers(100, 999), st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_any_response_gives_a_printable_message_without_the_key(body: bytes, status: int, retry_after: str) -> None:
    response = _response(body, status, Retry_After=retry_after)
    for parse in (lambda: parse_esearch(response, 20, KEY), lambda: parse_efetch(response, KEY)):
        with pytest.raises((ResponseError, SettingError)) as error:
            parse()
        assert str(error.value).isprintable()
        assert len(str(error.value)) < 200
        assert KEY not in "".join([str(error.value), repr(error.value), repr(error.value.__context__), repr(response)])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xef\xbb\xbf \n", "empty"),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" ""><html><p/></html>', "HTML"),
        (b"  <!DOCTYPE HTML>\n<title>x", "HTML"),
        (b"<HTML lang='en'>", "HTML"),
        (b'{"esearchresult": {}}', "not XML"),
        (b"Search Backend failed", "not XML"),
        (b"<!-- -->", "no content"),
        (b"<Other/>", "not a set of records"),
        (b"<eFetchResult><ERROR>a&lt;b\x01\x1b[31m" + b"x" * 300 + b"</ERROR></eFetchResult>", '"a<b [31mxxx'),
        (b"<eFetchResult><ERROR>cut off", "not a set of records"),
        (_SET % (_ARTICLE % 5 + b"<ERROR>Backend gone</ERROR>"), '"Backend gone"'),
    ],
)
def test_bodies_that_are_not_a_set_of_records(body: bytes, reason: str) -> None:
    assert reason in str(_efetch_error(body))


def test_entities_are_neither_expanded_nor_read() -> None:
    doctype = (
        b'<!DOCTYPE %b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
    )
    assert (
        _efetch_error((doctype % b"PubmedArticleSet") + b"<PubmedArticleSet>&b;</PubmedArticleSet>").kind
        is FailureKind.DAMAGED
    )
    count = doctype % b"eSearchResult" + _RESULT % b"<Count>&f;</Count><IdList/>"
    assert "no count" in str(_esearch_error(count))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (_result(3, "5 6"), "fewer"),
        (_result(2, ""), "fewer"),
        (_result(2, "5 x"), "invalid"),
        (_result(2, "5 -6"), "invalid"),
        (_result(2, "5 0"), "invalid"),
        (_result(2, "5 5"), "repeated"),
        (_result("", "5"), "no count"),
        (_result("many", "5"), "no count"),
        (_result("-1", "5"), "no count"),
        (_RESULT % b"<IdList><Id>5</Id></IdList>", "no count"),
        (
            _RESULT % b"<ERROR>Search Backend failed: Exception:\n'retstart' is too large</ERROR>",
            "Backend failed: Exception: 're",
        ),
        (_RESULT % b"<Count>1</Count><IdList><Id>5</Id></IdList><ERROR/>", "reports an error"),
        (_SET % b"", "not a search result"),
    ],
)
def test_search_results_that_do_not_add_up(body: bytes, reason: str) -> None:
    assert reason in str(_esearch_error(body))


def test_notes_of_a_search_result() -> None:
    more = (
        "<TranslationStack><TermSet><Count>99</Count></TermSet></TranslationStack>"
        '<QueryTranslation>"a"[MeSH Terms]\n OR b[tw]</QueryTranslation>'
        "<ErrorList><PhraseNotFound>xyz\x85</PhraseNotFound><FieldNotFound>nope</FieldNotFound></ErrorList>"
        '<WarningList><PhraseIgnored>the</PhraseIgnored><QuotedPhraseNotFound>"a b"</QuotedPhraseNotFound>'
        f"<OutputMessage>Said {KEY}.</OutputMessage><Other>no</Other></WarningList>"
    )
    hits = parse_esearch(_response(_result(3, "9 5", more)), 2, KEY)
    assert (hits.count, hits.pmids, hits.translation) == (3, (9, 5), '"a"[MeSH Terms] OR b[tw]')
    assert hits.notes == (
        'PubMed found nothing for "xyz".',
        'PubMed has no field "nope" and searched without it.',
        'PubMed ignored "the".',
        'PubMed does not index the phrase "a b" and searched for its words.',
        "PubMed says: Said ....",
    )


def test_no_hits_is_a_valid_response() -> None:
    assert parse_esearch(_response(_result(0, "")), 9999, KEY) == EsearchResult(0, (), "")


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("Sun, 22 Nov 2026 10:30:07 GMT", 7.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("-3", None),
        ("nan", None),
        ("1e300", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(retry_after: str, seconds: float | None) -> None:
    assert _efetch_error(b"{", 429, Retry_After=retry_after).retry_after == seconds


def test_a_retry_after_date_uses_the_clock_of_the_server() -> None:
    error = _efetch_error(b"{", 429, Retry_After="Sun, 22 Nov 2026 07:00:05 GMT", Date="Sun, 22 Nov 2026 07:00:00 GMT")
    assert error.retry_after == 5.0


def test_503_with_retry_after_is_throttling() -> None:
    assert _efetch_error(b"", 503, Retry_After="2").kind is FailureKind.THROTTLED


def test_414_is_a_uri_that_is_too_long() -> None:
    assert _efetch_error(b"", 414).kind is FailureKind.URI_TOO_LONG


@given(st.text(), st.text())
def test_sanitised_text_holds_no_key(before: str, after: str) -> None:
    phrase = sanitize(f"{before}{KEY[:20]}{KEY[20:]}{after}", KEY)
    assert KEY not in phrase
    assert not phrase or phrase.isprintable()
    assert len(phrase) <= 120

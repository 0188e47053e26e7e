"""Verdicts: every kind of bad answer by its name, good ones for what they say, and nothing in between."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import SettingError
from litmine.fake_pubmed.archive import Archive
from litmine.fake_pubmed.faults import KINDS, Faults
from litmine.fake_pubmed.server import Server, serve
from litmine.sources.entrez.access import Access
from litmine.sources.entrez.limiter import Limiter
from litmine.sources.entrez.responses import BadAnswer, Fault, Fetched, Hits, Reply, clean, judge_fetch, judge_search
from litmine.sources.entrez.transport import Wire

KEY = "0123456789abcdef0123456789abcdef0123"
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)

_SET = (
    b'<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    b'"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n<PubmedArticleSet>%b</PubmedArticleSet>\n'
)
_ARTICLE = b"<PubmedArticle><MedlineCitation><PMID>%d</PMID></MedlineCitation></PubmedArticle>"
_BOOK = b"<PubmedBookArticle><BookDocument><PMID>%d</PMID></BookDocument></PubmedBookArticle>"
_RESULT = b"<eSearchResult>%b</eSearchResult>"


def _reply(body: bytes, status: int = 200, **headers: str) -> Reply:
    message = Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return Reply(status, message, body, NOW)


def _fetch_fault(body: bytes, status: int = 200, **headers: str) -> BadAnswer:
    with pytest.raises(BadAnswer) as bad:
        judge_fetch(_reply(body, status, **headers), KEY)
    return bad.value


def _search_fault(body: bytes, retmax: int = 9999) -> BadAnswer:
    with pytest.raises(BadAnswer) as bad:
        judge_search(_reply(body), retmax, KEY)
    return bad.value


def _result(count: object, ids: str, more: str = "") -> bytes:
    named = "".join(f"<Id>{pmid}</Id>" for pmid in ids.split())
    return _RESULT % f"<Count>{count}</Count><IdList>{named}</IdList>{more}".encode()


@pytest.fixture(scope="module")
def rehearsal(sample_data: Path) -> Iterator[Server]:
    archive = Archive([sample_data / "pubmed" / "pubmedsample18n0001.xml.gz"])
    with serve(archive, Faults(hang_seconds=5, trickle_seconds=60), per_second=(1000, 1000)) as server:
        yield server


def _wire(rehearsal: Server, read_seconds: float = 60.0, body_seconds: float = 600.0) -> Wire:
    access = Access(rehearsal.url, KEY, read_seconds=read_seconds, body_seconds=body_seconds)
    return Wire(access, Limiter("rehearsal", 50))


_REASONS = {
    "429": ("HTTP 429", Fault.BUSY),
    "429-retry-after": ("HTTP 429", Fault.BUSY),
    "500": ("HTTP 500", Fault.FAILED),
    "502": ("HTTP 502", Fault.FAILED),
    "503": ("HTTP 503", Fault.FAILED),
    "504": ("HTTP 504", Fault.FAILED),
    "error-element": ("Unable to obtain query", Fault.FAILED),
    "backend": ("Search Backend failed", Fault.FAILED),
    "database": ("Database is not supported", Fault.FAILED),
    "400-over-502": ("HTTP 400 (Bad Request) around a failure of its own", Fault.FAILED),
    "html": ("an HTML page", Fault.FAILED),
    "html-500": ("HTTP 500", Fault.FAILED),
    "garbled-json": ("no XML", Fault.FAILED),
    "empty": ("empty", Fault.FAILED),
    "no-root": ("no content", Fault.FAILED),
    "short-body": ("cut short", Fault.DAMAGED),
    "reset": ("closed the connection", Fault.FAILED),
    "redirect": ("redirect", Fault.FAILED),
    "hang": ("did not answer in time", Fault.FAILED),
    "trickle": ("took too long", Fault.DAMAGED),
}


@pytest.mark.parametrize("utility", ["esearch", "efetch"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("fewer-records", "cut", "key-refused")])
def test_each_fault_over_http(kind: str, utility: Literal["esearch", "efetch"], rehearsal: Server) -> None:
    wire = _wire(rehearsal, 0.2 if kind == "hang" else 60.0, 1.0 if kind == "trickle" else 600.0)
    rehearsal.faults.always = kind
    with pytest.raises(BadAnswer) as bad:
        _ask(wire, utility, rehearsal)
    rehearsal.faults.always = None
    assert _REASONS[kind][0] in str(bad.value)
    assert bad.value.fault is _REASONS[kind][1]
    assert bad.value.retry_after == (1.0 if kind == "429-retry-after" else None)
    assert KEY not in str(bad.value)
    assert str(bad.value).isprintable()


@pytest.mark.parametrize("utility", ["esearch", "efetch"])
def test_a_refused_key_is_a_setting_to_correct(utility: Literal["esearch", "efetch"], rehearsal: Server) -> None:
    rehearsal.faults.always = "key-refused"
    with pytest.raises(SettingError, match="NCBI_API_KEY") as refused:
        _ask(_wire(rehearsal), utility, rehearsal)
    rehearsal.faults.always = None
    assert KEY not in str(refused.value)


def test_good_answers_over_http(rehearsal: Server) -> None:
    wire = _wire(rehearsal)
    pmids = sorted(rehearsal.archive.pmids)
    hits = judge_search(wire.ask("esearch", term="all[sb]", retmax=7), 7, KEY)
    assert hits.count == len(pmids)
    assert set(hits.pmids) < set(pmids)
    assert len(hits.pmids) == 7
    fetched = judge_fetch(wire.ask("efetch", id=",".join(map(str, [*pmids, 1]))), KEY)
    assert fetched.pmids == set(pmids)
    assert fetched.unreadable == ()


def _ask(wire: Wire, utility: Literal["esearch", "efetch"], rehearsal: Server) -> Hits | Fetched:
    if utility == "esearch":
        return judge_search(wire.ask("esearch", term="all[sb]", retmax=9999), 9999, KEY)
    pmids = sorted(rehearsal.archive.pmids)[:20]
    return judge_fetch(wire.ask("efetch", id=",".join(map(str, pmids))), KEY)


def test_records_of_every_kind_are_data() -> None:
    body = _SET % (
        _ARTICLE % 5 + _BOOK % 6 + b"<PubmedArticle/>" + b"<PubmedBookArticle><BookDocument/></PubmedBookArticle>"
    )
    fetched = judge_fetch(_reply(body), KEY)
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
def test_no_record_is_an_answer(body: bytes, status: int) -> None:
    fetched = judge_fetch(_reply(body, status), KEY)
    assert (fetched.pmids, fetched.unreadable) == (frozenset(), ())
    assert judge_fetch(_reply(fetched.body), KEY).pmids == frozenset()


@given(st.integers(0, len(_SET % (_ARTICLE % 5 + _ARTICLE % 6)) - 2))
def test_a_set_cut_anywhere_is_never_taken_for_whole(end: int) -> None:
    assert _fetch_fault((_SET % (_ARTICLE % 5 + _ARTICLE % 6))[:end]).fault in (Fault.DAMAGED, Fault.FAILED)


@given(st.integers(0, len(_result(2, "5 6")) - 1))
def test_a_result_cut_anywhere_is_never_taken_for_whole(end: int) -> None:
    assert _search_fault(_result(2, "5 6")[:end]).fault in (Fault.DAMAGED, Fault.FAILED)


_BODIES = st.one_of(
    st.binary(),
    st.text().map(lambda text: f"<eFetchResult><ERROR>{text}{KEY}</ERROR></eFetchResult>".encode()),
    st.text().map(lambda text: f"<eSearchResult><ERROR>{text}{KEY}</ERROR></eSearchResult>".encode()),
    st.text().map(lambda text: f'{{"error":"{text}","api-key":"{KEY}"}}'.encode()),
    st.text().map(lambda text: f"<html>{KEY}{text}".encode()),
    st.text().map(lambda text: (f"<eSearchResult><Count>{text}</Count>" + KEY).encode()),
)


@given(_BODIES, st.integers(100, 999), st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_whatever_comes_is_judged_in_clean_words(body: bytes, status: int, retry_after: str) -> None:
    reply = _reply(body, status, Retry_After=retry_after)
    for judge in (lambda: judge_search(reply, 20, KEY), lambda: judge_fetch(reply, KEY)):
        with pytest.raises((BadAnswer, SettingError)) as bad:
            judge()
        assert str(bad.value).isprintable()
        assert len(str(bad.value)) < 200
        assert KEY not in "".join([str(bad.value), repr(bad.value), repr(bad.value.__context__), repr(reply)])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xef\xbb\xbf \n", "empty"),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" ""><html><p/></html>', "HTML"),
        (b"  <!DOCTYPE HTML>\n<title>x", "HTML"),
        (b"<HTML lang='en'>", "HTML"),
        (b'{"esearchresult": {}}', "no XML"),
        (b"Search Backend failed", "no XML"),
        (b"<!-- -->", "no content"),
        (b"<Other/>", "no set of records"),
        (b"<eFetchResult><ERROR>a&lt;b\x01\x1b[31m" + b"x" * 300 + b"</ERROR></eFetchResult>", '"a<b [31mxxx'),
        (b"<eFetchResult><ERROR>cut off", "no set of records"),
        (_SET % (_ARTICLE % 5 + b"<ERROR>Backend gone</ERROR>"), '"Backend gone"'),
    ],
)
def test_bodies_that_are_no_set_of_records(body: bytes, reason: str) -> None:
    assert reason in str(_fetch_fault(body))


def test_entities_are_neither_expanded_nor_read() -> None:
    doctype = (
        b'<!DOCTYPE %b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
    )
    assert (
        _fetch_fault((doctype % b"PubmedArticleSet") + b"<PubmedArticleSet>&b;</PubmedArticleSet>").fault
        is Fault.DAMAGED
    )
    count = doctype % b"eSearchResult" + _RESULT % b"<Count>&f;</Count><IdList/>"
    assert "no count" in str(_search_fault(count))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (_result(3, "5 6"), "fewer"),
        (_result(2, ""), "fewer"),
        (_result(2, "5 x"), "no PMID"),
        (_result(2, "5 -6"), "no PMID"),
        (_result(2, "5 0"), "no PMID"),
        (_result(2, "5 5"), "one twice"),
        (_result("", "5"), "no count"),
        (_result("many", "5"), "no count"),
        (_result("-1", "5"), "no count"),
        (_RESULT % b"<IdList><Id>5</Id></IdList>", "no count"),
        (
            _RESULT % b"<ERROR>Search Backend failed: Exception:\n'retstart' is too large</ERROR>",
            "Backend failed: Exception: 're",
        ),
        (_RESULT % b"<Count>1</Count><IdList><Id>5</Id></IdList><ERROR/>", "reports an error"),
        (_SET % b"", "no result of a search"),
    ],
)
def test_search_results_that_do_not_add_up(body: bytes, reason: str) -> None:
    assert reason in str(_search_fault(body))


def test_a_search_result_says_what_it_could_not_use() -> None:
    more = (
        "<TranslationStack><TermSet><Count>99</Count></TermSet></TranslationStack>"
        '<QueryTranslation>"a"[MeSH Terms]\n OR b[tw]</QueryTranslation>'
        "<ErrorList><PhraseNotFound>xyz\x85</PhraseNotFound><FieldNotFound>nope</FieldNotFound></ErrorList>"
        '<WarningList><PhraseIgnored>the</PhraseIgnored><QuotedPhraseNotFound>"a b"</QuotedPhraseNotFound>'
        f"<OutputMessage>Said {KEY}.</OutputMessage><Other>no</Other></WarningList>"
    )
    hits = judge_search(_reply(_result(3, "9 5", more)), 2, KEY)
    assert (hits.count, hits.pmids, hits.translation) == (3, (9, 5), '"a"[MeSH Terms] OR b[tw]')
    assert hits.notes == (
        'PubMed found nothing for "xyz".',
        'PubMed has no field "nope" and searched without it.',
        'PubMed ignored "the".',
        'PubMed does not know the phrase "a b" and searched for its words.',
        "PubMed says: Said ....",
    )


def test_no_hits_are_an_answer() -> None:
    assert judge_search(_reply(_result(0, "")), 9999, KEY) == Hits(0, (), "")


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
def test_how_long_a_busy_server_asks_to_wait(retry_after: str, seconds: float | None) -> None:
    assert _fetch_fault(b"{", 429, Retry_After=retry_after).retry_after == seconds


def test_a_date_to_wait_for_is_by_the_clock_of_the_server() -> None:
    bad = _fetch_fault(b"{", 429, Retry_After="Sun, 22 Nov 2026 07:00:05 GMT", Date="Sun, 22 Nov 2026 07:00:00 GMT")
    assert bad.retry_after == 5.0


def test_unavailable_for_a_stated_time_is_busy() -> None:
    assert _fetch_fault(b"", 503, Retry_After="2").fault is Fault.BUSY


def test_an_address_that_is_too_long_is_told_apart() -> None:
    assert _fetch_fault(b"", 414).fault is Fault.TOO_LONG


@given(st.text(), st.text())
def test_clean_words_hold_no_key(before: str, after: str) -> None:
    phrase = clean(f"{before}{KEY[:20]}{KEY[20:]}{after}", KEY)
    assert KEY not in phrase
    assert not phrase or phrase.isprintable()
    assert len(phrase) <= 120

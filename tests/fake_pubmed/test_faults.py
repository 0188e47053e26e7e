"""Each fault reaches the client as documented, and affects the intended requests."""

import json
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from http.client import IncompleteRead, RemoteDisconnected
from urllib.parse import urlsplit

import pytest
from lxml import etree

from litmine.errors import SettingError
from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.faults import FAST_FAULTS, FAULT_KINDS, FaultInjector
from litmine.fake_pubmed.server import FakePubmedServer, serve

Ask = Callable[..., tuple[int, dict[str, str], bytes]]
FAST = (1000, 1000)
KEY = "s3cret"
UTILITIES = ("esearch", "efetch")


@pytest.fixture
def faults() -> FaultInjector:
    return FaultInjector(hang_seconds=0.01, trickle_seconds=0.05, retry_after=2)


@pytest.fixture
def server(small: RecordArchive, faults: FaultInjector) -> Iterator[FakePubmedServer]:
    with serve(small, faults, per_second=FAST) as served:
        yield served


@pytest.fixture
def answer(server: FakePubmedServer, ask: Ask) -> Callable[[str], tuple[int, dict[str, str], bytes]]:
    """The response of a utility to a valid request with a key."""
    ids = ",".join(map(str, sorted(server.archive.pmids)[:20]))
    good = {"esearch": {"term": "all[sb]"}, "efetch": {"id": ids, "retmode": "xml"}}
    return lambda utility: ask(server, utility, "POST", db="pubmed", api_key=KEY, **good[utility])


Answer = Callable[[str], tuple[int, dict[str, str], bytes]]


@pytest.mark.parametrize("utility", UTILITIES)
@pytest.mark.parametrize("kind", ["429", "429-retry-after"])
def test_too_many_requests(answer: Answer, faults: FaultInjector, utility: str, kind: str) -> None:
    faults.always = kind
    status, headers, body = answer(utility)
    assert status == 429
    assert json.loads(body) == {"error": "API rate limit exceeded", "api-key": KEY, "count": "1001", "limit": "1000"}
    assert headers.get("Retry-After") == ("2" if kind == "429-retry-after" else None)


@pytest.mark.parametrize("utility", UTILITIES)
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("500", 500), ("502", 502), ("503", 503), ("504", 504), ("html", 200), ("html-500", 500)],
)
def test_html_pages_instead_of_xml(
    answer: Answer, faults: FaultInjector, utility: str, kind: str, expected: int
) -> None:
    faults.always = kind
    status, headers, body = answer(utility)
    assert (status, headers["Content-Type"]) == (expected, "text/html; charset=UTF-8")
    assert body.startswith(b"<html>")


@pytest.mark.parametrize(("utility", "root"), [("esearch", "eSearchResult"), ("efetch", "eFetchResult")])
@pytest.mark.parametrize(
    ("kind", "expected", "message"),
    [
        ("error-element", 200, "Unable to obtain"),
        ("backend", 200, "Search Backend failed"),
        ("database", 200, "Database is not supported"),
        ("400-over-502", 400, "502 Bad Gateway"),
    ],
)
def test_error_elements_in_the_utilitys_own_format(
    answer: Answer, faults: FaultInjector, utility: str, root: str, kind: str, expected: int, message: str
) -> None:
    faults.always = kind
    status, _, body = answer(utility)
    read = etree.fromstring(body)
    assert (status, read.tag, [child.tag for child in read]) == (expected, root, ["ERROR"])
    assert message in (read[0].text or "")


@pytest.mark.parametrize("utility", UTILITIES)
def test_xml_without_a_root_element(answer: Answer, faults: FaultInjector, utility: str) -> None:
    good = answer(utility)[2]
    faults.always = "no-root"
    status, _, body = answer(utility)
    assert status == 200
    assert good.startswith(body)
    assert body.endswith(b'.dtd">\n')


@pytest.mark.parametrize("utility", UTILITIES)
def test_xml_cut_at_a_random_place(answer: Answer, faults: FaultInjector, utility: str) -> None:
    good = answer(utility)[2]
    faults.always = "cut"
    bodies = [answer(utility)[2] for _ in range(10)]
    assert all(good.startswith(body) for body in bodies)
    assert len({len(body) for body in bodies}) > 5
    for body in bodies:
        with pytest.raises(etree.XMLSyntaxError):
            etree.fromstring(body)


@pytest.mark.parametrize("utility", UTILITIES)
def test_a_body_shorter_than_its_content_length(answer: Answer, faults: FaultInjector, utility: str) -> None:
    good = answer(utility)[2]
    faults.always = "short-body"
    with pytest.raises(IncompleteRead) as caught:
        answer(utility)
    assert 0 < len(caught.value.partial) < len(good)
    assert len(caught.value.partial) + (caught.value.expected or 0) == len(good)


def test_fewer_records_than_requested(
    answer: Answer, faults: FaultInjector, ask: Ask, server: FakePubmedServer
) -> None:
    good = answer("efetch")[2]
    pmid = min(server.archive.pmids)
    faults.always = "fewer-records"
    for _ in range(10):
        status, _, body = answer("efetch")
        assert status == 200
        assert len(etree.fromstring(body)) < 20
        assert set(body.split(b"<PubmedArticle>")[1:-1]) <= set(good.split(b"<PubmedArticle>"))
    assert len(etree.fromstring(ask(server, "efetch", db="pubmed", id=pmid, retmode="xml")[2])) == 0
    assert answer("esearch")[0] == 200
    assert server.log.by_fault() == {"fewer-records": 11}


@pytest.mark.parametrize("utility", UTILITIES)
def test_json_that_no_parser_accepts(answer: Answer, faults: FaultInjector, utility: str) -> None:
    faults.always = "garbled-json"
    status, headers, body = answer(utility)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert b"\x01" in body
    with pytest.raises(json.JSONDecodeError, match="control character"):
        json.loads(body)


@pytest.mark.parametrize("utility", UTILITIES)
def test_an_empty_body(answer: Answer, faults: FaultInjector, utility: str) -> None:
    faults.always = "empty"
    assert answer(utility)[::2] == (200, b"")


@pytest.mark.parametrize("utility", UTILITIES)
def test_a_connection_reset(answer: Answer, faults: FaultInjector, server: FakePubmedServer, utility: str) -> None:
    faults.always = "reset"
    with pytest.raises(ConnectionResetError) as caught:
        answer(utility)
    assert not isinstance(caught.value, RemoteDisconnected)
    assert [request.status for request in server.log.requests] == [0]


@pytest.mark.parametrize("utility", UTILITIES)
def test_a_hang_ends_without_a_response(
    answer: Answer, faults: FaultInjector, server: FakePubmedServer, utility: str
) -> None:
    faults.always = "hang"
    with pytest.raises(RemoteDisconnected):
        answer(utility)
    assert [request.status for request in server.log.requests] == [0]


def test_a_hang_outlasts_the_clients_timeout(faults: FaultInjector, server: FakePubmedServer, ask: Ask) -> None:
    faults.always, faults.hang_seconds = "hang", 3600
    with pytest.raises(TimeoutError):
        ask(server, "esearch", db="pubmed", term="cells", timeout=0.1)


@pytest.mark.parametrize("utility", UTILITIES)
def test_a_trickle_sends_the_complete_response(answer: Answer, faults: FaultInjector, utility: str) -> None:
    good = answer(utility)[2]
    faults.always = "trickle"
    assert answer(utility)[2] == good


@pytest.mark.parametrize("utility", UTILITIES)
def test_a_redirect_leads_to_another_host(
    answer: Answer, faults: FaultInjector, server: FakePubmedServer, utility: str
) -> None:
    faults.always = "redirect"
    status, headers, _ = answer(utility)
    assert status == 302
    assert urlsplit(headers["Location"]).hostname == "localhost" != urlsplit(server.url).hostname


def test_a_followed_redirect_is_logged(faults: FaultInjector, server: FakePubmedServer) -> None:
    faults.always = "redirect"
    with urllib.request.urlopen(f"{server.url}esearch.fcgi?db=pubmed&term=cells&api_key={KEY}", timeout=60) as answer:
        assert b"Sign in" in answer.read()
    assert [(request.utility, request.has_key) for request in server.log.requests] == [
        ("esearch", True),
        ("elsewhere", True),
    ]


@pytest.mark.parametrize("utility", UTILITIES)
def test_a_refused_key(answer: Answer, faults: FaultInjector, utility: str) -> None:
    faults.always = "key-refused"
    status, _, body = answer(utility)
    assert (status, json.loads(body)["error"], json.loads(body)["api-key"]) == (400, "API key invalid", KEY)


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_every_fault_is_logged_by_its_name_and_without_the_key(kind: str, small: RecordArchive, ask: Ask) -> None:
    faults = FaultInjector(always=kind, hang_seconds=0, trickle_seconds=0)
    with serve(small, faults, per_second=FAST) as server:
        try:
            ask(server, "efetch", db="pubmed", id=min(small.pmids), retmode="xml", api_key=KEY)
        except (OSError, IncompleteRead):
            assert kind in ("reset", "hang", "short-body")
        (request,) = server.log.requests
    assert request.fault == kind
    assert KEY not in repr(request)


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(SettingError, match="unknown fault 'none'; choose from 429, "):
        FaultInjector(script=[None, "none"])


def choose_faults(faults: FaultInjector, count: int, utility: str = "efetch") -> list[str | None]:
    return [faults.choose(utility, [1, 2]) for _ in range(count)]


def test_no_faults_by_default() -> None:
    assert set(choose_faults(FaultInjector(), 100)) == {None}


def test_a_share_of_requests_gets_faults_that_depend_on_the_seed() -> None:
    faults = choose_faults(FaultInjector(0.25, seed=3), 4000)
    counts = Counter(faults)
    assert 850 < 4000 - counts.pop(None) < 1150
    assert set(counts) == set(FAST_FAULTS)
    assert (
        faults == choose_faults(FaultInjector(0.25, seed=3), 4000) != choose_faults(FaultInjector(0.25, seed=4), 4000)
    )
    assert set(choose_faults(FaultInjector(1.0), 1000, "esearch")) == set(FAST_FAULTS) - {"fewer-records"}


def test_poison_comes_before_always_and_always_before_the_script() -> None:
    assert choose_faults(FaultInjector(script=["500", None, "cut"]), 5) == ["500", None, "cut", None, None]
    assert choose_faults(FaultInjector(1.0, ["502"], script={1: "hang", 2: None}), 4) == ["502", "hang", None, "502"]
    assert choose_faults(FaultInjector(script=["500"], always="html"), 2) == ["html", "html"]
    faults = FaultInjector(always="html", poison={7: "cut"}, utilities=["efetch"])
    assert [faults.choose("efetch", pmids) for pmids in ([6, 7], [6])] == ["cut", "html"]
    assert faults.choose("esearch", []) is None
    assert faults.requests == 2

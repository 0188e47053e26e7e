"""The client retries, gives up in time, tells who is at fault, and never reveals the key."""

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from litmine.errors import SettingError, SourceError
from litmine.sources.entrez.client import EutilsClient
from litmine.sources.entrez.eutils_settings import EutilsSettings
from litmine.sources.entrez.limiter import RateLimiter
from litmine.sources.entrez.responses import PersistentRequestError

KEY = "0123456789abcdef0123456789abcdef0123"
_ARTICLE = b"<PubmedArticle><MedlineCitation><PMID>%d</PMID></MedlineCitation></PubmedArticle>"
_HITS = b"<eSearchResult><Count>1</Count><IdList><Id>5</Id></IdList></eSearchResult>"


def _set(*pmids: int) -> bytes:
    return b"<PubmedArticleSet>" + b"".join(_ARTICLE % pmid for pmid in pmids) + b"</PubmedArticleSet>"


class Waits:
    """Records the calls of `on_wait`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float]] = []

    def __call__(self, reason: str, seconds: float) -> None:
        self.calls.append((reason, seconds))

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.calls)


def _eutils(url: str, waits: Waits | None = None, **settings: Any) -> EutilsClient:
    arguments: dict[str, Any] = {"key": KEY, "patience": 60.0} | settings
    return EutilsClient(EutilsSettings(url, **arguments), waits or Waits())


def _without_key(error: BaseException | None) -> bool:
    while error is not None:
        if KEY in str(error) + repr(error):
            return False
        error = error.__cause__ or error.__context__
    return True


def test_valid_responses(scripted: Any, response: Any) -> None:
    scripted.respond(response(_HITS), response(_set(5, 6)))
    eutils = _eutils(scripted.url)
    assert eutils.search("a").pmids == (5,)
    fetched = eutils.fetch([5, 6, 7])
    assert (fetched.body, sorted(fetched.pmids), eutils.requests) == (_set(5, 6), [5, 6], 2)
    assert scripted.requests[1].parameters["id"] == ["5,6,7"]


def test_a_bad_response_is_retried_after_a_growing_wait(scripted: Any, response: Any) -> None:
    scripted.respond(response(b"", 500), response(b"<html>"), response(_HITS))
    waits = Waits()
    assert _eutils(scripted.url, waits).search("a").count == 1
    (first, short), (second, longer) = waits.calls
    assert (first, second) == (
        "the server answered HTTP 500 (Internal Server Error)",
        "the server answered with an HTML page instead of XML",
    )
    assert 0.25 <= short <= 0.5 <= longer <= 1.0


def _down(_: Any, __: Any) -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


def _html(scripted: Any, response: Any) -> str:
    scripted.respond(response(b"<!DOCTYPE html><html>Blocked</html>"))
    return str(scripted.url)


def _unknown(_: Any, __: Any) -> str:
    return "https://no-such-host.invalid/"


@pytest.mark.parametrize(
    ("server", "reason"),
    [(_down, "refused the connection"), (_html, "an HTML page"), (_unknown, "could not be resolved")],
)
@pytest.mark.parametrize("pmids", [(), (5,), (5, 6)])
def test_a_service_that_is_down_ends_in_one_sentence_in_time(
    server: Callable[[Any, Any], str], reason: str, pmids: tuple[int, ...], scripted: Any, response: Any
) -> None:
    waits = Waits()
    url = server(scripted, response)
    eutils = _eutils(url, waits, patience=0.4)
    with pytest.raises(SourceError) as error:
        eutils.fetch(pmids) if pmids else eutils.search("a")
    sentence = str(error.value)
    assert EutilsSettings(url).host in sentence
    assert reason in sentence
    assert "check the network or LITMINE_EUTILS_URL, and run the command again" in sentence
    assert sentence.isprintable()
    assert _without_key(error.value)
    assert waits.seconds <= 0.4


def test_damaged_responses_to_one_list_are_the_requests_fault_if_another_succeeds(scripted: Any, response: Any) -> None:
    scripted.respond(response(_set(1)), response(_set(5, 6)[:-9]), response(_set(5)[:-9]), response(_set(1)))
    eutils = _eutils(scripted.url)
    eutils.fetch([1])
    with pytest.raises(PersistentRequestError, match="the server's XML is cut short or damaged") as error:
        eutils.fetch([5, 6, 1])
    assert [request.parameters["id"] for request in scripted.requests] == [["1"], ["5,6,1"], ["5,6,1"], ["2"]]
    assert _without_key(error.value)


def test_the_service_is_checked_with_a_known_record_until_it_succeeds(scripted: Any, response: Any) -> None:
    empty = response(b"<eFetchResult><ERROR>ID list is empty!</ERROR></eFetchResult>")
    scripted.respond(response(_set(77)), *[response(b"", 500)] * 4, response(b"", 502), empty)
    eutils = _eutils(scripted.url)
    eutils.fetch([77])
    with pytest.raises(PersistentRequestError, match="HTTP 500"):
        eutils.fetch([5, 6])
    assert [request.parameters["id"] for request in scripted.requests] == [["77"], *[["5,6"]] * 4, ["77"], ["77"]]


def test_a_single_record_is_tried_four_times_before_and_after_the_check(scripted: Any, response: Any) -> None:
    scripted.respond(lambda handler: response(_set(1)) if "id=1&" in handler.path + "&" else response(_set(5)[:-9]))
    with pytest.raises(PersistentRequestError, match="cut short"):
        _eutils(scripted.url).fetch([5])
    assert [request.parameters["id"] for request in scripted.requests] == [*[["5"]] * 4, ["1"], *[["5"]] * 4]


def test_a_request_is_checked_after_half_the_patience_at_the_latest(scripted: Any, response: Any) -> None:
    scripted.respond(lambda handler: response(_set(1)) if "id=1&" in handler.path + "&" else response(b"", 500))
    with pytest.raises(PersistentRequestError, match="HTTP 500"):
        _eutils(scripted.url, patience=0.6).fetch([5, 6])
    assert 2 <= len(scripted.requests) < 5


def test_a_single_record_is_retried_when_the_service_is_back(scripted: Any, response: Any) -> None:
    checks: list[bool] = []

    def respond(handler: Any) -> Any:
        if "id=1&" in handler.path + "&":
            checks.append(True)
            return response(_set(1))
        return response(_set(5)) if checks else response(b"", 503)

    scripted.respond(respond)
    assert _eutils(scripted.url, patience=1.0).fetch([5]).pmids == {5}
    assert checks == [True]


def test_throttling_is_never_a_records_fault(scripted: Any, response: Any) -> None:
    busy = response(b"{", 429, {"Retry-After": "1"})
    scripted.respond(busy, busy, response(_set(5)))
    assert _eutils(scripted.url, patience=2.0).fetch([5]).pmids == {5}
    assert [request.parameters["id"] for request in scripted.requests] == [["5"]] * 3


def test_an_empty_result_is_not_retried(scripted: Any, response: Any) -> None:
    scripted.respond(response(b"<eFetchResult><ERROR>ID list is empty! Possibly it has no correct IDs.</ERROR>", 400))
    eutils = _eutils(scripted.url)
    assert eutils.fetch([5]).pmids == frozenset()
    assert eutils.requests == 1


def test_retry_after_pauses_all_processes_of_the_machine(scripted: Any, response: Any) -> None:
    others: list[float] = []
    body = f'{{"error":"API rate limit exceeded\x01","api-key":"{KEY}","limit":"10"}}'.encode()
    scripted.respond(response(body, 429, {"Retry-After": "1"}), response(_HITS))

    def on_wait(reason: str, seconds: float) -> None:
        assert reason == "the server answered HTTP 429 (Too Many Requests)"
        assert seconds >= 1.0
        others.append(RateLimiter(EutilsSettings(scripted.url).host, 10).remaining_pause())

    # A wait that the server asks for does not count against the patience.
    assert EutilsClient(EutilsSettings(scripted.url, KEY, patience=0.1), on_wait).search("a").count == 1
    assert len(others) == 1
    assert others[0] > 0.0
    assert scripted.requests[1].arrived - scripted.requests[0].arrived >= 1.0


def test_throttling_without_retry_after_ends_after_the_patience(scripted: Any, response: Any) -> None:
    scripted.respond(response(b"{", 429))
    waits = Waits()
    with pytest.raises(SourceError, match="HTTP 429"):
        _eutils(scripted.url, waits, patience=1.5).fetch([5])
    assert waits.seconds <= 1.5


def test_a_wait_of_hours_is_an_error(scripted: Any, response: Any) -> None:
    scripted.respond(response(b"{", 429, {"Retry-After": "7200"}))
    eutils = _eutils(scripted.url)
    with pytest.raises(SourceError, match="asks to wait 120 minutes; run the command again after that"):
        eutils.search("a")
    assert eutils.requests == 1


def test_a_pause_requested_from_another_run_is_reported(scripted: Any, response: Any) -> None:
    scripted.respond(response(_HITS))
    RateLimiter(EutilsSettings(scripted.url).host, 10).pause(60)

    def on_wait(reason: str, seconds: float) -> None:
        assert 0 < seconds <= 60
        raise InterruptedError(reason)

    with pytest.raises(InterruptedError, match="the server asked another run to wait"):
        EutilsClient(EutilsSettings(scripted.url, KEY), on_wait).search("a")
    assert scripted.requests == []


def test_a_rejected_key_is_an_error_at_once(scripted: Any, response: Any) -> None:
    scripted.respond(response(f'{{"error":"API key invalid","api-key":"{KEY}"}}'.encode(), 400))
    eutils = _eutils(scripted.url)
    for request in (lambda: eutils.search("a"), lambda: eutils.fetch([5])):
        with pytest.raises(SettingError, match="NCBI_API_KEY") as refused:
            request()
        assert _without_key(refused.value)
    assert eutils.requests == 2
    assert KEY not in repr(eutils) + repr(vars(eutils)["_settings"])


def test_a_uri_that_is_too_long_is_sent_with_post(scripted: Any, response: Any) -> None:
    scripted.respond(response(b"", 414), response(_HITS))
    waits = Waits()
    assert _eutils(scripted.url, waits).search("a").count == 1
    assert [request.method for request in scripted.requests] == ["GET", "POST"]
    assert waits.calls == []


@pytest.mark.parametrize("term", ["", " \t", "caf\udce9"])
def test_an_invalid_query_is_not_sent(term: str, scripted: Any) -> None:
    with pytest.raises(SettingError, match="query is empty or is not UTF-8"):
        _eutils(scripted.url).search(term)
    assert scripted.requests == []


def test_the_servers_time_is_used_if_the_clocks_differ(scripted: Any) -> None:
    server_time = datetime(2031, 1, 1, 12, 0, tzinfo=UTC)

    def respond(handler: Any) -> None:
        handler.wfile.write(f"HTTP/1.0 200 OK\r\nDate: {format_datetime(server_time, usegmt=True)}\r\n\r\n".encode())
        handler.wfile.write(_set(5))

    scripted.respond(respond)
    waits = Waits()
    eutils = _eutils(scripted.url, waits)
    assert [eutils.fetch([5]).received, eutils.fetch([5]).received] == [server_time, server_time]
    assert waits.calls == [("this machine's clock and the server's differ by minutes; the server's time is used", 0.0)]


def test_this_machines_time_is_used_if_the_clocks_agree(scripted: Any, response: Any) -> None:
    scripted.respond(response(_set(5)))
    before = datetime.now(UTC)
    received = _eutils(scripted.url).fetch([5]).received
    assert before <= received <= datetime.now(UTC)
    assert received.utcoffset() == timedelta(0)


def test_a_hanging_request_is_retried_after_its_timeout(scripted: Any, response: Any) -> None:
    scripted.respond(lambda handler: handler.server.stopping.wait(600), response(_HITS))
    start = time.monotonic()
    assert _eutils(scripted.url, read_seconds=0.3).search("a").count == 1
    assert time.monotonic() - start < 300

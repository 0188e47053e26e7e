"""The client: asking again, giving up in time, whose fault it was, and the key in nothing that is said."""

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
    """What `waiting` was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float]] = []

    def __call__(self, reason: str, seconds: float) -> None:
        self.told.append((reason, seconds))

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.told)


def _eutils(url: str, waits: Waits | None = None, **settings: Any) -> EutilsClient:
    given: dict[str, Any] = {"key": KEY, "patience": 60.0} | settings
    return EutilsClient(EutilsSettings(url, **given), waits or Waits())


def _without_key(error: BaseException | None) -> bool:
    while error is not None:
        if KEY in str(error) + repr(error):
            return False
        error = error.__cause__ or error.__context__
    return True


def test_good_answers(scripted: Any, said: Any) -> None:
    scripted.says(said(_HITS), said(_set(5, 6)))
    eutils = _eutils(scripted.url)
    assert eutils.search("a").pmids == (5,)
    fetched = eutils.fetch([5, 6, 7])
    assert (fetched.body, sorted(fetched.pmids), eutils.requests) == (_set(5, 6), [5, 6], 2)
    assert scripted.asked[1].parameters["id"] == ["5,6,7"]


def test_a_bad_answer_is_asked_for_again_after_a_growing_wait(scripted: Any, said: Any) -> None:
    scripted.says(said(b"", 500), said(b"<html>"), said(_HITS))
    waits = Waits()
    assert _eutils(scripted.url, waits).search("a").count == 1
    (first, short), (second, longer) = waits.told
    assert (first, second) == (
        "the server answered HTTP 500 (Internal Server Error)",
        "the server answered with an HTML page instead of XML",
    )
    assert 0.25 <= short <= 0.5 <= longer <= 1.0


def _down(_: Any, __: Any) -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


def _html(scripted: Any, said: Any) -> str:
    scripted.says(said(b"<!DOCTYPE html><html>Blocked</html>"))
    return str(scripted.url)


def _unknown(_: Any, __: Any) -> str:
    return "https://no-such-host.invalid/"


@pytest.mark.parametrize(
    ("server", "reason"),
    [(_down, "refused the connection"), (_html, "an HTML page"), (_unknown, "could not be resolved")],
)
@pytest.mark.parametrize("pmids", [(), (5,), (5, 6)])
def test_a_service_that_is_down_ends_in_one_sentence_in_time(
    server: Callable[[Any, Any], str], reason: str, pmids: tuple[int, ...], scripted: Any, said: Any
) -> None:
    waits = Waits()
    url = server(scripted, said)
    eutils = _eutils(url, waits, patience=0.4)
    with pytest.raises(SourceError) as given_up:
        eutils.fetch(pmids) if pmids else eutils.search("a")
    sentence = str(given_up.value)
    assert EutilsSettings(url).host in sentence
    assert reason in sentence
    assert "check the network or LITMINE_EUTILS_URL, and run the command again" in sentence
    assert sentence.isprintable()
    assert _without_key(given_up.value)
    assert waits.seconds <= 0.4


def test_damage_to_a_list_is_the_lists_fault_when_another_question_is_answered(scripted: Any, said: Any) -> None:
    scripted.says(said(_set(1)), said(_set(5, 6)[:-9]), said(_set(5)[:-9]), said(_set(1)))
    eutils = _eutils(scripted.url)
    eutils.fetch([1])
    with pytest.raises(PersistentRequestError, match="the server's XML is cut short or damaged") as unanswered:
        eutils.fetch([5, 6, 1])
    assert [asked.parameters["id"] for asked in scripted.asked] == [["1"], ["5,6,1"], ["5,6,1"], ["2"]]
    assert _without_key(unanswered.value)


def test_the_probe_is_a_record_that_came_well_and_may_fail_in_between(scripted: Any, said: Any) -> None:
    empty = said(b"<eFetchResult><ERROR>ID list is empty!</ERROR></eFetchResult>")
    scripted.says(said(_set(77)), *[said(b"", 500)] * 4, said(b"", 502), empty)
    eutils = _eutils(scripted.url)
    eutils.fetch([77])
    with pytest.raises(PersistentRequestError, match="HTTP 500"):
        eutils.fetch([5, 6])
    assert [asked.parameters["id"] for asked in scripted.asked] == [["77"], *[["5,6"]] * 4, ["77"], ["77"]]


def test_a_single_record_is_tried_four_times_before_the_probe_and_four_after(scripted: Any, said: Any) -> None:
    scripted.says(lambda handler: said(_set(1)) if "id=1&" in handler.path + "&" else said(_set(5)[:-9]))
    with pytest.raises(PersistentRequestError, match="cut short"):
        _eutils(scripted.url).fetch([5])
    assert [asked.parameters["id"] for asked in scripted.asked] == [*[["5"]] * 4, ["1"], *[["5"]] * 4]


def test_a_question_is_doubted_after_half_the_patience_at_the_latest(scripted: Any, said: Any) -> None:
    scripted.says(lambda handler: said(_set(1)) if "id=1&" in handler.path + "&" else said(b"", 500))
    with pytest.raises(PersistentRequestError, match="HTTP 500"):
        _eutils(scripted.url, patience=0.6).fetch([5, 6])
    assert 2 <= len(scripted.asked) < 5


def test_a_single_record_is_asked_for_again_when_the_service_is_back(scripted: Any, said: Any) -> None:
    back: list[bool] = []

    def answer(handler: Any) -> Any:
        if "id=1&" in handler.path + "&":
            back.append(True)
            return said(_set(1))
        return said(_set(5)) if back else said(b"", 503)

    scripted.says(answer)
    assert _eutils(scripted.url, patience=1.0).fetch([5]).pmids == {5}
    assert back == [True]


def test_a_busy_server_is_never_a_records_fault(scripted: Any, said: Any) -> None:
    busy = said(b"{", 429, {"Retry-After": "1"})
    scripted.says(busy, busy, said(_set(5)))
    assert _eutils(scripted.url, patience=2.0).fetch([5]).pmids == {5}
    assert [asked.parameters["id"] for asked in scripted.asked] == [["5"]] * 3


def test_no_record_is_an_answer_and_not_asked_for_again(scripted: Any, said: Any) -> None:
    scripted.says(said(b"<eFetchResult><ERROR>ID list is empty! Possibly it has no correct IDs.</ERROR>", 400))
    eutils = _eutils(scripted.url)
    assert eutils.fetch([5]).pmids == frozenset()
    assert eutils.requests == 1


def test_retry_after_is_waited_for_by_everyone_on_the_machine(scripted: Any, said: Any) -> None:
    others: list[float] = []
    body = f'{{"error":"API rate limit exceeded\x01","api-key":"{KEY}","limit":"10"}}'.encode()
    scripted.says(said(body, 429, {"Retry-After": "1"}), said(_HITS))

    def waiting(reason: str, seconds: float) -> None:
        assert reason == "the server answered HTTP 429 (Too Many Requests)"
        assert seconds >= 1.0
        others.append(RateLimiter(EutilsSettings(scripted.url).host, 10).remaining_pause())

    # It is the server's wish, so it counts for nothing against the patience.
    assert EutilsClient(EutilsSettings(scripted.url, KEY, patience=0.1), waiting).search("a").count == 1
    assert len(others) == 1
    assert others[0] > 0.0
    assert scripted.asked[1].at - scripted.asked[0].at >= 1.0


def test_a_busy_server_that_says_no_more_is_busy_for_as_long_as_patience_lasts(scripted: Any, said: Any) -> None:
    scripted.says(said(b"{", 429))
    waits = Waits()
    with pytest.raises(SourceError, match="HTTP 429"):
        _eutils(scripted.url, waits, patience=1.5).fetch([5])
    assert waits.seconds <= 1.5


def test_a_wait_of_hours_is_left_to_the_user(scripted: Any, said: Any) -> None:
    scripted.says(said(b"{", 429, {"Retry-After": "7200"}))
    eutils = _eutils(scripted.url)
    with pytest.raises(SourceError, match="asks to wait 120 minutes; run the command again after that"):
        eutils.search("a")
    assert eutils.requests == 1


def test_a_pause_that_another_run_was_asked_for_is_told(scripted: Any, said: Any) -> None:
    scripted.says(said(_HITS))
    RateLimiter(EutilsSettings(scripted.url).host, 10).pause(60)

    def waiting(reason: str, seconds: float) -> None:
        assert 0 < seconds <= 60
        raise InterruptedError(reason)

    with pytest.raises(InterruptedError, match="the server asked another run to wait"):
        EutilsClient(EutilsSettings(scripted.url, KEY), waiting).search("a")
    assert scripted.asked == []


def test_a_refused_key_ends_it_at_once(scripted: Any, said: Any) -> None:
    scripted.says(said(f'{{"error":"API key invalid","api-key":"{KEY}"}}'.encode(), 400))
    eutils = _eutils(scripted.url)
    for ask in (lambda: eutils.search("a"), lambda: eutils.fetch([5])):
        with pytest.raises(SettingError, match="NCBI_API_KEY") as refused:
            ask()
        assert _without_key(refused.value)
    assert eutils.requests == 2
    assert KEY not in repr(eutils) + repr(vars(eutils)["_settings"])


def test_an_address_that_is_too_long_is_posted(scripted: Any, said: Any) -> None:
    scripted.says(said(b"", 414), said(_HITS))
    waits = Waits()
    assert _eutils(scripted.url, waits).search("a").count == 1
    assert [asked.method for asked in scripted.asked] == ["GET", "POST"]
    assert waits.told == []


@pytest.mark.parametrize("term", ["", " \t", "caf\udce9"])
def test_what_is_no_query_is_not_asked(term: str, scripted: Any) -> None:
    with pytest.raises(SettingError, match="query is empty or is not UTF-8"):
        _eutils(scripted.url).search(term)
    assert scripted.asked == []


def test_the_servers_time_counts_when_the_clocks_differ(scripted: Any) -> None:
    servers = datetime(2031, 1, 1, 12, 0, tzinfo=UTC)

    def answer(handler: Any) -> None:
        handler.wfile.write(f"HTTP/1.0 200 OK\r\nDate: {format_datetime(servers, usegmt=True)}\r\n\r\n".encode())
        handler.wfile.write(_set(5))

    scripted.says(answer)
    waits = Waits()
    eutils = _eutils(scripted.url, waits)
    assert [eutils.fetch([5]).received, eutils.fetch([5]).received] == [servers, servers]
    assert waits.told == [("this machine's clock and the server's differ by minutes; the server's time is used", 0.0)]


def test_this_machines_time_counts_when_the_clocks_agree(scripted: Any, said: Any) -> None:
    scripted.says(said(_set(5)))
    before = datetime.now(UTC)
    received = _eutils(scripted.url).fetch([5]).received
    assert before <= received <= datetime.now(UTC)
    assert received.utcoffset() == timedelta(0)


def test_one_hanging_request_costs_its_timeout_and_no_more(scripted: Any, said: Any) -> None:
    scripted.says(lambda handler: handler.server.over.wait(600), said(_HITS))
    began = time.monotonic()
    assert _eutils(scripted.url, read_seconds=0.3).search("a").count == 1
    assert time.monotonic() - began < 300

"""HTTP transport: what is sent and where, which responses are complete, and that every wait ends."""

import gzip
import importlib.util
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from Bio import Entrez

from litmine import __version__
from litmine.errors import SettingError
from litmine.sources.entrez import transport as transport_module
from litmine.sources.entrez.eutils_settings import EutilsSettings
from litmine.sources.entrez.limiter import RateLimiter
from litmine.sources.entrez.responses import FailureKind, ResponseError
from litmine.sources.entrez.transport import EutilsTransport

KEY = "0123456789abcdef0123456789abcdef0123"
BODY = b"<PubmedArticleSet>" + b" " * 100_000 + b"</PubmedArticleSet>"


def _transport(url: str, key: str | None = None, **settings: Any) -> EutilsTransport:
    eutils_settings = EutilsSettings(url, key, **settings)
    return EutilsTransport(eutils_settings, RateLimiter(eutils_settings.host, 50))


def _failure(transport: EutilsTransport) -> ResponseError:
    """The error of a failing request; also checks that the key is in none of its parts."""
    with pytest.raises(ResponseError) as failed:
        transport.send("efetch", id="1")
    error: BaseException | None = failed.value
    while error is not None:
        assert KEY not in repr(error) + str(error)
        error = error.__cause__ or error.__context__
    return failed.value


def test_biopython_sends_requests_to_the_configured_base_url(scripted: Any) -> None:
    transport = _transport(scripted.url, KEY, email="a@b.org")
    transport.send("esearch", term='"a b" & µ[ti]', retmax=7)
    transport.send("efetch", id="1,2")
    search, fetch = scripted.requests
    assert (search.method, search.path) == ("GET", "/a/base/esearch.fcgi")
    common = {"db": ["pubmed"], "retmode": ["xml"], "tool": ["litmine"], "email": ["a@b.org"], "api_key": [KEY]}
    assert search.parameters == {**common, "term": ['"a b" & µ[ti]'], "retmax": ["7"]}
    assert (fetch.method, fetch.path) == ("GET", "/a/base/efetch.fcgi")
    assert fetch.parameters == {**common, "id": ["1,2"]}
    assert fetch.headers["User-Agent"] == f"litmine/{__version__}"
    assert transport.requests == 2


def test_unset_parameters_are_not_sent(scripted: Any) -> None:
    _transport(scripted.url).send("efetch", id="1")
    assert set(scripted.requests[0].parameters) == {"db", "retmode", "tool", "id"}


def test_long_lists_are_sent_with_post(scripted: Any) -> None:
    pmids = ",".join(map(str, range(1, 201)))
    transport = _transport(scripted.url, KEY)
    transport.send("efetch", id=pmids)
    transport.always_post = True
    transport.send("esearch", term="a", retmax=1)
    assert [request.method for request in scripted.requests] == ["POST", "POST"]
    assert scripted.requests[0].parameters["id"] == [pmids]
    assert scripted.requests[1].parameters["term"] == ["a"]
    assert [request.path for request in scripted.requests] == ["/a/base/efetch.fcgi", "/a/base/esearch.fcgi"]


def test_biopythons_module_is_not_changed(scripted: Any) -> None:
    before = {name: value for name, value in vars(Entrez).items() if not name.startswith("__")}
    _transport(scripted.url, KEY, email="a@b.org").send("efetch", id="1")
    assert {name: value for name, value in vars(Entrez).items() if not name.startswith("__")} == before


_OTHER_BIOPYTHON = """
from urllib.request import Request, urlopen
def efetch(**parameters):
    return urlopen(Request("https://eutils.ncbi.nlm.nih.gov/entrez/eutils/efetch.fcgi?id=" + parameters["id"]))
"""


def _install_biopython(source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `Bio.Entrez` be found as a module with this source."""
    file = folder / "other_entrez.py"
    file.write_text(source)
    spec = importlib.util.spec_from_file_location("Bio.Entrez", file)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)


def test_biopython_adds_no_delay_of_its_own(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []
    monkeypatch.setattr(Entrez.time, "sleep", delays.append)  # type: ignore[attr-defined]
    transport = EutilsTransport(EutilsSettings(scripted.url), RateLimiter("host", 1000))
    monkeypatch.setattr(RateLimiter, "acquire", lambda _: "slot")
    for _ in range(3):
        transport.send("efetch", id="1")
    assert (len(scripted.requests), delays) == (3, [])


def test_a_biopython_without_its_private_functions(
    scripted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install_biopython(_OTHER_BIOPYTHON, tmp_path, monkeypatch)
    assert _transport(scripted.url).send("efetch", id="7").status == 200
    assert scripted.requests[0].parameters == {"id": ["7"]}


def test_a_biopython_that_would_bypass_the_limiter_is_refused(
    scripted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install_biopython("import urllib.request", tmp_path, monkeypatch)
    with pytest.raises(SettingError, match="install biopython"):
        _transport(scripted.url)
    assert scripted.requests == []


def test_a_response_of_any_status_is_returned_completely(scripted: Any, response: Any) -> None:
    for status in (200, 204, 400, 404, 429, 500, 599):
        body = b"" if status == 204 else BODY
        scripted.respond(response(body, status, {"Retry-After": "1"}))
        received = _transport(scripted.url).send("efetch", id="1")
        assert (received.status, received.body, received.headers["Retry-After"]) == (status, body, "1")
        assert received.received.tzinfo is not None


def test_a_redirect_is_not_followed_and_the_key_stays(scripted: Any, response: Any) -> None:
    for status in (301, 302, 303, 307, 308):
        scripted.respond(response(b"moved", status, {"Location": f"{scripted.url}/elsewhere?api_key={KEY}"}))
        received = _transport(scripted.url, KEY).send("efetch", id="1")
        assert received.status == status
        assert KEY not in repr(received)
    assert {request.path for request in scripted.requests} == {"/a/base/efetch.fcgi"}
    assert len(scripted.requests) == 5


def test_gzip_is_requested_and_decompressed(scripted: Any, response: Any) -> None:
    scripted.respond(response(gzip.compress(BODY), 200, {"Content-Encoding": "GZip"}))
    assert _transport(scripted.url).send("efetch", id="1").body == BODY
    assert scripted.requests[0].headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "encoding", "length", "reason"),
    [
        (BODY, "identity", len(BODY) + 1, "cut short"),
        (gzip.compress(BODY, mtime=0)[:-1], "gzip", None, "cut short"),
        (gzip.compress(BODY, mtime=0)[:-1], "gzip", 10_000, "cut short"),
        (BODY, "gzip", None, "damaged"),
        (BODY, "br", None, "not requested"),
    ],
)
def test_incomplete_bodies(
    body: bytes, encoding: str, length: int | None, reason: str, scripted: Any, response: Any
) -> None:
    scripted.respond(response(body, 200, {"Content-Encoding": encoding}, length))
    failed = _failure(_transport(scripted.url, KEY))
    assert reason in str(failed)
    assert failed.kind is (FailureKind.FAILED if encoding == "br" else FailureKind.DAMAGED)


def test_incomplete_chunks(scripted: Any) -> None:
    def send_chunks(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<Pubm\r\n")

    scripted.respond(send_chunks)
    assert _failure(_transport(scripted.url)).kind is FailureKind.DAMAGED


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_answer_has_a_largest_size(
    encoding: str, scripted: Any, response: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = BODY if encoding == "identity" else gzip.compress(BODY)
    scripted.respond(response(body, 200, {"Content-Encoding": encoding}))
    monkeypatch.setattr(transport_module, "_MAX_BODY_BYTES", len(BODY) - 1)
    assert "larger than" in str(_failure(_transport(scripted.url)))
    monkeypatch.setattr(transport_module, "_MAX_BODY_BYTES", len(BODY))
    assert _transport(scripted.url).send("efetch", id="1").body == BODY


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue of connections is full, so that the next one hangs."""
    with ExitStack() as sockets:
        listening = sockets.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


def test_a_connection_that_hangs(full_port: int, temp_folder: Path) -> None:
    transport = _transport(f"http://127.0.0.1:{full_port}/", KEY, connect_seconds=0.2)
    assert str(_failure(transport)) == "the server could not be reached in time"
    assert transport.requests == 0
    assert list(temp_folder.iterdir()) == []  # the limiter was not used


def test_a_response_that_does_not_arrive(scripted: Any) -> None:
    scripted.respond(lambda handler: handler.server.stopping.wait(30))
    assert str(_failure(_transport(scripted.url, KEY, read_seconds=0.2))) == "the server did not answer in time"


@pytest.mark.parametrize(
    ("start", "reason", "fault"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Endless: ", "the server did not answer in time", FailureKind.FAILED),
        (b"HTTP/1.1 200 OK\r\n\r\n", "the server's answer took too long", FailureKind.DAMAGED),
    ],
)
def test_a_trickle_ends_after_a_time_limit(start: bytes, reason: str, fault: FailureKind, scripted: Any) -> None:
    def trickle(handler: Any) -> None:
        handler.wfile.write(start)
        while not handler.server.stopping.wait(0.05):
            handler.wfile.write(b"x")

    scripted.respond(trickle)
    failed = _failure(_transport(scripted.url, KEY, read_seconds=10, body_seconds=1.0))
    assert (str(failed), failed.kind) == (reason, fault)


def test_a_response_that_is_not_http(scripted: Any) -> None:
    scripted.respond(lambda handler: handler.wfile.write(f"220 {KEY} SMTP\r\n".encode() * 2))
    assert str(_failure(_transport(scripted.url, KEY))) == "the server did not answer in HTTP"


def test_a_connection_that_is_closed_without_a_response(scripted: Any) -> None:
    scripted.respond(lambda _: None)
    assert str(_failure(_transport(scripted.url, KEY))) == "the server closed the connection without an answer"


def test_a_server_without_tls(scripted: Any) -> None:
    transport = _transport(scripted.url.replace("http:", "https:"), KEY)
    assert str(_failure(transport)) == "no secure connection to the server could be made"


@pytest.mark.parametrize("name", ["no-such-host.invalid", "x" * 64 + ".invalid"])
def test_an_unknown_host_name(name: str) -> None:
    assert str(_failure(_transport(f"https://{name}/", KEY))) == "the server's name could not be resolved"


def test_a_server_that_is_down() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        transport = _transport(f"http://127.0.0.1:{unused.getsockname()[1]}/", KEY)
        assert str(_failure(transport)) == "the server refused the connection"


def test_proxies_are_used_but_not_for_this_machine(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, scripted.url)
    _transport("http://example.invalid/e/").send("efetch", id="1")
    assert (scripted.requests[0].path, scripted.requests[0].headers["Host"]) == ("/e/efetch.fcgi", "example.invalid")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    _transport(scripted.url, KEY).send("efetch", id="1")
    assert len(scripted.requests) == 2


def test_a_proxy_that_refuses(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handler: Any) -> None:
        handler.wfile.write(f"HTTP/1.1 407 {KEY}\r\n\r\n".encode())

    scripted.respond(refuse)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", scripted.url)
    assert str(_failure(_transport("https://example.invalid/", KEY))) == "the network or its proxy failed"
    for proxy in ("nonsense://here", "http:///here", "http://here:port"):
        monkeypatch.setenv("http_proxy", proxy)
        assert str(_failure(_transport("http://example.invalid/"))) in (
            "the network or its proxy failed",
            "the server did not answer in HTTP",
        )

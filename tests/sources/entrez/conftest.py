"""A scripted HTTP server: it sends the responses that a test sets, over real sockets, and records all requests."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import pytest


@dataclass(frozen=True)
class ScriptedRequest:
    """A recorded request; `arrived` is a time of the monotonic clock."""

    arrived: float
    method: str
    path: str
    parameters: Mapping[str, list[str]]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class ScriptedResponse:
    """A response to send; `length` replaces the Content-Length of the body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


ScriptEntry = ScriptedResponse | Callable[["ScriptedHandler"], ScriptedResponse | None]


class ScriptedServer(ThreadingHTTPServer):
    """Sends the responses of its script in order, and the last one for ever.

    An entry may be a function that returns a response, or writes to the connection itself and returns None.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ScriptedHandler)
        self.script: list[ScriptEntry] = [ScriptedResponse()]
        self.requests: list[ScriptedRequest] = []
        self.stopping = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/a/base"

    def respond(self, *script: ScriptEntry) -> None:
        """Set the script."""
        self.script = list(script)


class ScriptedHandler(BaseHTTPRequestHandler):
    server: ScriptedServer

    def do_GET(self) -> None:
        query = urlsplit(self.path).query or self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        path = urlsplit(self.path).path
        script = self.server.script
        entry = script.pop(0) if len(script) > 1 else script[0]
        with suppress(ConnectionError):
            response = entry(self) if callable(entry) else entry
            request = ScriptedRequest(time.monotonic(), self.command, path, parse_qs(query), dict(self.headers))
            self.server.requests.append(request)
            if isinstance(response, ScriptedResponse):
                self.send(response)

    def do_POST(self) -> None:
        self.do_GET()

    def send(self, response: ScriptedResponse) -> None:
        self.send_response(response.status)
        for name, value in {"Content-Type": "text/plain", **response.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body) if response.length is None else response.length))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's name
        pass


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A running server; `scripted.respond(...)` sets its responses."""
    server = ScriptedServer()
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.stopping.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def own_rate_limiter(temp_folder: Path) -> Path:
    """Keep the rate limiter's file separate from other tests and runs."""
    return temp_folder


@pytest.fixture
def response() -> type[ScriptedResponse]:
    """`response(body, status, headers, length)`: a response for a script."""
    return ScriptedResponse

"""A server that says exactly what a test tells it to, over real sockets, and remembers what it was asked."""

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
class Asked:
    """One request; `at` is when it had come, on the monotonic clock."""

    at: float
    method: str
    path: str
    parameters: Mapping[str, list[str]]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Said:
    """One answer."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


Script = Said | Callable[["Handler"], Said | None]


class Scripted(ThreadingHTTPServer):
    """Answers as `script` says, its last entry for ever; an entry that is called may write by itself."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Script] = [Said()]
        self.asked: list[Asked] = []
        self.over = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/a/base"

    def says(self, *script: Script) -> None:
        self.script = list(script)


class Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_GET(self) -> None:
        query = urlsplit(self.path).query or self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        path = urlsplit(self.path).path
        script = self.server.script
        said = script.pop(0) if len(script) > 1 else script[0]
        with suppress(ConnectionError):
            answer = said(self) if callable(said) else said
            asked = Asked(time.monotonic(), self.command, path, parse_qs(query), dict(self.headers))
            self.server.asked.append(asked)
            if isinstance(answer, Said):
                self.say(answer)

    def do_POST(self) -> None:
        self.do_GET()

    def say(self, said: Said) -> None:
        self.send_response(said.status)
        for name, value in {"Content-Type": "text/plain", **said.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said.body) if said.length is None else said.length))
        self.end_headers()
        self.wfile.write(said.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's name
        pass


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A running server; `says` sets what it answers."""
    server = Scripted()
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def alone(temporary: Path) -> Path:
    """No other run's limiter is met."""
    return temporary


@pytest.fixture
def said() -> type[Said]:
    """`said(body, status, headers, length)`: an answer for a script."""
    return Said

"""ESearch and EFetch over HTTP on loopback, with NCBI's rate limit and injected faults.

The limit is three requests per second and address, or ten per key, in any one-second window.
"""

import os
import socket
import struct
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, cast
from urllib.parse import parse_qsl

from litmine.errors import SettingError
from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.endpoints import FakeResponse, efetch, esearch, html_page, parse_ids
from litmine.fake_pubmed.faults import TRANSPORT_FAULTS, FaultInjector, rate_limit_response
from litmine.fake_pubmed.request_log import LoggedRequest, RequestLog


class RequestQuota:
    """Counts the requests let through for each address and each key."""

    def __init__(self, per_second: tuple[int, int] = (3, 10)) -> None:
        self.per_second = per_second
        self._let_through: dict[tuple[bool, str], deque[float]] = defaultdict(deque)
        self._lock = Lock()

    def of(self, keyed: bool) -> int:
        """Requests a second."""
        return self.per_second[keyed]

    def remaining(self, keyed: bool, who: str, now: float) -> int:
        """How many more may come in this second after this one, -1 when this one is too many; `now` in seconds."""
        with self._lock:
            recent = self._let_through[keyed, who]
            while recent and recent[0] <= now - 1.0:
                recent.popleft()
            left = self.of(keyed) - len(recent) - 1
            if left >= 0:
                recent.append(now)
            return left


_FOLDER = "/entrez/eutils/"
_ELSEWHERE = "/elsewhere"
_LONGEST_URI = 2_000
_LONGEST_BODY = 1 << 20
_TRICKLES = 50
_POLL_SECONDS = 0.02
_IDLE_SECONDS = 60.0
_RETRY_AFTER = 1


class FakePubmedServer(ThreadingHTTPServer):
    """The E-utilities of an archive, a thread for each request."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, archive: RecordArchive, faults: FaultInjector, limits: RequestQuota, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.archive = archive
        self.faults = faults
        self.limits = limits
        self.log = RequestLog()
        self.stopping = Event()
        self.clock_offset = timedelta(0)  # of this machine's clock: what its Date headers say
        self._open: set[socket.socket] = set()
        self._open_lock = Lock()

    @property
    def url(self) -> str:
        """The base URL, as `LITMINE_EUTILS_URL` takes it."""
        return f"http://127.0.0.1:{self.server_port}{_FOLDER}"

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def stop(self) -> None:
        """Take no more requests, break off those under way, and wait for their threads."""
        self.stopping.set()
        self.shutdown()
        with self._open_lock:
            for request in self._open:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)
        self.server_close()


@contextmanager
def serve(
    archive: RecordArchive, faults: FaultInjector | None = None, *, per_second: tuple[int, int] = (3, 10), port: int = 0
) -> Iterator[FakePubmedServer]:
    """A server of the archive in a thread of its own, which stops at once when the block is left, even in a hang.

    `per_second` is how many requests may come without a key and with one. `port` 0 takes a free one. Raises
    SettingError when the port cannot be had.
    """
    try:
        server = FakePubmedServer(archive, faults or FaultInjector(), RequestQuota(per_second), port)
    except OSError as error:
        raise SettingError(f"port {port} cannot be had ({error.strerror}); name another or none") from error
    thread = Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="E-utilities")
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


@dataclass(frozen=True, slots=True)
class _Request:
    """What a client asks."""

    utility: str
    parameters: dict[str, str]
    pmids: list[int]
    who: str
    keyed: bool


class _Handler(BaseHTTPRequestHandler):
    """One request: counted, answered well, spoilt if its turn comes, sent, logged."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server: FakePubmedServer

    def do_GET(self) -> None:
        self._answer(self.path.partition("?")[2])

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LONGEST_BODY:
            self._send(html_page(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "413 Request Entity Too Large"))
            return
        self._answer(self.rfile.read(int(length)).decode("utf-8", "replace"))

    def handle(self) -> None:
        """A client that goes away is no news."""
        with suppress(ConnectionError, TimeoutError):
            super().handle()

    def version_string(self) -> str:
        """The `FakePubmedServer` header."""
        return "litmine rehearsal"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` header."""
        return super().date_time_string(
            (time.time() if timestamp is None else timestamp) + self.server.clock_offset.total_seconds()
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name that http.server gives it
        """Nothing on stderr: the log is `server.log`."""

    def _answer(self, query: str) -> None:
        at, when = time.monotonic(), datetime.now(UTC)
        request = self._read(query)
        limit = self.server.limits.of(request.keyed)
        left = self.server.limits.remaining(request.keyed, request.who, at)
        fault = self.server.faults.choose(request.utility, request.pmids) if left >= 0 else None
        reply = (
            self._reply(request, fault, limit) if left >= 0 else rate_limit_response(request.who, limit, _RETRY_AFTER)
        )
        if reply.status != HTTPStatus.TOO_MANY_REQUESTS:
            shown = (("X-RateLimit-Limit", str(limit)), ("X-RateLimit-Remaining", str(left)))
            reply = replace(reply, headers=(*shown, *reply.headers))
        # Before it is sent: a client that has its answer finds the request in the log.
        self.server.log.add(self._seen(when, at, request, reply, fault))
        self._send(reply, fault)

    def _seen(
        self, when: datetime, at: float, request: _Request, reply: FakeResponse, fault: str | None
    ) -> LoggedRequest:
        silent = fault in ("reset", "hang")
        return LoggedRequest(
            when,
            at,
            request.utility,
            self.command,
            tuple(request.pmids),
            request.parameters.get("term"),
            request.keyed,
            request.parameters.get("tool"),
            request.parameters.get("email"),
            fault,
            0 if silent else reply.status,
            0 if silent or fault == "short-body" else reply.given,
        )

    def _read(self, query: str) -> _Request:
        path = self.path.partition("?")[0]
        known = path.startswith(_FOLDER) and path.endswith(".fcgi")
        utility = path.removeprefix(_FOLDER).removesuffix(".fcgi") if known else "elsewhere"
        parameters = dict(parse_qsl(query))
        key = parameters.pop("api_key", "")
        pmids = parse_ids(parameters.get("id", "")) if utility == "efetch" else []
        return _Request(utility, parameters, pmids, key or str(self.client_address[0]), bool(key))

    def _reply(self, request: _Request, fault: str | None, limit: int) -> FakeResponse:
        faults = self.server.faults
        if fault is None or fault in TRANSPORT_FAULTS:
            return self._good(request)
        if fault == "fewer-records":
            return self._good(request, faults.left_out(request.pmids))
        if fault == "redirect":
            other = f"http://localhost:{self.server.server_port}{_ELSEWHERE}{self.path}"
            return replace(html_page(302, "302 Found"), headers=(("Location", other),))
        return faults.spoil(fault, request.utility, self._good(request), request.who, limit)

    def _good(self, request: _Request, left_out: frozenset[int] = frozenset()) -> FakeResponse:
        if len(self.path) > _LONGEST_URI:
            return html_page(414, "414 Request-URI Too Long")
        if request.utility == "esearch":
            return esearch(self.server.archive, request.parameters)
        if request.utility == "efetch":
            return efetch(self.server.archive, request.parameters, request.pmids, left_out)
        if self.path.startswith(_ELSEWHERE):
            return html_page(200, "Sign in to this network")
        return html_page(404, "404 Not Found")

    def _send(self, reply: FakeResponse, fault: str | None = None) -> None:
        self.close_connection = True
        if fault == "hang":
            self.server.stopping.wait(self.server.faults.hang_seconds)
            return
        if fault == "reset":
            self._reset()
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if fault == "short-body":
            self.wfile.write(reply.body[: len(reply.body) // 2])
        elif fault == "trickle":
            self._trickle(reply.body)
        else:
            self.wfile.write(reply.body)

    def _trickle(self, body: bytes) -> None:
        size = max(1, len(body) // _TRICKLES)
        pause = self.server.faults.trickle_seconds / _TRICKLES
        for start in range(0, len(body), size):
            self.wfile.write(body[start : start + size])
            if self.server.stopping.wait(pause):
                return

    def _reset(self) -> None:
        """Close with RST in place of the orderly FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(cast("socket.socket", self.connection).detach())

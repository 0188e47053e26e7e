"""Serve ESearch and EFetch over HTTP on the loopback interface, with NCBI's rate limits and injected faults.

In any window of one second, an address may make three requests, and an API key ten.
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

_FOLDER = "/entrez/eutils/"
_REDIRECT_PREFIX = "/elsewhere"
_MAX_URI_CHARS = 2_000
_MAX_BODY_BYTES = 1 << 20
_TRICKLE_PIECES = 50
_POLL_SECONDS = 0.02
_IDLE_TIMEOUT_SECONDS = 60.0
_RETRY_AFTER_SECONDS = 1


class RequestQuota:
    """Enforces the rate limit for each address and each key; `per_second` is the limit without and with a key."""

    def __init__(self, per_second: tuple[int, int] = (3, 10)) -> None:
        self.per_second = per_second
        self._accepted: dict[tuple[bool, str], deque[float]] = defaultdict(deque)
        self._lock = Lock()

    def limit(self, has_key: bool) -> int:
        """The allowed number of requests per second."""
        return self.per_second[has_key]

    def count_request(self, has_key: bool, client: str, now: float) -> int:
        """Count a request at `now` (seconds); returns how many more are allowed now, or -1 if this one is refused."""
        with self._lock:
            recent = self._accepted[has_key, client]
            while recent and recent[0] <= now - 1.0:
                recent.popleft()
            remaining = self.limit(has_key) - len(recent) - 1
            if remaining >= 0:
                recent.append(now)
            return remaining


class FakePubmedServer(ThreadingHTTPServer):
    """E-utilities for the records of an archive; each request has a thread."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, archive: RecordArchive, faults: FaultInjector, quota: RequestQuota, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _EutilsHandler)
        self.archive = archive
        self.faults = faults
        self.quota = quota
        self.log = RequestLog()
        self.stopping = Event()
        self.clock_offset = timedelta(0)  # difference between its Date headers and this machine's clock
        self._open_sockets: set[socket.socket] = set()
        self._sockets_lock = Lock()

    @property
    def url(self) -> str:
        """The base URL, for LITMINE_EUTILS_URL."""
        return f"http://127.0.0.1:{self.server_port}{_FOLDER}"

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._sockets_lock:
            self._open_sockets.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._sockets_lock:
            self._open_sockets.discard(request)
        super().shutdown_request(request)

    def stop(self) -> None:
        """Accept no more requests, abort running ones, and wait for their threads."""
        self.stopping.set()
        self.shutdown()
        with self._sockets_lock:
            for request in self._open_sockets:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)
        self.server_close()


@contextmanager
def serve(
    archive: RecordArchive, faults: FaultInjector | None = None, *, per_second: tuple[int, int] = (3, 10), port: int = 0
) -> Iterator[FakePubmedServer]:
    """Serve the archive from a thread until the block ends, which aborts running requests.

    `per_second` is the rate limit without and with a key. `port` 0 means any free port. Raises SettingError when the
    port cannot be used.
    """
    try:
        server = FakePubmedServer(archive, faults or FaultInjector(), RequestQuota(per_second), port)
    except OSError as error:
        raise SettingError(
            f"port {port} cannot be used ({error.strerror}); choose another port, or leave out --port"
        ) from error
    thread = Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="E-utilities")
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


@dataclass(frozen=True, slots=True)
class _EutilsRequest:
    """A parsed request; `client` is the API key or the address."""

    utility: str
    parameters: dict[str, str]
    pmids: list[int]
    client: str
    has_key: bool


class _EutilsHandler(BaseHTTPRequestHandler):
    """Handles one request: checks the rate limit, makes the response or the fault, logs and sends it."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_TIMEOUT_SECONDS
    server: FakePubmedServer

    def do_GET(self) -> None:
        self._handle_query(self.path.partition("?")[2])

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _MAX_BODY_BYTES:
            self._send(html_page(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "413 Request Entity Too Large"))
            return
        self._handle_query(self.rfile.read(int(length)).decode("utf-8", "replace"))

    def handle(self) -> None:
        """Handle requests; a client that disconnects is not an error."""
        with suppress(ConnectionError, TimeoutError):
            super().handle()

    def version_string(self) -> str:
        """The value of the header Server."""
        return "litmine rehearsal"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The value of the header Date."""
        return super().date_time_string(
            (time.time() if timestamp is None else timestamp) + self.server.clock_offset.total_seconds()
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name that http.server gives it
        """Write nothing to stderr: the log is `server.log`."""

    def _handle_query(self, query: str) -> None:
        received, now = datetime.now(UTC), time.monotonic()
        request = self._parse_request(query)
        limit = self.server.quota.limit(request.has_key)
        remaining = self.server.quota.count_request(request.has_key, request.client, now)
        if remaining >= 0:
            fault = self.server.faults.choose(request.utility, request.pmids)
            response = self._response(request, fault, limit)
        else:
            fault = None
            response = rate_limit_response(request.client, limit, _RETRY_AFTER_SECONDS)
        if response.status != HTTPStatus.TOO_MANY_REQUESTS:
            limit_headers = (("X-RateLimit-Limit", str(limit)), ("X-RateLimit-Remaining", str(remaining)))
            response = replace(response, headers=(*limit_headers, *response.headers))
        no_response = fault in ("reset", "hang")
        # Logged before it is sent, so that a client with a response finds its request in the log.
        self.server.log.add(
            LoggedRequest(
                received=received,
                monotonic_time=now,
                utility=request.utility,
                method=self.command,
                pmids=tuple(request.pmids),
                term=request.parameters.get("term"),
                has_key=request.has_key,
                tool=request.parameters.get("tool"),
                email=request.parameters.get("email"),
                fault=fault,
                status=0 if no_response else response.status,
                record_count=0 if no_response or fault == "short-body" else response.record_count,
            )
        )
        self._send(response, fault)

    def _parse_request(self, query: str) -> _EutilsRequest:
        path = self.path.partition("?")[0]
        is_utility = path.startswith(_FOLDER) and path.endswith(".fcgi")
        utility = path.removeprefix(_FOLDER).removesuffix(".fcgi") if is_utility else "elsewhere"
        parameters = dict(parse_qsl(query))
        key = parameters.pop("api_key", "")
        pmids = parse_ids(parameters.get("id", "")) if utility == "efetch" else []
        return _EutilsRequest(utility, parameters, pmids, key or str(self.client_address[0]), bool(key))

    def _response(self, request: _EutilsRequest, fault: str | None, limit: int) -> FakeResponse:
        faults = self.server.faults
        if fault is None or fault in TRANSPORT_FAULTS:
            return self._good_response(request)
        if fault == "fewer-records":
            return self._good_response(request, faults.choose_omitted(request.pmids))
        if fault == "redirect":
            other_host = f"http://localhost:{self.server.server_port}{_REDIRECT_PREFIX}{self.path}"
            return replace(html_page(302, "302 Found"), headers=(("Location", other_host),))
        return faults.failed_response(fault, request.utility, self._good_response(request), request.client, limit)

    def _good_response(self, request: _EutilsRequest, omitted: frozenset[int] = frozenset()) -> FakeResponse:
        if len(self.path) > _MAX_URI_CHARS:
            return html_page(414, "414 Request-URI Too Long")
        if request.utility == "esearch":
            return esearch(self.server.archive, request.parameters)
        if request.utility == "efetch":
            return efetch(self.server.archive, request.parameters, request.pmids, omitted)
        if self.path.startswith(_REDIRECT_PREFIX):
            return html_page(200, "Sign in to this network")
        return html_page(404, "404 Not Found")

    def _send(self, response: FakeResponse, fault: str | None = None) -> None:
        self.close_connection = True
        if fault == "hang":
            self.server.stopping.wait(self.server.faults.hang_seconds)
            return
        if fault == "reset":
            self._reset()
            return
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if fault == "short-body":
            self.wfile.write(response.body[: len(response.body) // 2])
        elif fault == "trickle":
            self._trickle(response.body)
        else:
            self.wfile.write(response.body)

    def _trickle(self, body: bytes) -> None:
        size = max(1, len(body) // _TRICKLE_PIECES)
        pause = self.server.faults.trickle_seconds / _TRICKLE_PIECES
        for start in range(0, len(body), size):
            self.wfile.write(body[start : start + size])
            if self.server.stopping.wait(pause):
                return

    def _reset(self) -> None:
        """Close the connection with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(cast("socket.socket", self.connection).detach())

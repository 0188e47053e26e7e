"""HTTP transport below Biopython's Entrez: base URL, rate limit, timeouts and complete bodies.

Biopython builds each request and calls the function `urlopen` of its module, which `EutilsTransport` replaces. The
transport adds what Biopython lacks: another base URL, the rate limiter, timeouts, no redirects (they could leak the
key), and bodies that are read completely within limits of time and size. It returns a response of any status; only a
failed network raises ResponseError.

A request takes its slot of the rate limiter when the connection is open, immediately before it is sent. Otherwise
the unknown time for DNS, TCP and TLS would pass between taking the slot and the arrival.
"""

import importlib.util
import io
import math
import socket
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any, Literal, cast
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, UnknownHandler

from litmine.errors import SettingError
from litmine.sources.entrez.eutils_settings import EutilsSettings
from litmine.sources.entrez.limiter import RateLimiter
from litmine.sources.entrez.responses import FailureKind, RawResponse, ResponseError

_CHUNK_BYTES = 1 << 16
# 2,000 records of PubMed have some 30 MB, and a record has at most 32 MiB.
_MAX_BODY_BYTES = 256 << 20
# The value of zlib's `wbits` that selects gzip.
_GZIP_WBITS = 31
# ValueError: an invalid host name or proxy URL.
_NETWORK_ERRORS = (OSError, HTTPException, ValueError)


class EutilsTransport:
    """Sends requests of one client to the E-utilities. With `always_post`, even short requests are POSTed."""

    def __init__(self, settings: EutilsSettings, limiter: RateLimiter) -> None:
        self.always_post = False
        self._settings = settings
        self._context = ConnectionContext(settings, limiter)
        self._opener = build_opener(self._context)
        self._entrez = _load_biopython(self._urlopen)

    @property
    def requests(self) -> int:
        """The number of HTTP requests sent so far."""
        return self._context.requests

    def give_up_at(self, moment: float) -> None:
        """Give up every answer that is not complete at this time of `time.monotonic`."""
        self._context.give_up = moment

    def send(self, utility: Literal["esearch", "efetch"], **parameters: str | int) -> RawResponse:
        """Send one request about PubMed. Raises ResponseError when the network fails."""
        settings = self._settings
        handle: _EntrezHandle = getattr(self._entrez, utility)(
            db="pubmed", retmode="xml", tool=settings.tool, email=settings.email, api_key=settings.key, **parameters
        )
        return handle.response

    def _urlopen(self, request: Request) -> "_EntrezHandle":
        """Replaces Biopython's `urlopen`."""
        original = urlsplit(request.full_url)
        url = self._settings.url.rstrip("/") + "/" + original.path.rpartition("/")[2]
        if request.data is not None:
            return self._exchange(Request(url, request.data))
        if self.always_post:
            return self._exchange(Request(url, original.query.encode()))
        return self._exchange(Request(f"{url}?{original.query}"))

    def _exchange(self, request: Request) -> "_EntrezHandle":
        # Raise outside the except block: exceptions of urllib may hold the URL, and so the key.
        try:
            response: HTTPResponse = self._opener.open(request, timeout=self._settings.connect_seconds)
        except _NETWORK_ERRORS as error:
            reason = _describe_network_error(error)
        else:
            received = datetime.now(UTC)
            with response:
                return _EntrezHandle(RawResponse(response.status, response.headers, _read_body(response), received))
        raise ResponseError(reason)


@dataclass(frozen=True, slots=True)
class _EntrezHandle:
    """The return value for Biopython, which reads only the headers: they tell it whether to decode text."""

    response: RawResponse

    @property
    def headers(self) -> Message:
        xml = Message()
        xml["Content-Type"] = "text/xml"
        return xml


def _load_biopython(urlopen: Any) -> Any:
    """Load a private copy of the module `Bio.Entrez`, so that its global state is neither shared nor changed.

    All knowledge of Biopython's internals is here. Its module-level names `urlopen`, `time` and `warnings` are
    replaced: it has no public setting for the URL opener, for its delay between requests, or for its warning. Raises
    SettingError for a Biopython without `urlopen`.
    """
    spec = importlib.util.find_spec("Bio.Entrez")
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("Bio.Entrez")
    entrez = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(entrez)
    if not hasattr(entrez, "urlopen"):
        # Requests would bypass the base URL, the rate limiter and the timeouts.
        raise SettingError("the installed Biopython does not work with litmine; install biopython 1.88")
    # The rate limiter spaces requests. Biopython's own delay uses a clock that may be set back by hours.
    no_delay = SimpleNamespace(time=time.time, sleep=lambda _: None)
    # Biopython warns about a missing e-mail address, which is the user's choice.
    no_warnings = SimpleNamespace(warn=lambda *_, **__: None)
    vars(entrez).update(urlopen=urlopen, max_tries=1, time=no_delay, warnings=no_warnings)
    return entrez


@dataclass(slots=True)
class ConnectionContext:
    """The settings, rate limiter and request count that all connections of one client share."""

    settings: EutilsSettings
    limiter: RateLimiter
    requests: int = 0
    # The time by `time.monotonic` at which every answer is given up.
    give_up: float = math.inf


def build_opener(context: ConnectionContext) -> OpenerDirector:
    """An opener without urllib's handlers for errors and redirects, so that it returns responses of any status.

    It uses the system's proxies, except for requests to this machine.
    """
    opener = OpenerDirector()
    opener.addheaders = [("User-Agent", f"litmine/{version('litmine')}"), ("Accept-Encoding", "gzip")]
    proxies: dict[str, str] | None = {} if context.settings.is_loopback else None
    for handler in (ProxyHandler(proxies), _LimitedHttp(context), _LimitedHttps(context), UnknownHandler()):
        opener.add_handler(handler)
    return opener


class _LimitedHttp(HTTPHandler):
    def __init__(self, context: ConnectionContext) -> None:
        super().__init__()
        self._context = context

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_LimitedConnection, limits=self._context), req)


class _LimitedHttps(HTTPSHandler):
    def __init__(self, context: ConnectionContext) -> None:
        super().__init__()
        self._context = context

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_LimitedSecureConnection, limits=self._context), req)


class _LimitedConnection(HTTPConnection):
    """A connection for one request, which takes a slot of the rate limiter and has timeouts for each phase."""

    # Not named `context`: HTTPSConnection has an option of that name.
    def __init__(self, host: str, *, limits: ConnectionContext, **options: Any) -> None:
        super().__init__(host, **options)
        self._limits = limits
        self._slot = ""

    def request(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, Any] = {}, *, encode_chunked: bool = False
    ) -> None:
        self.connect()
        self.sock.settimeout(self._limits.settings.read_seconds)
        self.response_class = cast("type[HTTPResponse]", partial(_TimedResponse, context=self._limits))
        self._slot = self._limits.limiter.acquire()
        self._limits.requests += 1
        try:
            super().request(method, url, body, headers, encode_chunked=encode_chunked)
        finally:
            self._limits.limiter.mark_sent(self._slot)

    def getresponse(self) -> HTTPResponse:
        response = super().getresponse()
        self._limits.limiter.mark_answered(self._slot)
        return response


class _LimitedSecureConnection(_LimitedConnection, HTTPSConnection):
    pass


class _TimedResponse(HTTPResponse):
    """A response that must be complete, including its headers, within `body_seconds` and before `give_up`."""

    def __init__(self, sock: socket.socket, *arguments: Any, context: ConnectionContext, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, context))


class _DeadlineReader(io.RawIOBase):
    """Reads a socket; raises TimeoutError when one read exceeds `read_seconds` or all exceed their time.

    The socket's own timeout restarts with every byte, so it never ends a response that sends one byte at a time.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, context: ConnectionContext) -> None:
        self._raw, self._sock = raw, sock
        self._read_seconds = context.settings.read_seconds
        self._deadline = min(time.monotonic() + context.settings.body_seconds, context.give_up)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(min(self._read_seconds, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _read_body(response: HTTPResponse) -> bytes:
    """The whole decompressed body. Raises ResponseError if it is incomplete, damaged, too slow or too large."""
    try:
        return _decompress_body(response)
    except TimeoutError:
        reason = "the server's answer took too long"
    except (*_NETWORK_ERRORS, EOFError):
        reason = "the server's answer was cut short"
    except zlib.error:
        reason = "the server's answer was damaged"
    raise ResponseError(reason, FailureKind.DAMAGED)


def _decompress_body(response: HTTPResponse) -> bytes:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise ResponseError("the server's answer has a compression that was not requested")
    decompressor = zlib.decompressobj(_GZIP_WBITS) if "gzip" in encoding else None
    body = io.BytesIO()  # whose value is not copied
    chunk = b""
    while chunk := response.read(_CHUNK_BYTES):
        body.write(decompressor.decompress(chunk, _MAX_BODY_BYTES + 1 - body.tell()) if decompressor else chunk)
        if body.tell() > _MAX_BODY_BYTES:
            raise ResponseError(f"the server's answer is larger than {_MAX_BODY_BYTES >> 20} MiB")
    if response.length or (decompressor and body.tell() and not decompressor.eof):
        raise EOFError
    return body.getvalue()


def _describe_network_error(error: Exception) -> str:
    reasons: dict[type[Exception], str] = {
        socket.gaierror: "the server's name could not be resolved",
        UnicodeError: "the server's name could not be resolved",
        ConnectionRefusedError: "the server refused the connection",
        ssl.SSLCertVerificationError: "the server's certificate could not be verified",
        ssl.SSLError: "no secure connection to the server could be made",
        ConnectionError: "the server closed the connection without an answer",
        HTTPException: "the server did not answer in HTTP",
    }
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return (
            "the server could not be reached in time"
            if isinstance(error, URLError)
            else "the server did not answer in time"
        )
    for kind, reason in reasons.items():
        if isinstance(cause, kind):
            return reason
    return "the network or its proxy failed"

"""What Biopython's Entrez sends goes through here: to the right server, in turn, and until its answer is whole.

Biopython makes the requests and hands each to the one name `urlopen` of its module, where a `Wire` stands. It adds what
Biopython leaves open: another base URL, the limiter, timeouts, no redirects (a key must not travel), and a body that is
read to its end within a time and a size. It returns an answer of any status; only a network that fails is a BadAnswer.

HTTP connections that wait for their turn and do not wait for ever: what urllib opens for a `Wire`.

The turn is taken when the connection stands, immediately before the request is sent: looking up the name, connecting
and shaking hands take any time, and would come between the turn and the arrival.
"""

import importlib.util
import io
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

from litmine.sources.entrez.access import Access
from litmine.sources.entrez.limiter import Limiter
from litmine.sources.entrez.responses import BadAnswer, Fault, Reply


@dataclass(slots=True)
class Line:
    """What all connections of one asker share; `requests` counts what they sent."""

    access: Access
    limiter: Limiter
    requests: int = 0


def opener(line: Line) -> OpenerDirector:
    """An opener that returns answers of any status as they are, redirects too: it lacks urllib's handlers of those.

    The system's proxies are used, but not on the way to this machine itself.
    """
    opened = OpenerDirector()
    opened.addheaders = [("User-Agent", f"litmine/{version('litmine')}"), ("Accept-Encoding", "gzip")]
    proxies: dict[str, str] | None = {} if line.access.loopback else None
    for handler in (ProxyHandler(proxies), _Http(line), _Https(line), UnknownHandler()):
        opened.add_handler(handler)
    return opened


class _Http(HTTPHandler):
    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_InTurn, line=self._line), req)


class _Https(HTTPSHandler):
    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_SecureInTurn, line=self._line), req)


class _InTurn(HTTPConnection):
    """A connection for one request: connected within one timeout, sent in turn, answered within others."""

    def __init__(self, host: str, *, line: Line, **options: Any) -> None:
        super().__init__(host, **options)
        self._line = line
        self._turn = ""

    def request(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, Any] = {}, *, encode_chunked: bool = False
    ) -> None:
        self.connect()
        self.sock.settimeout(self._line.access.read_seconds)
        self.response_class = cast("type[HTTPResponse]", partial(_TimedResponse, access=self._line.access))
        self._turn = self._line.limiter.turn()
        self._line.requests += 1
        try:
            super().request(method, url, body, headers, encode_chunked=encode_chunked)
        finally:
            self._line.limiter.sent(self._turn)

    def getresponse(self) -> HTTPResponse:
        response = super().getresponse()
        self._line.limiter.answered(self._turn)
        return response


class _SecureInTurn(_InTurn, HTTPSConnection):
    pass


class _TimedResponse(HTTPResponse):
    """A response that has to be complete, headers and all, within `body_seconds`."""

    def __init__(self, sock: socket.socket, *arguments: Any, access: Access, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock, access))


class _Timed(io.RawIOBase):
    """The bytes of a socket: each piece within `read_seconds`, all within `body_seconds`, else TimeoutError.

    The socket's own timeout starts anew with every byte, and a trickle would hold it for ever.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, access: Access) -> None:
        self._raw, self._sock = raw, sock
        self._each = access.read_seconds
        self._end = time.monotonic() + access.body_seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(min(self._each, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


_CHUNK = 1 << 16
_LARGEST_BODY = 1 << 30
# zlib's way to say gzip
_GZIP = 31
# ValueError: a host that is no name, a proxy that is no URL
_TROUBLE = (OSError, HTTPException, ValueError)


class Wire:
    """One asker's way to the E-utilities. While `posting`, every question is POSTed, however short."""

    def __init__(self, access: Access, limiter: Limiter) -> None:
        self.posting = False
        self._access = access
        self._line = Line(access, limiter)
        self._opener = opener(self._line)
        self._entrez = _biopython(self._open)

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent."""
        return self._line.requests

    def ask(self, utility: Literal["esearch", "efetch"], **parameters: str | int) -> Reply:
        """Ask about PubMed once. Raises BadAnswer when the network fails."""
        access = self._access
        asked = getattr(self._entrez, utility)
        # The limiter spaces; Biopython would too, by a clock that can be set back by hours.
        self._entrez._open.previous = 0.0
        handle: _Handle = asked(
            db="pubmed", retmode="xml", tool=access.tool, email=access.email, api_key=access.key, **parameters
        )
        return handle.reply

    def _open(self, request: Request) -> "_Handle":
        """What Biopython calls as `urlopen`."""
        meant = urlsplit(request.full_url)
        url = self._access.url.rstrip("/") + "/" + meant.path.rpartition("/")[2]
        if request.data is not None:
            return self._exchange(Request(url, request.data))
        if self.posting:
            return self._exchange(Request(url, meant.query.encode()))
        return self._exchange(Request(f"{url}?{meant.query}"))

    def _exchange(self, request: Request) -> "_Handle":
        # A BadAnswer is raised where no exception is being handled: those of urllib may hold the URL, and so the key.
        try:
            response: HTTPResponse = self._opener.open(request, timeout=self._access.connect_seconds)
        except _TROUBLE as error:
            reason = _why_unanswered(error)
        else:
            received = datetime.now(UTC)
            with response:
                return _Handle(Reply(response.status, response.headers, _body(response), received))
        raise BadAnswer(reason)


@dataclass(frozen=True, slots=True)
class _Handle:
    """What Biopython is given and hands back: it only looks at the headers, whether to decode plain text."""

    reply: Reply

    @property
    def headers(self) -> Message:
        xml = Message()
        xml["Content-Type"] = "text/xml"
        return xml


def _biopython(urlopen: Any) -> Any:
    """A copy of Biopython's module `Bio.Entrez` of our own, so that none of its global state is shared or changed."""
    spec = importlib.util.find_spec("Bio.Entrez")
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("Bio.Entrez")
    entrez = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(entrez)
    # It warns when there is no e-mail address, which is the user's choice.
    silence = SimpleNamespace(warn=lambda *_: None)
    vars(entrez).update(urlopen=urlopen, max_tries=1, warnings=silence)
    return entrez


def _body(response: HTTPResponse) -> bytes:
    """The whole body, unpacked. Raises BadAnswer when it is cut short, damaged, too slow or too large."""
    try:
        return _read_body(response)
    except TimeoutError:
        reason = "the server's answer took too long"
    except (*_TROUBLE, EOFError):
        reason = "the server's answer was cut short"
    except zlib.error:
        reason = "the server's answer was damaged"
    raise BadAnswer(reason, Fault.DAMAGED)


def _read_body(response: HTTPResponse) -> bytes:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise BadAnswer("the server's answer is packed in a way that was not asked for")
    packed = zlib.decompressobj(_GZIP) if "gzip" in encoding else None
    body = bytearray()
    chunk = b""
    while chunk := response.read(_CHUNK):
        body += packed.decompress(chunk, _LARGEST_BODY + 1 - len(body)) if packed else chunk
        if len(body) > _LARGEST_BODY:
            raise BadAnswer(f"the server's answer is larger than {_LARGEST_BODY >> 30} GiB")
    if response.length or (packed and body and not packed.eof):
        raise EOFError
    return bytes(body)


def _why_unanswered(error: Exception) -> str:
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

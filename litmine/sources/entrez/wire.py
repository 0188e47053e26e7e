"""What Biopython's Entrez sends goes through here: to the right server, in turn, and until its answer is whole.

Biopython makes the requests and hands each to the one name `urlopen` of its module, where a `Wire` stands. It adds what
Biopython leaves open: another base URL, the limiter, timeouts, no redirects (a key must not travel), and a body that is
read to its end within a time and a size. It returns an answer of any status; only a network that fails is a BadAnswer.
"""

import importlib.util
import socket
import ssl
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from http.client import HTTPException, HTTPResponse
from types import SimpleNamespace
from typing import Any, Literal
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request

from litmine.sources.entrez.access import Access
from litmine.sources.entrez.answer import BadAnswer, Fault, Reply
from litmine.sources.entrez.connection import Line, opener
from litmine.sources.entrez.limiter import Limiter

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

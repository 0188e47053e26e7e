"""HTTP connections that wait for their turn and do not wait for ever: what urllib opens for a `Wire`.

The turn is taken when the connection stands, immediately before the request is sent: looking up the name, connecting
and shaking hands take any time, and would come between the turn and the arrival.
"""

import io
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from importlib.metadata import version
from typing import Any, cast
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, UnknownHandler

from litmine.sources.entrez.access import Access
from litmine.sources.entrez.limiter import Limiter


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

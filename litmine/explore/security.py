"""Who may ask what: the host of a request, the token, requests of other sites, sizes, and the headers of answers.

Without a token, only this machine is served, under the names of its loopback interface: a page of another site whose
name is made to mean 127.0.0.1 sends its own name and is refused. With a token, each request needs it, in the header
`Authorization: Bearer TOKEN` or in a cookie; the cookie belongs to the name under which the browser knows the server.
"""

import hmac
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
TOKEN_PARAMETER = "token"
_COOKIE = "litmine-token"
# Nothing but the application's own files is loaded, and no script or style stands in a page.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_SAFE_METHODS = frozenset({"GET", "HEAD"})


class Guard:
    """Middleware that refuses requests before the application sees them, and adds the headers to every answer.

    token: None for the loopback interface only. body_bytes: the largest body of a request.
    """

    def __init__(self, app: ASGIApp, token: str | None, body_bytes: int) -> None:
        self._app = app
        self._token = token
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
            return
        await self._app(scope, self._limited(receive), send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or (self._token is None and _host_name(host) not in LOOPBACK_NAMES):
            return PlainTextResponse("this server answers only under the names of this machine\n", 421)
        if self._token is not None and (refusal := self._token_refusal(scope, headers)) is not None:
            return refusal
        if scope["method"] not in _SAFE_METHODS:
            return _foreign_refusal(headers, host) or self._size_refusal(headers)
        return None

    def _token_refusal(self, scope: Scope, headers: Headers) -> Response | None:
        assert self._token is not None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in query if name == TOKEN_PARAMETER]
        if given and scope["method"] == "GET" and self._is_token(given[:1]):
            rest = urlencode([(name, value) for name, value in query if name != TOKEN_PARAMETER])
            # Only a path of this server: two slashes at the beginning would name another one.
            path = "/" + scope["path"].lstrip("/\\")
            answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
            answer.set_cookie(_COOKIE, self._token, httponly=True, samesite="strict")
            return answer
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token([bearer.strip()]):
            return None
        if self._is_token(_cookie_values(headers.getlist("cookie"))):
            return None
        return PlainTextResponse(
            "this server needs its token: open the address that `litmine explore` printed, or send the header"
            " `Authorization: Bearer TOKEN`\n",
            401,
            {"WWW-Authenticate": "Bearer"},
        )

    def _is_token(self, values: Iterable[str]) -> bool:
        expected = (self._token or "").encode()
        return any(hmac.compare_digest(value.encode("utf-8", "replace"), expected) for value in values)

    def _size_refusal(self, headers: Headers) -> Response | None:
        length = headers.get("content-length", "0")
        if not length.isdigit() or len(length) > 15 or int(length) > self._body_bytes:
            return PlainTextResponse(f"a request may have at most {self._body_bytes:,} bytes\n", 413)
        return None

    def _limited(self, receive: Receive) -> Receive:
        """The same, but a body that turns out longer than allowed ends as if the client had gone."""
        left = self._body_bytes

        async def limited() -> Message:
            nonlocal left
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    return {"type": "http.disconnect"}
            return message

        return limited


def _host_name(host: str) -> str:
    """The name in a Host header, without the port."""
    name, _, port = host.lower().rpartition(":")
    return name if name and port.isdigit() else host.lower()


def _cookie_values(cookies: Iterable[str]) -> list[str]:
    values = []
    for cookie in cookies:
        try:
            parsed = SimpleCookie(cookie)
        except CookieError:
            continue
        if _COOKIE in parsed:
            values.append(parsed[_COOKIE].value)
    return values


def _foreign_refusal(headers: Headers, host: str) -> Response | None:
    """The refusal of a request that changes or computes something and that a page of another site sent.

    A browser says where a request comes from, in `Sec-Fetch-Site` or in `Origin`; a program such as curl sends neither.
    A form of another site cannot send JSON.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    foreign_site = site is not None and site not in ("same-origin", "none")
    if foreign_site or (origin is not None and origin.lower().partition("://")[2] != host.lower()):
        return PlainTextResponse("requests of other sites are refused\n", 403)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return PlainTextResponse("send JSON, with the header `Content-Type: application/json`\n", 415)
    return None

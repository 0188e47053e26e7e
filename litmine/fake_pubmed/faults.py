"""Every way in which the E-utilities are known to fail, each by its name, and which request gets which.

| name | the client sees |
|---|---|
| `429`, `429-retry-after` | too many requests, as JSON that holds the key or the address; with the header Retry-After |
| `500`, `502`, `503`, `504` | that status and a short page |
| `html`, `html-500` | an HTML page where XML belongs, with the status 200 and 500 |
| `error-element` | 200 and an `<ERROR>` in the utility's own result element |
| `backend`, `database` | the same, with "Search Backend failed" and "Database is not supported" |
| `no-root` | 200, the XML prologue and the DOCTYPE, and no more |
| `cut` | XML that ends anywhere, its Content-Length right |
| `short-body` | a body that ends before its Content-Length: IncompleteRead |
| `fewer-records` | a good answer without some of the records asked for (EFetch alone) |
| `400-over-502` | 400, and in its `<ERROR>` a proxy's 502 page |
| `garbled-json` | 200 and JSON with raw control characters, which no JSON parser takes |
| `empty` | 200 and not a byte |
| `reset` | the connection reset before any answer |
| `redirect` | 302 to another host |
| `hang` | no answer for `hang_seconds`, then the connection closed |
| `trickle` | the answer in small pieces, spread over `trickle_seconds` |
| `key-refused` | 400 and JSON that calls the key invalid and holds it |
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from threading import Lock

from litmine.errors import SettingError
from litmine.fake_pubmed.endpoints import JSON, XML, FakeResponse, error_response, html_page, xml_prologue

_ERRORS = {
    "error-element": ("Unable to obtain query #1", 200),
    "backend": ("Search Backend failed: read request has been failed: peer: 130.14.22.26:7011", 200),
    "database": ("Database is not supported: pubmed", 200),
    "400-over-502": (
        "Error occurred: cannot proxy_stream(): <html><head><title>502 Bad Gateway</title></head><body></body></html>",
        400,
    ),
}
_STATUSES = {
    "500": "Internal Server Error",
    "502": "Bad Gateway",
    "503": "Service Unavailable",
    "504": "Gateway Time-out",
}
_PAGES = {
    "html": html_page(200, "NCBI - WWW Error Blocked Diagnostic"),
    "html-500": html_page(500, "NCBI/eutils202 - WWW Error 500 Diagnostic"),
    "garbled-json": FakeResponse(
        200, JSON, b'{"esearchresult":{"ERROR":"Search Backend failed: \x01\x0b read\n failed \x1b[0m"}}\n'
    ),
    "empty": FakeResponse(200, XML, b""),
}
_KEY_REFUSED = b'{"error":"API key invalid","api-key":"%b","type":"client","status":"unknown"}\n'
# How the bytes travel, rather than which: the server's own doing.
TRANSPORT_FAULTS = frozenset({"short-body", "reset", "hang", "trickle"})
# What can befall any request without the client losing much time over it.
FAST_FAULTS = (
    "429",
    "429-retry-after",
    *_STATUSES,
    *_ERRORS,
    *_PAGES,
    "no-root",
    "cut",
    "short-body",
    "fewer-records",
    "reset",
    "redirect",
)
FAULT_KINDS = (*FAST_FAULTS, "hang", "trickle", "key-refused")


class FaultInjector:
    """Which request fails and how; nothing fails by default. May be changed while it is served.

    A request's fault is, first found: that of a poisonous PMID among its ids, `always`, the script's, and with the
    probability `share` one of `kinds` at random, the same for each seed. A script says what successive requests get
    (None: no fault), or by number, from 0, what the requests named in it get, the others being left to `share`. Only
    the utilities in `on` fail; `requests` counts what they have been asked. Raises SettingError for a kind that does
    not exist.
    """

    def __init__(
        self,
        share: float = 0.0,
        kinds: Sequence[str] = FAST_FAULTS,
        *,
        script: Sequence[str | None] | Mapping[int, str | None] = (),
        always: str | None = None,
        poison: Mapping[int, str] | None = None,
        on: Iterable[str] = ("esearch", "efetch"),
        hang_seconds: float = 30.0,
        trickle_seconds: float = 10.0,
        retry_after: int = 1,
        seed: int = 0,
    ) -> None:
        self.share = share
        self.kinds = tuple(kinds)
        self.script = dict(script) if isinstance(script, Mapping) else dict(enumerate(script))
        self.always = always
        self.poison = dict(poison or {})
        self.on = frozenset(on)
        self.hang_seconds = hang_seconds
        self.trickle_seconds = trickle_seconds
        self.retry_after = retry_after
        self._random = random.Random(seed)
        self._lock = Lock()
        self.requests = 0
        for kind in (*self.kinds, *self.script.values(), always, *self.poison.values()):
            if kind is not None and kind not in FAULT_KINDS:
                raise SettingError(f"no fault {kind!r}; there are {', '.join(FAULT_KINDS)}")

    def choose(self, utility: str, pmids: Sequence[int]) -> str | None:
        """The fault of the request that has just come, None when it is to be answered well."""
        with self._lock:
            if utility not in self.on:
                return None
            number = self.requests
            self.requests += 1
            drawn = self._drawn(utility)
        poisoned = next((self.poison[pmid] for pmid in pmids if pmid in self.poison), None)
        kind = poisoned or self.always or self.script.get(number, drawn)
        return None if kind == "fewer-records" and not pmids else kind

    def left_out(self, pmids: Sequence[int]) -> frozenset[int]:
        """Some of the PMIDs, at least one: those that `fewer-records` leaves out."""
        with self._lock:
            return frozenset(self._random.sample(pmids, self._random.randint(1, len(pmids))))

    def spoil(self, kind: str, utility: str, good: FakeResponse, who: str, limit: int) -> FakeResponse:
        """The answer that this fault makes of a good one.

        `who` is the key or the address, which NCBI repeats, and `limit` its requests a second.
        """
        if kind == "cut":
            with self._lock:
                return replace(good, body=good.body[: self._random.randrange(1, len(good.body.rstrip()))], given=0)
        if kind in ("429", "429-retry-after"):
            return rate_limit_response(who, limit, self.retry_after if kind == "429-retry-after" else None)
        if kind in _STATUSES:
            return html_page(int(kind), f"{kind} {_STATUSES[kind]}")
        if kind in _ERRORS:
            return error_response(utility, *_ERRORS[kind])
        if kind == "no-root":
            return FakeResponse(200, XML, xml_prologue(utility))
        if kind == "key-refused":
            return FakeResponse(400, JSON, _KEY_REFUSED % who.encode())
        return _PAGES[kind]

    def _drawn(self, utility: str) -> str | None:
        kinds = [kind for kind in self.kinds if utility == "efetch" or kind != "fewer-records"]
        return self._random.choice(kinds) if self._random.random() < self.share and kinds else None


def rate_limit_response(who: str, limit: int, retry_after: int | None) -> FakeResponse:
    """NCBI's answer to one request too many; `who` is the key or the address, which it repeats."""
    body = f'{{"error":"API rate limit exceeded","api-key":"{who}","count":"{limit + 1}","limit":"{limit}"}}\n'
    headers = [("X-RateLimit-Limit", str(limit)), ("X-RateLimit-Remaining", "0")]
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    return FakeResponse(429, JSON, body.encode(), tuple(headers))

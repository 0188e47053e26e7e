"""Inject every kind of failure that is known of the E-utilities.

| name | what the client gets |
|---|---|
| `429`, `429-retry-after` | too many requests, as JSON with the key or the address; the second with Retry-After |
| `500`, `502`, `503`, `504` | that status and a short page |
| `html`, `html-500` | an HTML page instead of XML, with status 200 and 500 |
| `error-element` | status 200 and an `<ERROR>` in the utility's own result element |
| `backend`, `database` | the same, with "Search Backend failed" and "Database is not supported" |
| `no-root` | status 200, and only the XML declaration and DOCTYPE |
| `cut` | XML that ends at a random place, with the matching Content-Length |
| `short-body` | a body that ends before its Content-Length: IncompleteRead |
| `fewer-records` | a good response that lacks some of the requested records (EFetch only) |
| `400-over-502` | status 400, with a proxy's 502 page in its `<ERROR>` |
| `garbled-json` | status 200 and JSON with raw control characters, which no JSON parser accepts |
| `empty` | status 200 and an empty body |
| `reset` | a reset of the connection before any response |
| `redirect` | a redirect (302) to another host |
| `hang` | no response for `hang_seconds`, then a closed connection |
| `trickle` | the response in small pieces over `trickle_seconds` |
| `key-refused` | status 400 and JSON that calls the key invalid and contains it |
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
# Faults in how the bytes are sent; the server makes these itself.
TRANSPORT_FAULTS = frozenset({"short-body", "reset", "hang", "trickle"})
# Faults that cost the client little time.
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
    """Decides which requests fail and how; by default none. The attributes may be changed while the server runs.

    The fault of a request is the first of these:

    - the `poison` fault of a PMID in the request,
    - `always`,
    - the entry in `script`: a sequence of faults for successive requests (None: no fault), or a mapping from request
      numbers, starting at 0, to faults,
    - with probability `share`, a random one of `kinds`; equal seeds give equal faults.

    Only requests to `utilities` fail; `requests` counts them. Raises SettingError for an unknown kind of fault.
    """

    def __init__(
        self,
        share: float = 0.0,
        kinds: Sequence[str] = FAST_FAULTS,
        *,
        script: Sequence[str | None] | Mapping[int, str | None] = (),
        always: str | None = None,
        poison: Mapping[int, str] | None = None,
        utilities: Iterable[str] = ("esearch", "efetch"),
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
        self.utilities = frozenset(utilities)
        self.hang_seconds = hang_seconds
        self.trickle_seconds = trickle_seconds
        self.retry_after = retry_after
        self._random = random.Random(seed)
        self._lock = Lock()
        self.requests = 0
        for kind in (*self.kinds, *self.script.values(), always, *self.poison.values()):
            if kind is not None and kind not in FAULT_KINDS:
                raise SettingError(f"unknown fault {kind!r}; choose from {', '.join(FAULT_KINDS)}")

    def choose(self, utility: str, pmids: Sequence[int]) -> str | None:
        """The fault of the next request; None for a good response."""
        with self._lock:
            if utility not in self.utilities:
                return None
            number = self.requests
            self.requests += 1
            random_kind = self._random_kind(utility)
        poison = next((self.poison[pmid] for pmid in pmids if pmid in self.poison), None)
        kind = poison or self.always or self.script.get(number, random_kind)
        return None if kind == "fewer-records" and not pmids else kind

    def choose_omitted(self, pmids: Sequence[int]) -> frozenset[int]:
        """At least one of the PMIDs, for `fewer-records` to omit."""
        with self._lock:
            return frozenset(self._random.sample(pmids, self._random.randint(1, len(pmids))))

    def failed_response(self, kind: str, utility: str, good: FakeResponse, client: str, limit: int) -> FakeResponse:
        """The response with this fault instead of a good one.

        `client` is the key or the address, which NCBI repeats, and `limit` its number of requests per second.
        """
        if kind == "cut":
            with self._lock:
                return replace(
                    good, body=good.body[: self._random.randrange(1, len(good.body.rstrip()))], record_count=0
                )
        if kind in ("429", "429-retry-after"):
            return rate_limit_response(client, limit, self.retry_after if kind == "429-retry-after" else None)
        if kind in _STATUSES:
            return html_page(int(kind), f"{kind} {_STATUSES[kind]}")
        if kind in _ERRORS:
            return error_response(utility, *_ERRORS[kind])
        if kind == "no-root":
            return FakeResponse(200, XML, xml_prologue(utility))
        if kind == "key-refused":
            return FakeResponse(400, JSON, _KEY_REFUSED % client.encode())
        return _PAGES[kind]

    def _random_kind(self, utility: str) -> str | None:
        kinds = [kind for kind in self.kinds if utility == "efetch" or kind != "fewer-records"]
        return self._random.choice(kinds) if self._random.random() < self.share and kinds else None


def rate_limit_response(client: str, limit: int, retry_after: int | None) -> FakeResponse:
    """NCBI's response to one request too many; it repeats the `client`, which is the key or the address."""
    body = f'{{"error":"API rate limit exceeded","api-key":"{client}","count":"{limit + 1}","limit":"{limit}"}}\n'
    headers = [("X-RateLimit-Limit", str(limit)), ("X-RateLimit-Remaining", "0")]
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    return FakeResponse(429, JSON, body.encode(), tuple(headers))

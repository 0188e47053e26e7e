"""The log of the fake server: every request, without API keys, and figures about them."""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from threading import Lock


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request and its response.

    `received` (UTC) and `monotonic_time` (seconds) are the time when the request was read. `fault` is the injected
    fault. `status` is 0 for a request without a response, and 429 without a fault for one over the rate limit.
    `record_count` is the number of records in a complete response.
    """

    received: datetime
    monotonic_time: float
    utility: str
    method: str
    pmids: tuple[int, ...]
    term: str | None
    has_key: bool
    tool: str | None
    email: str | None
    fault: str | None
    status: int
    record_count: int


class RequestLog:
    """All requests so far; may be used from several threads."""

    def __init__(self) -> None:
        self._requests: list[LoggedRequest] = []
        self._lock = Lock()

    def add(self, request: LoggedRequest) -> None:
        """Add a request."""
        with self._lock:
            self._requests.append(request)

    @property
    def requests(self) -> list[LoggedRequest]:
        """All requests so far, by time of arrival."""
        with self._lock:
            return sorted(self._requests, key=lambda request: request.monotonic_time)

    def by_utility(self) -> Counter[str]:
        """The number of requests to each utility."""
        return Counter(request.utility for request in self.requests)

    def by_fault(self) -> Counter[str]:
        """The number of requests with each fault."""
        return Counter(request.fault for request in self.requests if request.fault)

    def rate_limited(self) -> int:
        """The number of requests refused because they exceeded the rate limit."""
        return sum(request.status == 429 and request.fault is None for request in self.requests)

    def peak_per_second(self) -> int:
        """The largest number of requests in any window of one second."""
        window: deque[float] = deque()
        peak = 0
        for request in self.requests:
            window.append(request.monotonic_time)
            while window[0] <= request.monotonic_time - 1.0:
                window.popleft()
            peak = max(peak, len(window))
        return peak

    def fetch_counts(self) -> Counter[int]:
        """The number of EFetch requests for each PMID."""
        return Counter(pmid for request in self.requests for pmid in request.pmids)

    def records_sent(self) -> int:
        """The number of records in complete responses; a record that was sent twice counts twice."""
        return sum(request.record_count for request in self.requests)

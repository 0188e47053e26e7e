"""What the server saw: every request, without any key, and the figures that a rehearsal is about."""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from threading import Lock


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request and what became of it.

    `at` is in seconds of the machine's monotonic clock, when it had been read. `status` is 0 for a request that gets no
    answer, and 429 without a fault for one beyond the limit. `given` counts the records of an answer that goes out
    whole.
    """

    when: datetime
    at: float
    utility: str
    method: str
    pmids: tuple[int, ...]
    term: str | None
    keyed: bool
    tool: str | None
    email: str | None
    fault: str | None
    status: int
    given: int


class RequestLog:
    """All requests in the order in which they were answered."""

    def __init__(self) -> None:
        self._seen: list[LoggedRequest] = []
        self._lock = Lock()

    def add(self, seen: LoggedRequest) -> None:
        """Take down a request."""
        with self._lock:
            self._seen.append(seen)

    @property
    def requests(self) -> list[LoggedRequest]:
        """Every request so far, by its time of arrival."""
        with self._lock:
            return sorted(self._seen, key=lambda seen: seen.at)

    def by_utility(self) -> Counter[str]:
        """How many requests each utility got."""
        return Counter(seen.utility for seen in self.requests)

    def by_fault(self) -> Counter[str]:
        """How many requests each fault spoilt."""
        return Counter(seen.fault for seen in self.requests if seen.fault)

    def rate_limited(self) -> int:
        """How many requests were refused for coming too fast."""
        return sum(seen.status == 429 and seen.fault is None for seen in self.requests)

    def peak_per_second(self) -> int:
        """The most requests that came in any one second, wherever it begins."""
        window: deque[float] = deque()
        most = 0
        for seen in self.requests:
            window.append(seen.at)
            while window[0] <= seen.at - 1.0:
                window.popleft()
            most = max(most, len(window))
        return most

    def fetch_counts(self) -> Counter[int]:
        """How often EFetch was asked for each PMID."""
        return Counter(pmid for seen in self.requests for pmid in seen.pmids)

    def records_sent(self) -> int:
        """How many records went out whole, a record given twice counted twice."""
        return sum(seen.given for seen in self.requests)

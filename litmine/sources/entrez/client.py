"""E-utilities client: retries each request with backoff and decides whether the service or the request is at fault.

When the service is down, everything waits and finally ends with one error. When a single request is the cause (a
record that breaks PubMed's response), the rest can continue without it. `EutilsClient.fetch` tells the two apart by
requesting another record.
"""

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, count
from typing import TypeVar

from litmine.errors import SettingError, SourceError
from litmine.sources.entrez.eutils_settings import EutilsSettings
from litmine.sources.entrez.limiter import MAX_PAUSE_SECONDS, RateLimiter
from litmine.sources.entrez.responses import (
    MAX_SEARCH_HITS,
    EfetchResult,
    EsearchResult,
    FailureKind,
    PersistentRequestError,
    RawResponse,
    ResponseError,
    parse_efetch,
    parse_esearch,
    parse_http_date,
)
from litmine.sources.entrez.transport import EutilsTransport

# Seconds.
_FIRST_WAIT, _MAX_WAIT = 0.5, 30.0
_MIN_THROTTLED_WAIT = 1.0
_MIN_REPORTED_PAUSE = 0.5
# After this many failures the client checks whether the request is at fault. For a list of PMIDs, fewer damaged
# responses are enough.
_ATTEMPTS, _DAMAGED_ATTEMPTS = 4, 2
# A smaller difference between the clocks may be network latency.
_CLOCK_TOLERANCE = timedelta(minutes=2)

Result = TypeVar("Result")


class EutilsClient:
    """ESearch and EFetch on PubMed.

    `on_wait` receives the reason and the seconds before each wait, and other notices with 0 seconds.
    """

    def __init__(self, settings: EutilsSettings, on_wait: Callable[[str, float], None] = lambda *_: None) -> None:
        self._settings = settings
        self._on_wait = on_wait
        self._limiter = RateLimiter(settings.host, settings.per_second)
        self._transport = EutilsTransport(settings, self._limiter)
        # A PMID that the service returned before, for checking the service.
        self._known_pmids: tuple[int, ...] = ()
        self._clock_offset = timedelta(0)

    @property
    def clock_offset(self) -> timedelta:
        """The server's time minus this machine's; zero if the difference is below the tolerance."""
        return self._clock_offset

    @property
    def requests(self) -> int:
        """The number of HTTP requests sent so far."""
        return self._transport.requests

    def search(self, term: str, retmax: int = MAX_SEARCH_HITS) -> EsearchResult:
        """Search PubMed for `term`; the result lists the first `retmax` PMIDs.

        Raises SourceError after `patience` seconds without a usable response, SettingError for an invalid term or a
        rejected API key.
        """
        if not term.strip() or not _is_valid_unicode(term):
            raise SettingError("the query is empty or is not UTF-8; name a search term")
        budget = _RetryBudget(self._settings.patience)
        hits = self._retry(lambda: self._esearch(term, retmax), budget, _RetryLimits())
        if hits is None:
            raise self._service_error(budget)
        return hits

    def fetch(self, pmids: Sequence[int]) -> EfetchResult:
        """Fetch the records of `pmids`, at least one; the result may lack some of them.

        Raises PersistentRequestError when only this request fails, SourceError when the service fails for `patience`
        seconds, SettingError for a rejected API key.
        """
        budget = _RetryBudget(self._settings.patience)
        single = len(pmids) == 1
        limits = _RetryLimits(_ATTEMPTS, _ATTEMPTS if single else _DAMAGED_ATTEMPTS, self._settings.patience / 2)
        result = self._retry(lambda: self._efetch(pmids), budget, limits)
        if result is None:
            self._check_service(pmids, budget)
            # The service may have been down until now. The caller can split a list; a single record is retried here.
            result = self._retry(lambda: self._efetch(pmids), budget, _RetryLimits(_ATTEMPTS)) if single else None
        if result is None:
            raise PersistentRequestError(budget.reason)
        self._known_pmids = tuple(sorted(result.pmids)[:1]) or self._known_pmids
        return result

    def _check_service(self, pmids: Sequence[int], budget: "_RetryBudget") -> None:
        """Return once a request for another record succeeds. Raises SourceError when the time is over."""
        reason = budget.reason
        other = next(pmid for pmid in chain(self._known_pmids, count(1)) if pmid not in pmids)
        if self._retry(lambda: self._efetch([other]), budget, _RetryLimits()) is None:
            raise self._service_error(budget)
        budget.reason = reason

    def _esearch(self, term: str, retmax: int) -> EsearchResult:
        response = self._transport.send("esearch", term=term, retmax=retmax)
        self._compare_clocks(response)
        return parse_esearch(response, retmax, self._settings.key)

    def _efetch(self, pmids: Sequence[int]) -> EfetchResult:
        response = self._transport.send("efetch", id=",".join(map(str, pmids)))
        self._compare_clocks(response)
        result = parse_efetch(response, self._settings.key).only(pmids)
        return replace(result, received=result.received + self._clock_offset)

    def _retry(self, request: Callable[[], Result], budget: "_RetryBudget", limits: "_RetryLimits") -> Result | None:
        """The first successful result; None when the time is over or `limits` are reached."""
        failures: Counter[FailureKind] = Counter()
        while True:
            pause = self._limiter.remaining_pause()
            if pause > _MIN_REPORTED_PAUSE:
                budget.extend(pause)
                self._wait("the server asked another run to wait", pause)
            self._transport.give_up_at(time.monotonic() + budget.left + self._settings.read_seconds)
            try:
                return request()
            except ResponseError as error:
                failure = error
            if failure.kind is FailureKind.URI_TOO_LONG and not self._transport.always_post:
                self._transport.always_post = True
                continue
            failures[failure.kind] += 1
            budget.reason = str(failure)
            wait = self._wait_seconds(failure, failures.total(), budget)
            if wait <= 0 or limits.reached(failures, budget.elapsed):
                return None
            self._wait(budget.reason, wait)

    def _wait_seconds(self, failure: ResponseError, failures: int, budget: "_RetryBudget") -> float:
        """Seconds until the next attempt, 0 when the time is over. Throttling pauses the whole machine."""
        wait = _backoff(failures)
        if failure.kind is not FailureKind.THROTTLED:
            return min(wait, budget.left)
        retry_after = failure.retry_after or 0.0
        if retry_after > MAX_PAUSE_SECONDS:
            raise SourceError(
                f"{self._settings.host} asks to wait {retry_after / 60:,.0f} minutes; run the command again after that:"
                " the records fetched so far are kept"
            )
        budget.extend(retry_after)
        wait = min(max(wait, retry_after, _MIN_THROTTLED_WAIT), budget.left)
        self._limiter.pause(wait)
        return wait

    def _wait(self, reason: str, seconds: float) -> None:
        self._on_wait(reason, seconds)
        time.sleep(seconds)

    def _service_error(self, budget: "_RetryBudget") -> SourceError:
        return SourceError(
            f"{self._settings.host} gave no usable answer for {budget.elapsed:,.0f} seconds (last failure:"
            f" {budget.reason}); check the network or LITMINE_EUTILS_URL, and run the command again: the records"
            " fetched so far are kept"
        )

    def _compare_clocks(self, response: RawResponse) -> None:
        """Use the server's clock if this machine's is far off, because the lake orders versions by arrival time."""
        date = parse_http_date(str(response.headers.get("Date", "")))
        offset = timedelta(0) if date is None else date - response.received
        if abs(offset) <= _CLOCK_TOLERANCE:
            offset = timedelta(0)
        elif not self._clock_offset:
            self._on_wait("this machine's clock and the server's differ by minutes; the server's time is used", 0.0)
        self._clock_offset = offset


class _RetryBudget:
    """The time for all attempts at one request, in seconds, and the reason of the last failure."""

    def __init__(self, patience: float) -> None:
        self.reason = ""
        self._patience = patience
        self._extension = 0.0
        self._start = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the first attempt."""
        return time.monotonic() - self._start

    @property
    def left(self) -> float:
        """Seconds that remain."""
        return max(0.0, self._patience + self._extension - self.elapsed)

    def extend(self, seconds: float) -> None:
        """Add the time of a wait that the server asks for, in total at most ten minutes."""
        self._extension = min(self._extension + seconds, MAX_PAUSE_SECONDS)


@dataclass(frozen=True, slots=True)
class _RetryLimits:
    """Numbers of failures, damaged responses and seconds; beyond them the request itself may be at fault."""

    failures: float = math.inf
    damaged: float = math.inf
    seconds: float = math.inf

    def reached(self, failures: Counter[FailureKind], elapsed: float) -> bool:
        """Whether a limit is reached. Throttling does not count: it does not depend on the request."""
        total = failures.total() - failures[FailureKind.THROTTLED]
        late = total > 0 and elapsed > self.seconds
        return late or total >= self.failures or failures[FailureKind.DAMAGED] >= self.damaged


def _backoff(failures: int) -> float:
    """Seconds until the next attempt: exponential, with jitter so that clients do not retry at the same time."""
    longest = min(_MAX_WAIT, _FIRST_WAIT * 2.0 ** min(failures - 1, 16))
    return random.uniform(longest / 2, longest)


def _is_valid_unicode(text: str) -> bool:
    """Whether the text can be encoded: command-line arguments that are not UTF-8 contain lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

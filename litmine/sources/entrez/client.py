"""Questions to the E-utilities, asked until they are answered well: with backoff, within a time, and at whose fault.

A question that fails again and again is either the service's fault, and then everything waits and ends with one
sentence, or its own (one record that breaks PubMed's answer), and then the rest can go on without it. `fetch` tells
the two apart by asking for another record.
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
from litmine.sources.entrez.access import Access
from litmine.sources.entrez.limiter import LONGEST_PAUSE, Limiter
from litmine.sources.entrez.responses import (
    MOST_HITS,
    BadAnswer,
    Fault,
    Fetched,
    Hits,
    Reply,
    Unanswered,
    http_date,
    judge_fetch,
    judge_search,
)
from litmine.sources.entrez.transport import Wire

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_SLOW_DOWN = 1.0  # the least wait when the server is busy
_WORTH_TELLING = 0.5
# How often a question is asked before its fault is looked into; a list's answers that are damaged tell it sooner.
_TRIES, _DAMAGED_TRIES = 4, 2
# Clocks this far apart are not a matter of the way between them.
_CLOCKS_AGREE = timedelta(minutes=2)

Answer = TypeVar("Answer")


class Eutils:
    """ESearch and EFetch on PubMed. `waiting` is told the reason and the seconds before each wait, and other news."""

    def __init__(self, access: Access, waiting: Callable[[str, float], None] = lambda *_: None) -> None:
        self._access = access
        self._waiting = waiting
        self._limiter = Limiter(access.host, access.per_second)
        self._wire = Wire(access, self._limiter)
        self._known: tuple[int, ...] = ()
        self._ahead = timedelta(0)

    @property
    def ahead(self) -> timedelta:
        """How far the server's clock is ahead of this machine's, as far as it matters."""
        return self._ahead

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far."""
        return self._wire.requests

    def search(self, term: str, retmax: int = MOST_HITS) -> Hits:
        """What PubMed finds for `term`, and the first `retmax` of it.

        Raises SourceError when there is no good answer for `access.patience` seconds, SettingError when the term is
        no text to search for or the key is refused.
        """
        if not term.strip() or not _is_unicode(term):
            raise SettingError("the query is empty or is not UTF-8; say what to search for")
        trial = _Trial(self._access.patience)
        hits = self._persist(lambda: self._search(term, retmax), trial, _Enough())
        if hits is None:
            raise self._given_up(trial)
        return hits

    def fetch(self, pmids: Sequence[int]) -> Fetched:
        """The records of `pmids`, at least one, as far as PubMed has them.

        Raises Unanswered when PubMed is up and has no good answer to this; SourceError when it gives none to anything
        for `access.patience` seconds; SettingError when the key is refused.
        """
        trial = _Trial(self._access.patience)
        single = len(pmids) == 1
        enough = _Enough(_TRIES, _TRIES if single else _DAMAGED_TRIES, self._access.patience / 2)
        fetched = self._persist(lambda: self._fetch(pmids), trial, enough)
        if fetched is None:
            self._probe(pmids, trial)
            # The service may have been down until now. A list can be cut and asked again; for one record this is it.
            fetched = self._persist(lambda: self._fetch(pmids), trial, _Enough(_TRIES)) if single else None
        if fetched is None:
            raise Unanswered(trial.reason)
        self._known = tuple(sorted(fetched.pmids)[:1]) or self._known
        return fetched

    def _probe(self, pmids: Sequence[int], trial: "_Trial") -> None:
        """Return when the service answers another question well. Raises SourceError when it does not in time."""
        reason = trial.reason
        other = next(pmid for pmid in chain(self._known, count(1)) if pmid not in pmids)
        if self._persist(lambda: self._fetch([other]), trial, _Enough()) is None:
            raise self._given_up(trial)
        trial.reason = reason

    def _search(self, term: str, retmax: int) -> Hits:
        reply = self._wire.ask("esearch", term=term, retmax=retmax)
        self._compare_clocks(reply)
        return judge_search(reply, retmax, self._access.key)

    def _fetch(self, pmids: Sequence[int]) -> Fetched:
        reply = self._wire.ask("efetch", id=",".join(map(str, pmids)))
        self._compare_clocks(reply)
        fetched = judge_fetch(reply, self._access.key)
        return replace(fetched, received=fetched.received + self._ahead)

    def _persist(self, ask: Callable[[], Answer], trial: "_Trial", enough: "_Enough") -> Answer | None:
        """The first good answer; None when the patience is over, or the failures are enough."""
        failed: Counter[Fault] = Counter()
        while True:
            paused = self._limiter.paused()
            if paused > _WORTH_TELLING:
                trial.extend(paused)
                self._rest("the server asked another run to wait", paused)
            try:
                return ask()
            except BadAnswer as bad:
                failure = bad
            if failure.fault is Fault.TOO_LONG and not self._wire.posting:
                self._wire.posting = True
                continue
            failed[failure.fault] += 1
            trial.reason = str(failure)
            wait = self._wait(failure, failed.total(), trial)
            if wait <= 0 or enough.reached(failed, trial.seconds):
                return None
            self._rest(trial.reason, wait)

    def _wait(self, failure: BadAnswer, failures: int, trial: "_Trial") -> float:
        """How long to wait after a failure, 0 when no time is left; everyone on this machine, if the server asks it."""
        wait = _backoff(failures)
        if failure.fault is not Fault.BUSY:
            return min(wait, trial.left)
        asked = failure.retry_after or 0.0
        if asked > LONGEST_PAUSE:
            raise SourceError(
                f"{self._access.host} asks to wait {asked / 60:,.0f} minutes; run the command again after that: what"
                " was fetched is kept"
            )
        trial.extend(asked)
        wait = min(max(wait, asked, _SLOW_DOWN), trial.left)
        self._limiter.pause(wait)
        return wait

    def _rest(self, reason: str, seconds: float) -> None:
        self._waiting(reason, seconds)
        time.sleep(seconds)

    def _given_up(self, trial: "_Trial") -> SourceError:
        return SourceError(
            f"{self._access.host} gave no good answer for {trial.seconds:,.0f} seconds, the last time because"
            f" {trial.reason}; check the network or LITMINE_EUTILS_URL, and run the command again: what was fetched is"
            " kept"
        )

    def _compare_clocks(self, reply: Reply) -> None:
        """The lake orders versions by when they came: by the server's clock, if this machine's is far off."""
        date = http_date(str(reply.headers.get("Date", "")))
        ahead = timedelta(0) if date is None else date - reply.received
        if abs(ahead) <= _CLOCKS_AGREE:
            ahead = timedelta(0)
        elif not self._ahead:
            self._waiting("this machine's clock and the server's differ by minutes; the server's time is used", 0.0)
        self._ahead = ahead


class _Trial:
    """One question and its time: how long it has been tried, how long it will be, and the last reason why in vain."""

    def __init__(self, patience: float) -> None:
        self.reason = ""
        self._patience = patience
        self._asked = 0.0
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has been tried."""
        return time.monotonic() - self._began

    @property
    def left(self) -> float:
        """How long it will be tried."""
        return max(0.0, self._patience + self._asked - self.seconds)

    def extend(self, seconds: float) -> None:
        """Waiting that the server asks for does not count, up to ten minutes of it."""
        self._asked = min(self._asked + seconds, LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class _Enough:
    """When a question has failed so often, or for so many seconds, that it may itself be at fault."""

    tries: float = math.inf
    damaged: float = math.inf
    seconds: float = math.inf

    def reached(self, failed: Counter[Fault], seconds: float) -> bool:
        """A busy server is not the question's doing, and does not count."""
        failures = failed.total() - failed[Fault.BUSY]
        late = failures > 0 and seconds > self.seconds
        return late or failures >= self.tries or failed[Fault.DAMAGED] >= self.damaged


def _backoff(failures: int) -> float:
    """How long to wait for the next try: longer each time, and not as long as others who failed with us."""
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(failures - 1, 16))
    return random.uniform(longest / 2, longest)


def _is_unicode(text: str) -> bool:
    """Whether the text can be sent: arguments that are not UTF-8 reach Python as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

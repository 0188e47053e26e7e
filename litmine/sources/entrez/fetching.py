"""The records of a list of PMIDs: in chunks, halved where PubMed fails, and asked for again where it left some out."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from litmine.sources.entrez.responses import Fetched, Unanswered

Fetch = Callable[[Sequence[int]], Fetched]

# PMIDs of the first request; doubled while all goes well. A list of 2,000 is about 30 MB of XML, and one part.
FIRST_CHUNK, LARGEST_CHUNK = 500, 2_000
# How often a PMID is asked for again that a good answer left out, before it counts as absent.
_ROUNDS = 3
_NO_RECORD = "PubMed gives no record of it: it was withdrawn, merged into another, or is not public"


@dataclass(frozen=True, slots=True)
class Absent:
    """A PMID whose record could not be had, and why."""

    pmid: int
    why: str


def retrieve(pmids: Iterable[int], fetch: Fetch) -> Iterator[Fetched | Absent]:
    """Yield answers until each PMID stood in one, or is told as absent. Raises what `fetch` raises but Unanswered."""
    rounds = _Rounds(fetch)
    missing = yield from rounds.ask(sorted(set(pmids)))
    for _ in range(_ROUNDS):
        if missing:
            missing = yield from rounds.ask(missing)
    if missing and rounds.unreadable:
        # Which of them is the record that cannot be read shows only when each is asked for alone.
        rounds.alone()
        missing = yield from rounds.ask(missing)
    for pmid in missing:
        yield Absent(pmid, rounds.unreadable.get(pmid, _NO_RECORD))


class _Rounds:
    """One pass after another over what is still to be had."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._chunk = FIRST_CHUNK
        self._largest = LARGEST_CHUNK
        self.unreadable: dict[int, str] = {}

    def alone(self) -> None:
        """From now on ask for each PMID by itself, so that an answer's trouble is that PMID's."""
        self._largest = 1
        self.unreadable.clear()

    def ask(self, pmids: list[int]) -> Generator[Fetched | Absent, None, list[int]]:
        """Ask for each; returns those that a good answer left out."""
        missing: list[int] = []
        queue = deque([pmids] if pmids else [])
        while queue:
            chunk = self._next(queue)
            try:
                fetched = self._fetch(chunk)
            except Unanswered as failure:
                if len(chunk) == 1:
                    yield Absent(chunk[0], f"PubMed could not give it: {failure}")
                    continue
                # After the rest, so that a bad patch of PubMed's has time to pass.
                half = len(chunk) // 2
                self._chunk = half
                queue += [chunk[:half], chunk[half:]]
                continue
            self._chunk = min(self._chunk * 2, self._largest)
            left_out = [pmid for pmid in chunk if pmid not in fetched.pmids]
            self.unreadable |= dict.fromkeys(left_out, fetched.unreadable[0]) if fetched.unreadable else {}
            missing += left_out
            yield fetched
        return sorted(missing)

    def _next(self, queue: deque[list[int]]) -> list[int]:
        """Take the next chunk off the front of the queue."""
        first = queue.popleft()
        size = min(self._chunk, self._largest)
        if len(first) > size:
            queue.appendleft(first[size:])
        return first[:size]

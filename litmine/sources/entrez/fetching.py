"""Fetch the records of a list of PMIDs in batches, halve a batch that PubMed cannot answer, and retry missing PMIDs."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from litmine.sources.entrez.responses import EfetchResult, PersistentRequestError

EfetchFunction = Callable[[Sequence[int]], EfetchResult]

# PMIDs of the first request; the size doubles while requests succeed. 2,000 records are about 30 MB of XML, and one
# part of the lake.
FIRST_BATCH_SIZE, MAX_BATCH_SIZE = 500, 2_000
# How often a PMID that a complete response left out is requested again before it counts as missing.
_RETRY_ROUNDS = 3
_NO_RECORD = "PubMed has no record for it: it was withdrawn, merged into another record, or is not public"


@dataclass(frozen=True, slots=True)
class MissingRecord:
    """A PMID whose record PubMed did not return, and the reason."""

    pmid: int
    why: str


def fetch_records(pmids: Iterable[int], efetch: EfetchFunction) -> Iterator[EfetchResult | MissingRecord]:
    """Yield results until each PMID was in one, or was yielded as missing.

    Raises what `efetch` raises, except PersistentRequestError.
    """
    fetcher = _BatchFetcher(efetch)
    missing = yield from fetcher.fetch(sorted(set(pmids)))
    for _ in range(_RETRY_ROUNDS):
        if missing:
            missing = yield from fetcher.fetch(missing)
    if missing and fetcher.unreadable:
        # Only single requests show which PMID has the unreadable record.
        fetcher.use_single_requests()
        missing = yield from fetcher.fetch(missing)
    for pmid in missing:
        yield MissingRecord(pmid, fetcher.unreadable.get(pmid, _NO_RECORD))


class _BatchFetcher:
    """Fetches lists of PMIDs and adapts the batch size; `unreadable` maps PMIDs to the reason of a failed parse."""

    def __init__(self, efetch: EfetchFunction) -> None:
        self._efetch = efetch
        self._batch_size = FIRST_BATCH_SIZE
        self._max_batch_size = MAX_BATCH_SIZE
        self.unreadable: dict[int, str] = {}

    def use_single_requests(self) -> None:
        """From now on request each PMID alone, so that a failure belongs to that PMID."""
        self._max_batch_size = 1
        self.unreadable.clear()

    def fetch(self, pmids: list[int]) -> Generator[EfetchResult | MissingRecord, None, list[int]]:
        """Fetch each PMID once; returns those that complete responses left out."""
        missing: list[int] = []
        queue = deque([pmids] if pmids else [])
        while queue:
            batch = self._next_batch(queue)
            try:
                result = self._efetch(batch)
            except PersistentRequestError as failure:
                if len(batch) == 1:
                    yield MissingRecord(batch[0], f"PubMed could not return it: {failure}")
                    continue
                # Retry the halves after the rest: by then, a temporary problem of PubMed may be over.
                half = len(batch) // 2
                self._batch_size = half
                queue += [batch[:half], batch[half:]]
                continue
            self._batch_size = min(self._batch_size * 2, self._max_batch_size)
            left_out = [pmid for pmid in batch if pmid not in result.pmids]
            self.unreadable |= dict.fromkeys(left_out, result.unreadable[0]) if result.unreadable else {}
            missing += left_out
            yield result
        return sorted(missing)

    def _next_batch(self, queue: deque[list[int]]) -> list[int]:
        """Take the next batch from the front of the queue."""
        first = queue.popleft()
        size = min(self._batch_size, self._max_batch_size)
        if len(first) > size:
            queue.appendleft(first[size:])
        return first[:size]

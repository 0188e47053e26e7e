"""What all requests share: the queries, the search index, the concepts and the loaded models."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from litmine.errors import LitmineError
from litmine.explore.arrays import LakeArrays, read_arrays
from litmine.explore.article_table import read_article_table
from litmine.explore.concept_tables import ConceptTables, read_concept_tables
from litmine.explore.concepts import ConceptNames, ConceptSources, Signals, read_names, read_signals
from litmine.explore.discovery import Discoveries, read_graph
from litmine.explore.overview import read_overview
from litmine.explore.queries import LakeQueries, RequestLimits
from litmine.explore.scratch import ScratchLake
from litmine.explore.search import SearchSources
from litmine.explore.shared import Shared
from litmine.lake.lake import Lake
from litmine.search.index import SearchIndex

T = TypeVar("T")
# An overview is read again when a request finds it so old.
_OVERVIEW_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Services:
    """The shared parts of the application over one lake."""

    queries: LakeQueries
    index: Shared[SearchIndex]
    shared_arrays: Shared[LakeArrays]
    shared_tables: Shared[ConceptTables]
    shared_overview: Shared[dict[str, Any]]
    names: ConceptNames
    signals: Signals
    discoveries: Discoveries
    scratch: ScratchLake

    @classmethod
    def open(cls, lake: Lake, limits: RequestLimits | None = None) -> Self:
        """Prepare them; nothing of the lake is read yet."""
        queries = LakeQueries(lake, limits)
        preparing = LakeQueries.for_preparing(lake, queries.limits)
        turns = threading.Lock()

        def shared(make: Callable[[], T], name: str) -> Shared[T]:
            def make_and_close() -> T:
                try:
                    return make()
                finally:
                    # An idle connection keeps memory.
                    preparing.close()

            return Shared(make_and_close, name, queries.limits.patience, turns)

        queries.article_table = shared(lambda: read_article_table(preparing), "the columns of articles")
        tables = shared(lambda: read_concept_tables(preparing), "the relations of concepts")
        return cls(
            queries,
            shared(lambda: SearchIndex.open(lake), "the search index"),
            shared(lambda: read_arrays(preparing), "the list of articles"),
            tables,
            shared(lambda: read_overview(preparing), "the numbers of the lake"),
            ConceptNames(queries, shared(lambda: read_names(preparing), "the names of concepts")),
            Signals(queries, shared(lambda: read_signals(preparing), "adverse-event signals")),
            Discoveries(queries, shared(lambda: read_graph(preparing), "the network of concepts"), tables),
            ScratchLake(queries.limits.wait),
        )

    def arrays(self) -> LakeArrays:
        """The articles as arrays, of this state of the lake or an earlier one. Raises as `LakeQueries.open`."""
        return self.shared_arrays.get(self.queries.state())

    def tables(self) -> ConceptTables:
        """Spellings, relations and adverse events, as `arrays`."""
        return self.shared_tables.get(self.queries.state())

    def overview(self) -> dict[str, Any]:
        """What the lake contains and lacks. Besides files, locks and journals tell it, so it is read again in time."""
        return self.shared_overview.get(f"{self.queries.state()} {time.monotonic() // _OVERVIEW_SECONDS}")

    def overview_is_behind(self) -> bool:
        """Whether the lake changed since the latest overview was read."""
        return self.shared_overview.state.partition(" ")[0] not in ("", self.queries.state())

    def concept_sources(self) -> ConceptSources:
        """What the page of a concept is made from. Raises as `LakeQueries.open`."""
        return ConceptSources(self.queries, self.names, self.signals, self.arrays(), self.tables())

    def search_sources(self) -> SearchSources:
        """What a search reads. Raises as `arrays`."""
        return SearchSources(self.queries, self.index, self.arrays(), self.names)

    def warm_up(self) -> None:
        """Prepare everything that pages need, one after the other, so that the first request waits less."""
        with suppress(LitmineError):  # a request reports the error
            state = self.queries.state()
            for shared in self._all_shared():
                shared.prepare(self.queries.articles_state() if shared is self.index else state)

    def close(self) -> None:
        """Wait for the reading that is under way, read nothing more, and delete temporary files."""
        everything = self._all_shared()
        for shared in everything:
            shared.stop()
        for shared in everything:
            shared.wait()
        self.discoveries.close()
        self.queries.close()
        self.scratch.close()

    def _all_shared(self) -> tuple[Shared[Any], ...]:
        return (
            *filter(None, [self.queries.article_table]),
            self.names.shared,
            self.shared_arrays,
            self.shared_tables,
            self.index,
            self.signals.shared,
            self.shared_overview,
            self.discoveries.shared,
        )

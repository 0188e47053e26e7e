"""What all requests share: the queries, the search index, the concepts and the loaded models."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from litmine.errors import LitmineError
from litmine.explore.arrays import LakeArrays, read_arrays
from litmine.explore.concept_tables import ConceptTables, read_concept_tables
from litmine.explore.concepts import ConceptNames, ConceptSources, Signals
from litmine.explore.discovery import Discoveries
from litmine.explore.overview import read_overview
from litmine.explore.queries import LakeQueries, RequestLimits
from litmine.explore.scratch import ScratchLake
from litmine.explore.shared import Shared
from litmine.lake.lake import Lake
from litmine.search.index import SearchIndex

# An overview is read again when a request finds it so old.
_OVERVIEW_SECONDS = 10


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
    closed: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    @classmethod
    def open(cls, lake: Lake, limits: RequestLimits | None = None) -> Self:
        """Prepare them; nothing of the lake is read yet."""
        queries = LakeQueries(lake, limits)
        return cls(
            queries,
            Shared(lambda: SearchIndex.open(lake)),
            Shared(lambda: read_arrays(queries)),
            Shared(lambda: read_concept_tables(queries)),
            Shared(lambda: read_overview(queries)),
            ConceptNames(queries),
            Signals(queries),
            Discoveries(queries),
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

    def concept_sources(self) -> ConceptSources:
        """What the page of a concept is made from. Raises as `LakeQueries.open`."""
        return ConceptSources(self.queries, self.names, self.signals, self.arrays(), self.tables())

    def warm_up(self) -> None:
        """Open the index and read concepts and signals on another thread, so that the first request waits less."""

        def read() -> None:
            steps = (
                self.names.types,
                self.arrays,
                self.tables,
                lambda: self.index.get(self.queries.state()),
                lambda: self.signals.of(""),
            )
            with suppress(LitmineError):  # the request that needs it reports the error
                for step in steps:
                    if not self.closed.is_set():
                        step()

        # No daemon, as in `Shared`: `close` waits for the step that runs.
        self.threads.append(threading.Thread(target=read, name="warm-up"))
        self.threads[-1].start()

    def close(self) -> None:
        """Wait for the reading that is under way, read nothing more, and delete temporary files."""
        self.closed.set()
        for thread in self.threads:
            thread.join()
        for shared in (
            self.index,
            self.shared_arrays,
            self.shared_tables,
            self.shared_overview,
            self.names.shared,
            self.signals.shared,
            self.discoveries.shared,
        ):
            shared.wait()
        self.queries.close()
        self.scratch.close()

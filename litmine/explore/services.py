"""What all requests share: the queries, the search index, the concepts and the loaded models."""

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from litmine.errors import LitmineError
from litmine.explore.concepts import ConceptNames, Signals
from litmine.explore.queries import LakeQueries, RequestLimits
from litmine.explore.scratch import ScratchLake
from litmine.explore.shared import Shared
from litmine.lake.lake import Lake
from litmine.search.index import SearchIndex


@dataclass(frozen=True, slots=True)
class Services:
    """The shared parts of the application over one lake."""

    queries: LakeQueries
    index: Shared[SearchIndex]
    names: ConceptNames
    signals: Signals
    scratch: ScratchLake

    @classmethod
    def open(cls, lake: Lake, limits: RequestLimits | None = None) -> Self:
        """Prepare them; nothing of the lake is read yet."""
        queries = LakeQueries(lake, limits)
        return cls(
            queries,
            Shared(lambda: SearchIndex.open(lake)),
            ConceptNames(queries),
            Signals(queries),
            ScratchLake(queries.limits.wait),
        )

    def warm_up(self) -> None:
        """Open the index and read concepts and signals on another thread, so that the first request waits less."""

        def read() -> None:
            with suppress(LitmineError):  # the request that needs it reports the error
                self.names.types()
                self.index.get(self.queries.state())
                self.signals.of("")

        threading.Thread(target=read, name="warm-up", daemon=True).start()

    def close(self) -> None:
        """Delete temporary files."""
        self.scratch.close()

"""Which articles a SQL condition over the view `articles` lets through."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from litmine.errors import QueryError
from litmine.lake.lake import Lake

# A question or two look their candidates up; from then on, and where there are few articles at once, it is cheaper to
# know all that pass.
_LOOKUPS = 4
_SMALL = 2_000
_LOOKED_UP = 1_000
_FEW = 10_000


class Condition:
    """A condition as one writes it after WHERE, over so many articles. Raises QueryError for an empty one."""

    def __init__(self, lake: Lake, where: str, articles: int) -> None:
        if not where.strip():
            raise QueryError("the condition is empty; write one like: year >= 2020 and not retracted")
        self._lake = lake
        self._where = where
        self._lookups = _LOOKUPS if articles > _SMALL else 0
        self._all: npt.NDArray[np.int64] | None = None

    def passing(self, pmids: Sequence[int]) -> set[int]:
        """Those of the PMIDs whose articles pass. Raises QueryError, in one sentence, when it is no condition."""
        if self._all is None and self._lookups and len(pmids) <= _LOOKED_UP:
            self._lookups -= 1
            among = f"pmid IN (SELECT unnest([{', '.join(map(str, pmids))}]::BIGINT[]))"
            return {int(pmid) for batch in self._select(among) for pmid in batch}.intersection(pmids)
        if self._all is None:
            self._all = np.unique(np.concatenate([np.empty(0, np.int64), *self._select("true")]))
        candidates = np.asarray(pmids, np.int64)
        places = np.searchsorted(self._all, candidates)
        known = places < len(self._all)
        return set(candidates[known][self._all[places[known]] == candidates[known]].tolist())

    def few(self) -> list[int] | None:
        """All the PMIDs that pass, when they are known and few."""
        return self._all.tolist() if self._all is not None and len(self._all) <= _FEW else None

    def _select(self, among: str) -> Iterator[npt.NDArray[np.int64]]:
        # The line break ends a comment.
        query = f"SELECT pmid FROM articles WHERE {among} AND (\n{self._where}\n)"
        try:
            rows = self._lake.select(query)
            if str(rows.schema.field(0).type) != "int64":
                raise QueryError("it is more than a condition")
            for batch in rows:
                yield batch.column(0).drop_null().to_numpy()
        except QueryError as error:
            said = str(error).removeprefix("the query cannot be answered: ")
            raise QueryError(f"the condition {self._where!r} cannot be tried on `articles`: {said}") from error

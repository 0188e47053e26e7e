"""Questions to ranked articles: a lake's BM25 index, as it stands when it is opened.

Which articles a SQL condition over the view `articles` lets through.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn, cast

import numpy as np
import numpy.typing as npt

from litmine.errors import LakeError, QueryError, SettingError
from litmine.lake.lake import Lake
from litmine.lake.lock import exclusive
from litmine.search.index_state import digest, read_state, search_folder, state_file
from litmine.search.index_update import update
from litmine.search.terms import load, question_terms

if TYPE_CHECKING:
    import tantivy


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


# In which order tantivy adds up a score depends on where the document stands: the last bits are history.
_DECIMALS = 3
_SPARE = 16
_MOST_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that has terms of the question: `score` is BM25's (k1 1.2, b 0.75), `rank` counts from 1."""

    pmid: int
    text_hash: int
    score: float
    rank: int


class SearchIndex:
    """A lake's current articles as they were when it was opened, whatever other processes do since; see `open`."""

    def __init__(self, lake: Lake, index: "tantivy.Index", searcher: "tantivy.Searcher") -> None:
        self._lake = lake
        self._schema = index.schema
        self._searcher = searcher
        self._condition: tuple[str, Condition] | None = None

    @classmethod
    def open(cls, lake: Lake) -> "SearchIndex":
        """The lake's index, brought up to date first: at once when it is, after its update by another process.

        Raises LakeError when the lake is damaged or its folder `search` cannot be written.
        """
        found = cls._open(lake, digest(lake.parts()))
        if found is None:
            with exclusive(lake.place, "search", wait=True):
                found = cls._open(lake, digest(lake.parts()))
                if found is None:
                    update(lake)
                    found = cls._open(lake, None)
        if found is None:
            raise LakeError(f"{search_folder(lake.place)} cannot be read; delete it, and the next search makes it anew")
        return found

    @classmethod
    def _open(cls, lake: Lake, parts: str | None) -> "SearchIndex | None":
        """The index, if it is finished, and made of these parts if any are named."""
        state = read_state(lake.place)
        if state is None or state.parts is None or parts not in (None, state.parts):
            return None
        try:
            index = load(search_folder(lake.place) / state.folder)
            searcher = index.searcher()
        except ValueError:
            return None
        # Nothing is committed before the state has changed, so that this is what the state told of.
        is_whole = searcher.num_docs == state.documents and read_state(lake.place) == state
        return cls(lake, index, searcher) if is_whole else None

    def __len__(self) -> int:
        """The number of articles."""
        return self._searcher.num_docs

    def search(self, question: str, top_k: int, where: str | None = None) -> list[Hit]:
        """The `top_k` articles with the highest scores, fewer where fewer have any term of the question; ties by PMID.

        `where` is a SQL condition over the view `articles`, which each of them passes. Any text is a question. Raises
        SettingError for a `top_k` below 1, QueryError, in one sentence, for a bad condition, LakeError for a damaged
        index.
        """
        if top_k < 1:
            raise SettingError(f"the number of articles to retrieve is {top_k}; it must be at least 1")
        query = self._query(question)
        condition = self._compiled(where)
        kept: list[_Scored] = []
        offset, limit = 0, top_k + _SPARE
        while True:
            limit = max(1, min(limit, len(self)))
            page = self._page(query, limit, offset)
            if condition is None:
                kept += page
            else:
                passing = condition.passing([scored.pmid for scored in page])
                kept += [scored for scored in page if scored.pmid in passing]
            kept = sorted(kept, key=lambda scored: (-scored.score, scored.pmid))[:top_k]
            # What has not been fetched scores at most as much as the last; an equal score may still win by its PMID.
            if len(page) < limit or (len(kept) == top_k and page[-1].score < kept[-1].score):
                return [Hit(it.pmid, it.text_hash, it.score, rank) for rank, it in enumerate(kept, 1)]
            offset += limit
            limit = min(4 * limit, _MOST_AT_ONCE)
            if condition is not None and (few := condition.few()) is not None:
                query, condition, kept, offset = self._restricted(query, few), None, [], 0

    def _compiled(self, where: str | None) -> Condition | None:
        if where is None:
            return None
        if self._condition is None or self._condition[0] != where:
            self._condition = where, Condition(self._lake, where, len(self))
        return self._condition[1]

    def _query(self, question: str) -> "tantivy.Query":
        from tantivy import Occur, Query

        return Query.boolean_query(
            [
                (Occur.Should, Query.boost_query(Query.term_query(self._schema, "text", term, "freq"), times))
                for term, times in question_terms(question).items()
            ]
        )

    def _restricted(self, query: "tantivy.Query", pmids: Iterable[int]) -> "tantivy.Query":
        from tantivy import Occur, Query

        among = Query.term_set_query(self._schema, "pmid", list(pmids))
        return Query.boolean_query([(Occur.Must, query), (Occur.Must, Query.const_score_query(among, 0))])

    def _page(self, query: "tantivy.Query", limit: int, offset: int) -> "list[_Scored]":
        try:
            found = self._searcher.search(query, limit, count=False, offset=offset).hits
            places = [place for _, place in found]
            pmids = cast("list[int]", self._searcher.fast_field_values("pmid", places))
            text_hashes = cast("list[int]", self._searcher.fast_field_values("text_hash", places))
        except BaseException as error:
            # A panic of tantivy's is no Exception.
            if isinstance(error, ValueError) or type(error).__name__ == "PanicException":
                self._give_up(error)
            raise
        return [
            _Scored(pmid, text_hash, round(score, _DECIMALS))
            for (score, _), pmid, text_hash in zip(found, pmids, text_hashes, strict=True)
        ]

    def _give_up(self, error: BaseException) -> NoReturn:
        """See that the next one to open the index makes it anew."""
        with suppress(OSError):
            state_file(self._lake.place).unlink(missing_ok=True)
        raise LakeError(
            f"{search_folder(self._lake.place)} is damaged ({' '.join(str(error).split())}); "
            "run the command again, and it is made anew"
        ) from error


class _Scored(NamedTuple):
    pmid: int
    text_hash: int
    score: float

"""Search a lake's BM25 index: the articles that match a question, optionally filtered by a SQL condition."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn, cast

import numpy as np
import numpy.typing as npt

from litmine.errors import LakeError, QueryError, SettingError
from litmine.lake.file_writer import delete_file
from litmine.lake.lake import Lake
from litmine.lake.lock import hold_lock
from litmine.lake.query import condition_error
from litmine.search.index_state import open_index, parts_digest, read_state, search_folder, state_file
from litmine.search.index_update import update_index
from litmine.search.terms import question_terms

if TYPE_CHECKING:
    import tantivy


# `ArticleFilter` checks the candidates of the first few pages by PMID. For more pages, or in a small index, it is
# cheaper to find all matching articles once.
_MAX_LOOKUPS = 4
_LOOKUPS_ABOVE_ARTICLES = 2_000
_MAX_LOOKUP_PMIDS = 1_000
# Up to this many matching articles, the index is searched for these articles only.
_MAX_LISTED_PMIDS = 10_000

# The `scope` of a search over all articles.
EVERYWHERE = "true"

# Scores are rounded: their last bits depend on the order in which tantivy adds terms, which depends on earlier updates
# of the index.
_SCORE_DECIMALS = 3
# A page is larger than `top_k`, so that filtered articles and equal scores seldom need a second page.
_SPARE_HITS = 16
_MAX_PAGE_SIZE = 100_000


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that contains terms of the question.

    text_hash: the hash of the indexed text. score: BM25 with k1 = 1.2 and b = 0.75. rank: counts from 1.
    """

    pmid: int
    text_hash: int
    score: float
    rank: int


class SearchIndex:
    """The BM25 index of a lake's current articles. It does not change after `open`, whatever other processes do."""

    def __init__(self, lake: Lake, index: "tantivy.Index", searcher: "tantivy.Searcher") -> None:
        self._lake = lake
        self._schema = index.schema
        self._searcher = searcher
        self._last_filter: tuple[tuple[str | None, str], ArticleFilter] | None = None

    @classmethod
    def open(cls, lake: Lake) -> "SearchIndex":
        """Open the lake's index and update it first if needed; wait for another process that is updating it.

        Raises LakeError when the lake is damaged or its folder `search` cannot be written.
        """
        index = cls._open_finished(lake, parts_digest(lake.parts()))
        if index is None:
            with hold_lock(lake.location, "search", wait=True):
                index = cls._open_finished(lake, parts_digest(lake.parts()))
                if index is None:
                    update_index(lake)
                    index = cls._open_finished(lake, None)
        if index is None:
            raise LakeError(
                f"{search_folder(lake.location)} cannot be read; delete it, and the next search rebuilds it"
            )
        return index

    @classmethod
    def _open_finished(cls, lake: Lake, parts: str | None) -> "SearchIndex | None":
        """Open the index if it is finished and, unless `parts` is None, was made from the parts with this digest."""
        state = read_state(lake.location)
        if state is None or state.parts is None or parts not in (None, state.parts):
            return None
        try:
            index = open_index(lake.location, state)
            searcher = index.searcher()
        except ValueError:
            return None
        # An update changes the state file before it commits, so an unchanged state describes this searcher.
        is_complete = searcher.num_docs == state.documents and read_state(lake.location) == state
        return cls(lake, index, searcher) if is_complete else None

    def __len__(self) -> int:
        """The number of articles."""
        return self._searcher.num_docs

    def search(
        self,
        question: str,
        top_k: int,
        where: str | None = None,
        scope: str = EVERYWHERE,
        among: "ArticleList | None" = None,
    ) -> list[Hit]:
        """Find the `top_k` articles with the highest scores, in this order; equal scores are sorted by PMID.

        There are fewer hits if fewer articles contain a term of the question. Any text is a valid question. `where` is
        a user's SQL condition on the view `articles` that every hit must fulfil, and `scope` another one by litmine
        itself; `among`, in place of both, has the articles that may be hits. Raises SettingError for a `top_k` below 1,
        QueryError with the user's condition when it is invalid, LakeError for a damaged index.
        """
        if top_k < 1:
            raise SettingError(f"the number of articles to retrieve must be at least 1, not {top_k}")
        query = self._query(question)
        article_filter = self._filter(where, scope) if among is None else among
        best: list[_ScoredArticle] = []
        offset, limit = 0, top_k + _SPARE_HITS
        while True:
            limit = max(1, min(limit, len(self)))
            page = self._page(query, limit, offset)
            matching = None if article_filter is None else article_filter.matching(page.pmids)
            best += page.articles(matching, best[-1].score if len(best) == top_k else 0)
            best = sorted(best, key=lambda article: (-article.score, article.pmid))[:top_k]
            # Later pages have no higher scores, but an equal score may still win by its PMID.
            if len(page.pmids) < limit or (len(best) == top_k and page.last_score < best[-1].score):
                return [Hit(hit.pmid, hit.text_hash, hit.score, rank) for rank, hit in enumerate(best, 1)]
            offset += limit
            limit = min(4 * limit, _MAX_PAGE_SIZE)
            if article_filter is not None and (pmids := article_filter.listed_pmids()) is not None:
                query, article_filter, best, offset = self._restricted(query, pmids), None, [], 0

    def _filter(self, where: str | None, scope: str) -> "ArticleFilter | None":
        if where is None and scope == EVERYWHERE:
            return None
        if self._last_filter is None or self._last_filter[0] != (where, scope):
            self._last_filter = (where, scope), ArticleFilter(self._lake, where, scope, len(self))
        return self._last_filter[1]

    def _query(self, question: str) -> "tantivy.Query":
        from tantivy import Occur, Query

        return Query.boolean_query(
            [
                (Occur.Should, Query.boost_query(Query.term_query(self._schema, "text", term, "freq"), frequency))
                for term, frequency in question_terms(question).items()
            ]
        )

    def _restricted(self, query: "tantivy.Query", pmids: Iterable[int]) -> "tantivy.Query":
        """The query limited to these articles; the scores stay the same."""
        from tantivy import Occur, Query

        in_pmids = Query.term_set_query(self._schema, "pmid", list(pmids))
        return Query.boolean_query([(Occur.Must, query), (Occur.Must, Query.const_score_query(in_pmids, 0))])

    def _page(self, query: "tantivy.Query", limit: int, offset: int) -> "_Page":
        """The articles at positions `offset` to `offset + limit` of the ranking."""
        try:
            hits = self._searcher.search(query, limit, count=False, offset=offset).hits
            addresses = [address for _, address in hits]
            pmids = cast("list[int]", self._searcher.fast_field_values("pmid", addresses))
            text_hashes = cast("list[int]", self._searcher.fast_field_values("text_hash", addresses))
        except BaseException as error:
            # A panic in tantivy is not a subclass of Exception.
            if isinstance(error, ValueError) or type(error).__name__ == "PanicException":
                self._discard_damaged(error)
            raise
        return _Page([score for score, _ in hits], pmids, text_hashes)

    def _discard_damaged(self, error: BaseException) -> NoReturn:
        """Delete the state file, so that the next `open` rebuilds the index, and raise LakeError."""
        with suppress(LakeError):
            delete_file(state_file(self._lake.location))
        raise LakeError(
            f"{search_folder(self._lake.location)} is damaged ({' '.join(str(error).split())}); "
            "run the command again to rebuild it"
        ) from error


class ArticleList:
    """Articles that a caller has found, by PMID."""

    def __init__(self, pmids: npt.NDArray[np.integer]) -> None:
        """pmids: sorted, each once."""
        self._pmids = pmids

    def matching(self, pmids: Sequence[int]) -> set[int]:
        """Those of `pmids` that are on the list."""
        candidates = np.asarray(pmids, np.int64)
        positions = np.searchsorted(self._pmids, candidates)
        in_range = positions < len(self._pmids)
        is_match = self._pmids[positions[in_range]] == candidates[in_range]
        return set(candidates[in_range][is_match].tolist())

    def listed_pmids(self) -> list[int] | None:
        """The list; None if it is too long for a query."""
        if len(self._pmids) > _MAX_LISTED_PMIDS:
            return None
        pmids: list[int] = self._pmids.tolist()
        return pmids


class ArticleFilter:
    """Tells which articles fulfil SQL conditions, as written after WHERE, on the view `articles`.

    `where` and `scope` as in `SearchIndex.search`. `articles` is the number of articles in the index. Raises QueryError
    for an empty condition.
    """

    def __init__(self, lake: Lake, where: str | None, scope: str, articles: int) -> None:
        if where is not None and not where.strip():
            raise QueryError("the condition is empty; write one like: year >= 2020 and not retracted")
        self._lake = lake
        self._where, self._scope = where, scope
        self._lookups_left = _MAX_LOOKUPS if articles > _LOOKUPS_ABOVE_ARTICLES else 0
        self._all_matching: ArticleList | None = None

    def matching(self, pmids: Sequence[int]) -> set[int]:
        """The PMIDs among `pmids` whose articles fulfil the condition. Raises QueryError if it is invalid."""
        if self._all_matching is None and self._lookups_left and len(pmids) <= _MAX_LOOKUP_PMIDS:
            self._lookups_left -= 1
            in_pmids = f"pmid IN (SELECT unnest([{', '.join(map(str, pmids))}]::BIGINT[]))"
            return {int(pmid) for batch in self._select(in_pmids) for pmid in batch}.intersection(pmids)
        if self._all_matching is None:
            self._all_matching = ArticleList(np.unique(np.concatenate([np.empty(0, np.int64), *self._select("true")])))
        return self._all_matching.matching(pmids)

    def listed_pmids(self) -> list[int] | None:
        """All matching PMIDs; None if they are not known yet or too many."""
        return None if self._all_matching is None else self._all_matching.listed_pmids()

    def _select(self, candidates: str) -> Iterator[npt.NDArray[np.int64]]:
        # The line break ends a comment in the condition.
        where = "" if self._where is None else f" AND (\n{self._where}\n)"
        query = f"SELECT pmid FROM articles WHERE {candidates} AND ({self._scope}){where}"
        try:
            # A damaged part costs its own texts only, which the reader of the texts reports.
            rows = self._lake.select(query, verifies_parts=False)
            if str(rows.schema.field(0).type) != "int64":
                raise QueryError("it is not a single condition")
            for batch in rows:
                yield batch.column(0).drop_null().to_numpy()
        except QueryError as error:
            if self._where is None:
                raise
            raise condition_error(self._where, error) from error


class _ScoredArticle(NamedTuple):
    pmid: int
    text_hash: int
    score: float


class _Page(NamedTuple):
    """Consecutive articles of the ranking, the best first; scores are not rounded."""

    scores: Sequence[float]
    pmids: Sequence[int]
    text_hashes: Sequence[int]

    @property
    def last_score(self) -> float:
        return round(self.scores[-1], _SCORE_DECIMALS)

    def articles(self, matching: set[int] | None, least: float) -> Iterator[_ScoredArticle]:
        """Those that match, all if `matching` is None, with at least this score."""
        for score, pmid, text_hash in zip(self.scores, self.pmids, self.text_hashes, strict=True):
            rounded = round(score, _SCORE_DECIMALS)
            if rounded < least:
                return
            if matching is None or pmid in matching:
                yield _ScoredArticle(pmid, text_hash, rounded)

"""Search: the articles that match words, a concept and conditions, with counts by year, journal, type and so on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from litmine.errors import QueryError
from litmine.explore.arrays import Booleans, Integers, LakeArrays
from litmine.explore.concepts import ConceptNames
from litmine.explore.conditions import sql_list
from litmine.explore.queries import LakeQueries
from litmine.explore.shared import Shared
from litmine.lake.articles import text_regions
from litmine.lake.query import condition_error
from litmine.output.marked_text import MarkedSpan, TextPiece, cut_text
from litmine.pipeline.supporting_sentences import best_sentence, content_words
from litmine.search.index import ArticleList, SearchIndex
from litmine.search.terms import question_terms

# The best hits of a search by words; more than anybody reads, and few enough for a query that lists them.
MAX_HITS = 1_000
_WORD = re.compile(r"[^\W_]+")
_CONCEPTS_PER_ARTICLE = 6
# Code points of a text that are shown if no word was searched for; a longer word is cut.
_SNIPPET, _LONGEST_WORD = 240, 60


@dataclass(frozen=True, slots=True)
class Search:
    """What to search for; an empty field does not restrict the search.

    words: ranked by BM25. concept: identifier. entity_type: articles with a mention of this type. where: SQL condition
    on `articles`. facets: chosen values by facet. offset, size: which hits.
    """

    words: str = ""
    concept: str = ""
    entity_type: str = ""
    where: str = ""
    facets: Mapping[str, str] | None = None
    offset: int = 0
    size: int = 20


@dataclass(frozen=True, slots=True)
class Hits:
    """A page of articles, the number of all, and for each facet its most frequent values with numbers of articles.

    cut: whether there may be more hits than `total`, since only the best MAX_HITS of a search by words are counted.
    note: a sentence about the search index, if there is something to say.
    """

    articles: Sequence[dict[str, Any]]
    total: int
    facets: Mapping[str, Sequence[dict[str, Any]]]
    cut: bool = False
    note: str = ""


def index_note(index: Shared[SearchIndex], state: str) -> str:
    """A sentence if the index lacks something of the lake; empty if not."""
    if not index.is_behind(state):
        return ""
    reason = f" ({index.error})" if index.error else ""
    return f"The search index does not have the newest articles yet{reason}."


@dataclass(frozen=True, slots=True)
class SearchSources:
    """What a search reads."""

    queries: LakeQueries
    index: Shared[SearchIndex]
    arrays: LakeArrays
    names: ConceptNames


def search(sources: SearchSources, wanted: Search) -> Hits:
    """The articles that match; the best first if there are words, else the newest first.

    Raises QueryError for an invalid condition, LakeError for a damaged lake, BusyError.
    """
    queries, index, arrays = sources.queries, sources.index, sources.arrays
    chosen, is_all = _chosen(queries, arrays, wanted)
    if not wanted.words.strip():
        if is_all:
            pmids = arrays.newest_page(wanted.offset, wanted.size)
            return Hits(_articles(sources, pmids, ""), len(arrays.pmids), arrays.all_facets)
        pmids = arrays.page(chosen, wanted.offset, wanted.size)
        return Hits(_articles(sources, pmids, ""), int(chosen.sum()), arrays.facets(np.flatnonzero(chosen)))
    state = queries.articles_state()
    opened, note = index.get(state), index_note(index, state)
    among = None if is_all else ArticleList(arrays.pmids[chosen].astype(np.int64, copy=False))
    ranked = [hit.pmid for hit in opened.search(wanted.words, MAX_HITS, among=among)]
    known = arrays.with_pmids(np.array(ranked, np.int64))
    page = ranked[wanted.offset : wanted.offset + wanted.size]
    articles = _articles(sources, page, wanted.words)
    return Hits(articles, len(ranked), arrays.facets(known), len(ranked) == MAX_HITS, note)


def _chosen(queries: LakeQueries, arrays: LakeArrays, wanted: Search) -> tuple[Booleans, bool]:
    """The articles that fulfil the conditions, and whether there is no condition."""
    chosen = np.ones(len(arrays.pmids), np.bool_)
    conditions = [(name, value) for name, value in (wanted.facets or {}).items() if value]
    if wanted.entity_type:
        conditions.append(("entity_type", wanted.entity_type))
    for name, value in conditions:
        chosen &= arrays.facet_mask(name, value)
    if wanted.concept:
        chosen &= arrays.mask(arrays.articles_of(wanted.concept)[0])
    if wanted.where.strip():
        chosen &= arrays.mask(arrays.with_pmids(_matching(queries, wanted.where)))
    return chosen, not (conditions or wanted.concept or wanted.where.strip())


def _matching(queries: LakeQueries, where: str) -> Integers:
    """The PMIDs of the articles that fulfil a user's condition. Raises QueryError for an invalid one."""
    try:
        # The line break ends a comment in the condition.
        with queries.open(f"SELECT pmid FROM articles WHERE (\n{where}\n)") as rows:
            found = rows.read_all().column(0)
        if str(found.type) != "int64":
            raise QueryError("it is not a single condition")
    except QueryError as error:
        raise condition_error(where, error) from error
    pmids: Integers = found.drop_null().to_numpy()
    return pmids


def _articles(sources: SearchSources, pmids: Sequence[int], words: str) -> list[dict[str, Any]]:
    """What a list of hits shows of each article: source, the best sentence with the words marked, top concepts."""
    if not pmids:
        return []
    rows = sources.queries.cached_rows(
        "SELECT pmid, title, text, sections, journal, year, authors[:3] AS authors, len(authors) AS author_count,"
        f" publication_types, retracted FROM articles WHERE pmid IN {sql_list(pmids)}",
        pmids,
        ["articles"],
    )
    concepts = {pmid: sources.arrays.concepts_of(pmid, _CONCEPTS_PER_ARTICLE) for pmid in pmids}
    identifiers = {identifier for found in concepts.values() for identifier, _ in found}
    names, types = sources.names.name_of(identifiers), sources.names.types_of(identifiers)
    by_pmid = {row["pmid"]: dict(row) for row in rows}
    for pmid, article in by_pmid.items():
        article["concepts"] = [
            {
                "entity_type": types[identifier],
                "mention": names[identifier],
                "identifier": identifier,
                "mentions": mentions,
            }
            for identifier, mentions in concepts[pmid]
        ]
    for pmid, unlinked in _unlinked(sources.queries, [pmid for pmid in by_pmid if not concepts[pmid]]).items():
        by_pmid[pmid]["concepts"] = unlinked
    stems = content_words(words)
    return [_with_snippet(by_pmid[pmid], stems) for pmid in pmids if pmid in by_pmid]


def _unlinked(queries: LakeQueries, pmids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The most frequent mentions of articles without a linked concept, or that are newer than the arrays."""
    found: dict[int, list[dict[str, Any]]] = {}
    if not pmids:
        return found
    rows = queries.cached_rows(
        "SELECT * FROM (SELECT pmid, min(entity_type) AS entity_type, mode(mention) AS mention, identifier, count(*) AS"
        f" mentions FROM entities WHERE pmid IN {sql_list(pmids)}"
        " GROUP BY pmid, identifier, coalesce(identifier, lower(mention)))"
        " QUALIFY row_number() OVER (PARTITION BY pmid ORDER BY mentions DESC, mention)"
        f" <= {_CONCEPTS_PER_ARTICLE} ORDER BY mentions DESC, mention",
        pmids,
        ["entities"],
    )
    for row in rows:
        found.setdefault(row["pmid"], []).append({name: value for name, value in row.items() if name != "pmid"})
    return found


def _with_snippet(article: dict[str, Any], stems: Mapping[str, str]) -> dict[str, Any]:
    text, sections = article.pop("text") or "", article.pop("sections")
    title = article["title"] or ""
    body_start = len(title) + 1 if title else 0
    start, end, _ = best_sentence(text, stems, text_regions(title, sections)) if stems else (0, 0, 0)
    if not stems or start < body_start:
        start, end = body_start, _end_of_word(text, body_start + _SNIPPET)
    article["snippet"] = [
        {"text": piece.text, "hit": bool(piece.spans)} for piece in mark_words(text, stems, start, end)
    ]
    article["snippet_cut"] = end < len(text)
    article["absent"] = absent_words(text, stems)
    return article


def absent_words(text: str, stems: Mapping[str, str]) -> list[str]:
    """The searched words, by their stems, that a text has in no inflection."""
    if not stems:
        return []
    found = {stem for word in {*_WORD.findall(text)} for stem in _stems(word)}
    return [word for stem, word in stems.items() if stem not in found]


def _end_of_word(text: str, most: int) -> int:
    """The end of the text, or of the last word before `most`."""
    if most >= len(text):
        return len(text)
    last = text.rfind(" ", most - _LONGEST_WORD, most + 1)
    return most if last < 0 else last


def mark_words(text: str, stems: Mapping[str, str], start: int, end: int) -> list[TextPiece]:
    """The pieces of a stretch of text, with the words marked that have one of the stems."""
    spans = [
        MarkedSpan(match.start(), match.end(), "")
        for match in _WORD.finditer(text, start, end)
        if stems and not stems.keys().isdisjoint(_stems(match.group()))
    ]
    return cut_text(text, spans, start, end)


@lru_cache(maxsize=50_000)
def _stems(word: str) -> frozenset[str]:
    """The search terms of a word. They are kept, because the same words are in most hits."""
    return frozenset(question_terms(word))

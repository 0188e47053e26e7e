"""Search: the articles that match words, a concept and conditions, with counts by year, journal, type and so on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litmine.errors import QueryError
from litmine.explore.conditions import has_identifier, rows_as_list, sql_list
from litmine.explore.queries import LakeQueries
from litmine.explore.shared import Shared
from litmine.lake.articles import text_regions
from litmine.lake.query import condition_error
from litmine.lake.sql_text import sql_string
from litmine.output.marked_text import MarkedSpan, TextPiece, cut_text
from litmine.pipeline.supporting_sentences import best_sentence, content_words
from litmine.search.index import SearchIndex
from litmine.search.terms import question_terms

# The best hits of a search by words; more than anybody reads, and few enough for a query that lists them.
MAX_HITS = 1_000
_FACET_ROWS = 12
_WORD = re.compile(r"[^\W_]+")
_CONCEPTS_PER_ARTICLE = 6
# The facets: the columns that they count, as a list for each article.
_FACETS = {
    "year": "[year::VARCHAR]",
    "journal": "[journal]",
    "design": "publication_types",
    "status": "[CASE WHEN retracted THEN 'retracted' ELSE 'not retracted' END]",
}


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


def search(queries: LakeQueries, index: Shared[SearchIndex], wanted: Search) -> Hits:
    """The articles that match; the best first if there are words, else the newest first.

    Raises QueryError for an invalid condition, LakeError for a damaged lake, BusyError.
    """
    scope = _scope(wanted)
    ranked: list[int] | None = None
    note = ""
    if wanted.words.strip():
        state = queries.state()
        opened, note = index.get(state), index_note(index, state)
        user_condition = wanted.where if wanted.where.strip() else None
        ranked = [hit.pmid for hit in opened.search(wanted.words, MAX_HITS, user_condition, scope)]
        source = _ranked_source(ranked)
    else:
        where = f" AND (\n{wanted.where}\n)" if wanted.where.strip() else ""
        source = (
            "SELECT pmid, year, journal, publication_types, retracted,"
            f" row_number() OVER (ORDER BY year DESC NULLS LAST, pmid DESC) AS rank"
            f" FROM articles WHERE ({scope}){where}"
        )
    summary = _checked_row(queries, wanted, _summary_query(source, wanted))
    pmids = [one["pmid"] for one in summary.pop("page")]
    total = summary.pop("total")
    return Hits(_articles(queries, pmids, wanted.words), total, summary, len(ranked or ()) == MAX_HITS, note)


def _scope(wanted: Search) -> str:
    conditions = ["true"]
    if wanted.concept:
        conditions.append(f"pmid IN (SELECT pmid FROM entities WHERE {has_identifier('identifier', wanted.concept)})")
    if wanted.entity_type:
        conditions.append(f"pmid IN (SELECT pmid FROM entities WHERE entity_type = {sql_string(wanted.entity_type)})")
    for name, value in (wanted.facets or {}).items():
        if value and name in _FACETS:
            conditions.append(f"list_contains({_FACETS[name]}, {sql_string(value)})")
    return " AND ".join(conditions)


def _ranked_source(pmids: Sequence[int]) -> str:
    return (
        "SELECT pmid, year, journal, publication_types, retracted, rank FROM articles JOIN"
        f" (SELECT unnest([{', '.join(map(str, pmids))}]::BIGINT[]) AS pmid, generate_subscripts("
        f"[{', '.join(map(str, pmids))}]::BIGINT[], 1) AS rank) USING (pmid)"
    )


def _summary_query(source: str, wanted: Search) -> str:
    facets = ", ".join(
        rows_as_list(
            f"SELECT value, count(*) AS articles FROM (SELECT unnest({column}) AS value FROM found)"
            f" WHERE value IS NOT NULL GROUP BY value ORDER BY {_facet_order(name)} LIMIT {_FACET_ROWS}"
        )
        + f" AS {name}"
        for name, column in _FACETS.items()
    )
    types = rows_as_list(
        "SELECT entity_type AS value, count(DISTINCT pmid) AS articles FROM entities SEMI JOIN found USING (pmid)"
        f" GROUP BY value ORDER BY articles DESC, value LIMIT {_FACET_ROWS}"
    )
    page = rows_as_list(f"SELECT pmid FROM found ORDER BY rank LIMIT {wanted.size} OFFSET {wanted.offset}")
    return (
        f"WITH found AS MATERIALIZED ({source})\n"
        f"SELECT (SELECT count(*) FROM found) AS total, {page} AS page, {facets}, {types} AS entity_type"
    )


def _facet_order(name: str) -> str:
    return "value DESC" if name == "year" else "articles DESC, value"


def _checked_row(queries: LakeQueries, wanted: Search, query: str) -> dict[str, Any]:
    try:
        return dict(queries.cached_rows(query)[0])
    except QueryError as error:
        if not wanted.where.strip():
            raise
        raise condition_error(wanted.where, error) from error


def _articles(queries: LakeQueries, pmids: Sequence[int], words: str) -> list[dict[str, Any]]:
    """What a list of hits shows of each article: source, the best sentence with the words marked, top concepts."""
    if not pmids:
        return []
    concepts = rows_as_list(
        "SELECT entity_type, mention, identifier, mentions FROM ("
        "SELECT pmid, min(entity_type) AS entity_type, identifier, mode(mention) AS mention, count(*) AS mentions"
        f" FROM entities WHERE pmid IN {sql_list(pmids)}"
        " GROUP BY pmid, identifier, coalesce(identifier, lower(mention))"
        ") AS counted WHERE counted.pmid = articles.pmid ORDER BY mentions DESC, mention"
        f" LIMIT {_CONCEPTS_PER_ARTICLE}"
    )
    rows = queries.cached_rows(
        "SELECT pmid, title, text, sections, journal, year, authors[:3] AS authors, len(authors) AS author_count,"
        f" publication_types, retracted, {concepts} AS concepts FROM articles WHERE pmid IN {sql_list(pmids)}"
    )
    by_pmid = {row["pmid"]: row for row in rows}
    stems = content_words(words)
    return [_with_snippet(dict(by_pmid[pmid]), stems) for pmid in pmids if pmid in by_pmid]


def _with_snippet(article: dict[str, Any], stems: Mapping[str, str]) -> dict[str, Any]:
    text, sections = article.pop("text") or "", article.pop("sections")
    title = article["title"] or ""
    body_start = len(title) + 1 if title else 0
    start, end, _ = best_sentence(text, stems, text_regions(title, sections)) if stems else (0, 0, 0)
    if not stems or start < body_start:
        start, end = body_start, min(len(text), body_start + 240)
    article["snippet"] = [
        {"text": piece.text, "hit": bool(piece.spans)} for piece in mark_words(text, stems, start, end)
    ]
    article["snippet_cut"] = end < len(text)
    return article


def mark_words(text: str, stems: Mapping[str, str], start: int, end: int) -> list[TextPiece]:
    """The pieces of a stretch of text, with the words marked that have one of the stems."""
    spans = [
        MarkedSpan(match.start(), match.end(), "")
        for match in _WORD.finditer(text, start, end)
        if stems and stems.keys() & question_terms(match.group()).keys()
    ]
    return cut_text(text, spans, start, end)

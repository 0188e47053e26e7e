"""Search for connections: open from a start to all that it may be related to, closed between a start and an end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log10
from typing import Any

import numpy as np
import pyarrow as pa

from litmine.discovery.concept_graph import ConceptGraph, load_graph
from litmine.discovery.evidence import Evidence, PairArticles, find_evidence
from litmine.discovery.paths import MEASURES, Edges, Measure
from litmine.discovery.request import DiscoveryRequest, concepts_with
from litmine.discovery.statistics import Floats
from litmine.errors import DiscoveryError, QueryError
from litmine.lake.concept_matrix import NO_YEAR, Booleans, Integers
from litmine.lake.lake import Lake
from litmine.lake.query import condition_error

# -log10 of a p-value of 0.05.
_SIGNIFICANT = -log10(0.05)
# The columns of each side of a linking concept: _1 with the start, _2 with the result.
_SIDE = (
    ("articles", pa.int64()),
    ("first_year", pa.int32()),
    ("relation", pa.string()),
    ("pmid", pa.int64()),
    ("sentence", pa.string()),
    ("named_in", pa.string()),
    ("named_as", pa.string()),
)
SCHEMA: pa.Schema = pa.schema(
    [
        ("rank", pa.int32()),
        ("concept_id", pa.string()),
        ("concept", pa.string()),
        ("concept_type", pa.string()),
        ("score", pa.float64()),
        ("linking_terms", pa.int32()),
        ("minimum_weight", pa.float64()),
        ("npmi", pa.float64()),
        ("fisher", pa.float64()),
        ("dwpc", pa.float64()),
        ("together", pa.int32()),
        ("first_together", pa.int32()),
        ("related", pa.string()),
        ("link_id", pa.string()),
        ("link", pa.string()),
        ("link_type", pa.string()),
        ("link_score", pa.float64()),
        *((f"{name}_1", kind) for name, kind in _SIDE),
        *((f"{name}_2", kind) for name, kind in _SIDE),
        ("start_articles", pa.int64()),
        ("link_articles", pa.int64()),
        ("concept_articles", pa.int64()),
        ("all_articles", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Discovery:
    """The result of a search.

    table: a row for each result and linking concept that is shown, with the columns of SCHEMA; in a closed search each
    row is a linking concept, ranked. start, end: names of both sides; the end is empty in an open search. left_out: how
    many concepts each rule left out. results: number of results before the limit. notes: sentences about the search
    that a reader of the result should know.
    """

    request: DiscoveryRequest
    table: pa.Table
    start: str
    end: str
    left_out: Mapping[str, int] = field(default_factory=dict)
    results: int = 0
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """One end of the paths: its concepts, the name to show, its articles, and its association with all concepts.

    entries: the concepts of its articles, and the article of each.
    """

    concepts: Sequence[int]
    name: str
    articles: Booleans
    edges: Edges
    entries: tuple[Integers, Integers]


@dataclass(slots=True)
class _Row:
    """A row in the making, and the articles of its pairs."""

    values: dict[str, Any]
    first: PairArticles
    second: PairArticles
    ends: PairArticles


def discover(lake: Lake, request: DiscoveryRequest) -> Discovery:
    """Run one search.

    Raises DiscoveryError when it makes no sense for the lake, such as for a concept that no article has, QueryError for
    an invalid condition, LakeError for a damaged lake.
    """
    return discover_in(load_graph(lake, request.kind), request)


def discover_in(graph: ConceptGraph, request: DiscoveryRequest) -> Discovery:
    """The same in a graph that is loaded; see `discover`."""
    graph = graph.until(request.until)
    start, end = start_and_end(graph, request)
    found = _open(graph, request, start) if end is None else _closed(graph, request, start, end)
    return replace(found, notes=[*_notes_on_names(graph, request, start), *found.notes])


def explain_link(graph: ConceptGraph, request: DiscoveryRequest, link: str) -> Discovery:
    """A closed search by one linking concept, whatever the rules say of it; without a row if it links nothing.

    link: identifier or name. Raises as `discover`.
    """
    graph = graph.until(request.until)
    start, end = start_and_end(graph, request)
    if end is None:
        raise DiscoveryError("the concept to search to is missing; give both sides of the link")
    found = _link_rows(
        graph, request, start, end, start.edges.some(start.edges.concepts == graph.names.find(link)), {}, 1
    )
    return Discovery(request, _table(graph, found, request.until), start.name, end.name, results=len(found))


def _notes_on_names(graph: ConceptGraph, request: DiscoveryRequest, start: Side) -> list[str]:
    """Sentences on the concepts that were taken for the names of the request."""
    names = graph.names
    notes = [names.note(text, names.find(text)) for text in request.concepts]
    if request.narrower and len(start.concepts) == 1:
        notes.append(f"no concept of the lake is below {start.name} in MeSH, so `narrower` adds nothing")
    return [*filter(None, notes)]


def start_and_end(graph: ConceptGraph, request: DiscoveryRequest) -> tuple[Side, Side | None]:
    """Both sides of a search; no end in an open one. Raises as `discover`."""
    given = [graph.names.find(one) for one in request.concepts]
    if request.where is not None:
        start, ends = _side(graph, _where(graph, request.where), f"the concepts with {request.where}"), given
    else:
        concepts = _with_narrower(graph, given[0]) if request.narrower else given[:1]
        start, ends = _side(graph, concepts, graph.facts[given[0]].name), given[1:]
    if not ends:
        return start, None
    fact = graph.facts[ends[0]]
    if ends[0] in start.concepts:
        raise DiscoveryError(
            f"both sides are {fact.name} ({fact.identifier}); give two different concepts, or one for an open search"
        )
    return start, _side(graph, ends, fact.name)


def _with_narrower(graph: ConceptGraph, concept: int) -> list[int]:
    """A concept, and those below it in MeSH."""
    places = tuple(f"{number}." for number in graph.facts[concept].tree_numbers)
    below = [i for i, fact in enumerate(graph.facts) if any(one.startswith(places) for one in fact.tree_numbers)]
    return [concept, *(i for i in below if i != concept)] if places else [concept]


def _where(graph: ConceptGraph, where: str) -> list[int]:
    """The concepts of the graph that fulfil a condition on the view `concepts`."""
    if not where.strip():
        raise QueryError("the condition is empty; write one like: under(tree_numbers, 'C14')")
    try:
        found = graph.lake.sql(f"SELECT identifier FROM concepts WHERE (\n{where}\n)").column(0).to_pylist()
    except QueryError as error:
        raise condition_error(where, error, "concepts") from error
    wanted = {*found}
    numbers = [i for i, one in enumerate(graph.matrix.identifiers) if one in wanted and graph.finder.articles[i]]
    if not numbers:
        raise DiscoveryError(
            f'no concept in the articles that count fulfils {where!r}; `litmine sql "from concepts"` shows what the'
            " condition reads" + (", which has no headings that no text mentions" if graph.kind != "entities" else "")
        )
    return numbers


def _side(graph: ConceptGraph, concepts: Sequence[int], name: str) -> Side:
    articles = graph.finder.articles_with(concepts)
    return Side(concepts, name, articles, graph.finder.edges(articles), graph.finder.entries(articles))


def _open(graph: ConceptGraph, request: DiscoveryRequest, start: Side) -> Discovery:
    finder = graph.finder
    allowed, left_out = _allowed(graph, request, start.concepts)
    links = start.edges.some((allowed & concepts_with(request.via, graph.facts))[start.edges.concepts])
    together = np.zeros(len(finder.articles), np.int64)
    together[start.edges.concepts] = start.edges.both
    candidates = allowed & concepts_with(request.to, graph.facts)
    left_out["already together with the start"] = int((candidates & (together > request.known)).sum())
    candidates &= together <= request.known
    measures: list[Measure] = [request.measure]
    paths = finder.reach(start.articles, links, candidates, measures)
    scores = paths.scores[request.measure]
    order = np.lexsort((paths.concepts, -paths.scores["npmi"], -paths.scores["linking_terms"], -scores))[
        : request.limit
    ]
    rows = []
    for rank, place in enumerate(order.tolist(), 1):
        concept = int(paths.concepts[place])
        end = _side(graph, [concept], graph.facts[concept].name)
        values: dict[str, Any] = {
            "rank": rank,
            "score": float(scores[place]),
            **{name: float(column[place]) for name, column in paths.scores.items()},
            "linking_terms": int(paths.scores["linking_terms"][place]),
        }
        rows += _link_rows(graph, request, start, end, links, values, request.links)
    table = _table(graph, rows, request.until)
    notes = (
        _notes_on_scores(request.measure, scores, "result")
        if len(scores)
        else [_why_nothing(request, start, len(links.concepts))]
    )
    return Discovery(request, table, start.name, "", +left_out, len(paths.concepts), notes)


def _why_nothing(request: DiscoveryRequest, start: Side, links: int) -> str:
    """Why an open search has no result."""
    filters = " and `via`" if request.via else ""
    beside = int((start.edges.both > 0).sum()) - int(np.isin(start.edges.concepts, start.concepts).sum())
    if not links:
        return (
            f"no result: {start.name} is together with {beside:,} other concepts, and the rules{filters} leave none of"
            " them as a linking concept"
        )
    filters = " and `to`" if request.to else ""
    return (
        f"no result: {links:,} linking concepts lead to no concept that the rules{filters} leave and that is not"
        f" together with {start.name} already"
    )


def _notes_on_scores(measure: Measure, scores: Floats, what: str) -> list[str]:
    """A sentence if a measure of what is no chance finds nothing, or scores some with 0."""
    reasons = {"fisher": "its connections are not significant", "npmi": "its connections are no more than chance"}
    zeros = int((scores <= 0).sum())
    if measure not in reasons or not zeros:
        return []
    if zeros == len(scores):
        return [f"by {measure} every {what} has a score of 0, since {reasons[measure]}; take another `measure`"]
    return [f"by {measure} {zeros:,} of {len(scores):,} {what}s have a score of 0: each since {reasons[measure]}"]


def _closed(graph: ConceptGraph, request: DiscoveryRequest, start: Side, end: Side) -> Discovery:
    allowed, left_out = _allowed(graph, request, [*start.concepts, *end.concepts])
    links = start.edges.some((allowed & concepts_with(request.via, graph.facts))[start.edges.concepts])
    rows = _link_rows(graph, request, start, end, links, {}, request.limit)
    for rank, row in enumerate(rows, 1):
        row.values |= {"rank": rank, "score": row.values["link_score"]}
    common = np.isin(links.concepts, end.edges.concepts)
    both = int((start.articles & end.articles).sum())
    notes = [f"both sides are together in {both:,} article{'s' if both > 1 else ''} already"] if both else []
    ranked = np.array([row.values["score"] for row in rows])
    if request.measure == "fisher":
        if len(rows) and ranked.max() < _SIGNIFICANT:
            notes.append("no linking concept has p < 0.05 on both sides by Fisher's exact test; take another `measure`")
    else:
        notes += _notes_on_scores(request.measure, ranked, "linking concept")
    return Discovery(
        request, _table(graph, rows, request.until), start.name, end.name, +left_out, int(common.sum()), notes
    )


def _allowed(graph: ConceptGraph, request: DiscoveryRequest, given: Sequence[int]) -> tuple[Booleans, Counter[str]]:
    return graph.ruled.allowed(request.rules, given)


def _link_rows(
    graph: ConceptGraph,
    request: DiscoveryRequest,
    start: Side,
    end: Side,
    links: Edges,
    values: Mapping[str, Any],
    limit: int,
) -> list[_Row]:
    """The best linking concepts of two sides, the best first."""
    finder, facts = graph.finder, graph.facts
    common = np.isin(links.concepts, end.edges.concepts)
    first = links.some(common)
    last = end.edges.some(np.isin(end.edges.concepts, first.concepts))
    # The columns of a result have its own measures; only a closed search shows all those of a link.
    measures = [request.measure] if values else MEASURES
    scores = finder.link_scores(start.articles, end.articles, first, last, measures)
    # Each linking concept counts one, so their order is that of another measure.
    ranked = scores["npmi" if request.measure == "linking_terms" else request.measure]
    order = np.lexsort((first.concepts, -scores["npmi"], -scores["minimum_weight"], -ranked))[:limit]
    together = np.flatnonzero(start.articles & end.articles)
    years = graph.matrix.years[together]
    first_together = int(years[years != NO_YEAR].min()) if (years != NO_YEAR).any() else None
    fact = facts[end.concepts[0]]
    start_ids, end_ids = (frozenset(facts[one].identifier for one in side.concepts) for side in (start, end))
    rows = []
    for place in order.tolist():
        link = int(first.concepts[place])
        link_ids = frozenset([facts[link].identifier])
        row = {
            **values,
            **({} if values else _closed_scores(scores, place)),
            "concept_id": fact.identifier,
            "concept": fact.name,
            "concept_type": fact.entity_type,
            "together": len(together),
            "first_together": first_together,
            "link_id": facts[link].identifier,
            "link": facts[link].name,
            "link_type": facts[link].entity_type,
            "link_score": float(ranked[place]),
            "start_articles": int(start.articles.sum()),
            "link_articles": int(first.articles[place]),
            "concept_articles": int(end.articles.sum()),
            "all_articles": finder.total,
        }
        for number, edges in ((1, first), (2, last)):
            year = int(edges.first_years[place])
            row[f"articles_{number}"] = int(edges.both[place])
            row[f"first_year_{number}"] = None if year == NO_YEAR else year
        rows.append(
            _Row(
                row,
                PairArticles(start_ids, link_ids, _articles_with(graph, start, link, request.read)),
                PairArticles(link_ids, end_ids, _articles_with(graph, end, link, request.read)),
                PairArticles(start_ids, end_ids, ()),
            )
        )
    return rows


def _articles_with(graph: ConceptGraph, side: Side, concept: int, most: int) -> list[int]:
    """PMIDs of at most `most` articles of a side that have a concept: the first and the last ones by year."""
    concepts, of = side.entries
    articles = of[concepts == concept]
    by_year = articles[np.argsort(graph.matrix.years[articles], kind="stable")]
    half = most // 2
    some = by_year if len(by_year) <= most else np.concatenate([by_year[: most - half], by_year[len(by_year) - half :]])
    pmids: list[int] = graph.matrix.pmids[some].tolist()
    return pmids


def _closed_scores(scores: Mapping[Measure, Floats], place: int) -> dict[str, Any]:
    """The measures of one linking concept, which are its own additions to them."""
    return {**{str(name): float(column[place]) for name, column in scores.items()}, "linking_terms": 1}


def _table(graph: ConceptGraph, rows: Sequence[_Row], until: int | None) -> pa.Table:
    """The rows with their evidence."""
    pairs = [pair for row in rows for pair in (row.first, row.second, row.ends)]
    evidence = find_evidence(graph.lake, pairs, until, graph.count_relations)
    for place, row in enumerate(rows):
        first, second, ends = evidence[3 * place : 3 * place + 3]
        row.values |= _side_values(first, 1) | _side_values(second, 2) | {"related": ends.relation}
    return pa.Table.from_pylist([row.values for row in rows], SCHEMA)


def _side_values(evidence: Evidence, side: int) -> dict[str, Any]:
    return {f"{name}_{side}": value for name, value in evidence._asdict().items()}

"""Discovery: concepts that no article has together and that others connect, from one concept or between two."""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from litmine.discovery.concept_graph import ConceptGraph, load_graph
from litmine.discovery.discover import Discovery, discover_in, explain_link
from litmine.discovery.evidence import RelationCounts, count_relations
from litmine.discovery.paths import FORMULAS
from litmine.discovery.request import DiscoveryRequest
from litmine.discovery.wording import with_option_names
from litmine.errors import DiscoveryError
from litmine.explore.concept_tables import ConceptTables
from litmine.explore.concepts import ConceptNames
from litmine.explore.long_work import LongWork
from litmine.explore.queries import LakeQueries
from litmine.explore.shared import Shared
from litmine.lake.lake import Lake

Values = Mapping[str, Any]
# Results of searches that are kept: walking back and forth asks for the same ones.
_MAX_CACHED = 100
# Searches at the same time, since each may take some hundred megabytes.
_MAX_RUNNING = 2
# Articles of a pair that are read for its sentence: of all pairs of a search, some hundred; of the two of one link.
_READ, _READ_OF_LINK = 2, 8
# What the page calls the options of a search.
_OPTION_NAMES = {
    "until": "year", "to": "type of results", "via": "type of links", "narrower": "narrower headings",
    "measure": "measure", "concepts": "from and to",
}  # fmt: skip
_SCORES = ("minimum_weight", "npmi", "fisher", "dwpc")


class RequestLake(Lake):
    """A lake whose queries are those of requests: on prepared connections, within their limits."""

    queries: LakeQueries

    def sql(self, query: str) -> pa.Table:
        """As `Lake.sql`; raises BusyError, too."""
        return self.queries.table(query)


class Discoveries:
    """Searches for connections in the concepts of the lake's articles, which are read once for each state of it."""

    def __init__(self, queries: LakeQueries, shared: Shared[ConceptGraph], tables: Shared[ConceptTables]) -> None:
        self._queries = queries
        self.shared = shared
        self._tables = tables
        # The searches in one graph.
        self._searched: ConceptGraph | None = None
        self._searches: LongWork[DiscoveryRequest, Discovery] = LongWork(
            "searching for connections", _MAX_RUNNING, _MAX_CACHED
        )
        self._lock = threading.Lock()
        self._lake = RequestLake(queries.lake.location)
        self._lake.queries = queries

    def search(self, request: DiscoveryRequest, patience: float | None = None) -> Discovery:
        """Run one search; patience: as for `LongWork.get`.

        Raises DiscoveryError when it makes no sense for the lake, UnknownNameError for a concept or type that does not
        exist, LakeError for a damaged lake, QueryLimitError, BusyError, RunningError.
        """
        graph = self._graph()
        with self._lock:
            if self._searched is not graph:
                self._searched = graph
                self._searches.clear()
        return self._searches.get(request, lambda: discover_in(self._reading(graph), request), patience)

    def close(self) -> None:
        """Wait for the searches that run."""
        self._searches.close()

    def explain(self, request: DiscoveryRequest, link: str) -> Discovery:
        """What the lake has on one linking concept of a closed search. Raises as `search`."""
        return explain_link(self._reading(self._graph()), request, link)

    def _graph(self) -> ConceptGraph:
        return self.shared.get(self._queries.state())

    def _reading(self, graph: ConceptGraph) -> ConceptGraph:
        """The graph, which reads sentences within the limits of requests, and relations from memory."""
        return replace(graph, lake=self._lake, count_relations=self._count)

    def _count(self, lake: Lake, identifiers: Collection[str], until: int | None) -> RelationCounts:
        """The relations between concepts, from memory if those of all years count."""
        if until is None:
            return self._tables.get(self._queries.state()).relations_between(identifiers)
        return count_relations(lake, identifiers, until)


def read_graph(queries: LakeQueries) -> ConceptGraph:
    """The concepts of the lake's articles. Raises as `load_graph`."""
    return load_graph(queries.lake, "entities")


def discover_concepts(
    discoveries: Discoveries, names: ConceptNames, values: Values, patience: float | None = None
) -> dict[str, Any]:
    """The connections from a concept, or to another one, best first, each with linking concepts and sentences.

    Raises as `Discoveries.search`.
    """
    start = _identifier(names, values["from"])
    ends = [_identifier(names, values["to"])] if values["to"].strip() else []
    try:
        request = DiscoveryRequest(
            (start, *ends),
            narrower=bool(values["narrower"]),
            to=(values["type"],) if values["type"] and not ends else (),
            via=(values["via"],) if values["via"] else (),
            until=values["until"],
            known=values["known"],
            measure=values["measure"],
            limit=values["size"],
            links=values["links"],
            read=_READ if values["sentences"] else 0,
        )
        found = discoveries.search(request, patience)
    except DiscoveryError as error:
        raise DiscoveryError(with_option_names(str(error), _OPTION_NAMES)) from error
    rows = found.table.to_pylist()
    return {
        "start": {"identifier": start, "name": found.start},
        "end": {"identifier": ends[0], "name": found.end} if ends else None,
        "measure": request.measure,
        "formula": FORMULAS[request.measure],
        "total": found.results,
        "all_articles": rows[0]["all_articles"] if rows else None,
        "start_articles": rows[0]["start_articles"] if rows else None,
        "notes": [with_option_names(note, _OPTION_NAMES) for note in found.notes],
        "left_out": dict(found.left_out),
        "results": _results(rows, is_closed=bool(ends)),
    }


def explain_connection(discoveries: Discoveries, names: ConceptNames, values: Values) -> dict[str, Any]:
    """How often one concept is with each of two others, and a sentence of each pair, the best of some articles.

    Raises as `Discoveries.search`.
    """
    ends = _identifier(names, values["from"]), _identifier(names, values["to"])
    link = _identifier(names, values["link"])
    try:
        request = DiscoveryRequest(
            ends, narrower=bool(values["narrower"]), until=values["until"], limit=1, read=_READ_OF_LINK
        )
        found = discoveries.explain(request, link)
    except DiscoveryError as error:
        raise DiscoveryError(with_option_names(str(error), _OPTION_NAMES)) from error
    results = _results(found.table.to_pylist(), is_closed=True)
    return {
        "start": {"identifier": ends[0], "name": found.start},
        "end": {"identifier": ends[1], "name": found.end},
        "link": results[0]["links"][0] if results else None,
    }


def _identifier(names: ConceptNames, text: str) -> str:
    """The identifier of the concept that the text means in the lake, else the text, which discovery looks up."""
    found = names.named(text)
    return text if found is None else str(found["identifier"])


def _results(rows: Sequence[dict[str, Any]], is_closed: bool) -> list[dict[str, Any]]:
    """The results with their linking concepts. A closed search has one result, the end, whose links are ranked."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        result = found.setdefault(
            row["concept_id"],
            {
                "rank": 1 if is_closed else row["rank"],
                "identifier": row["concept_id"],
                "name": row["concept"],
                "entity_type": row["concept_type"],
                "score": None if is_closed else row["score"],
                "linking_terms": None if is_closed else row["linking_terms"],
                "articles": row["concept_articles"],
                "together": row["together"],
                "first_together": row["first_together"],
                "related": row["related"],
                "links": [],
            },
        )
        result["links"].append(
            {
                "identifier": row["link_id"],
                "name": row["link"],
                "entity_type": row["link_type"],
                "score": row["link_score"],
                "articles": row["link_articles"],
                **({"scores": {name: row[name] for name in _SCORES}} if is_closed else {}),
                "with_start": _side(row, 1),
                "with_result": _side(row, 2),
            }
        )
    return list(found.values())


def _side(row: dict[str, Any], number: int) -> dict[str, Any]:
    names = ("articles", "first_year", "relation", "pmid", "sentence", "named_in", "named_as")
    return {name: row[f"{name}_{number}"] for name in names}


def network_of(found: Mapping[str, Any], address_of: Any, most: int) -> dict[str, Any]:
    """Nodes and edges of the first results for the picture. address_of: identifier of a result -> where it leads."""
    start = found["start"]
    nodes: dict[str, dict[str, Any]] = {start["identifier"]: _node(start, "start", found["start_articles"])}
    edges: dict[tuple[str, str], dict[str, Any]] = {}
    for result in found["results"][:most]:
        own = _node(result, "result", result["articles"])
        # A concept that is a result and links another one is shown as a result.
        nodes[result["identifier"]] = own | ({} if found["end"] else {"address": address_of(result["identifier"])})
    for result in found["results"][:most]:
        for link in result["links"][:most]:
            nodes.setdefault(link["identifier"], _node(link, "link", link["articles"]))
            for source, target, side in (
                (start["identifier"], link["identifier"], link["with_start"]),
                (link["identifier"], result["identifier"], link["with_result"]),
            ):
                edges.setdefault((source, target), {"source": source, "target": target, "articles": side["articles"]})
    return {"nodes": list(nodes.values()), "edges": list(edges.values())}


def _node(one: Mapping[str, Any], role: str, articles: int) -> dict[str, Any]:
    return {
        "id": one["identifier"],
        "name": one["name"],
        "type": one.get("entity_type") or "",
        "articles": articles,
        "center": role == "start",
        "role": role,
    }

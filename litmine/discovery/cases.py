"""Known cases: where searches rank the linking concepts, or the results, that history found."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from litmine.discovery.case_files import Case
from litmine.discovery.concept_graph import ConceptGraph
from litmine.discovery.discover import start_and_end
from litmine.discovery.metrics import METRICS, ranking_scores
from litmine.discovery.paths import MEASURES
from litmine.discovery.request import concepts_with
from litmine.errors import DiscoveryError


def evaluate_case(graph: ConceptGraph, case: Case) -> dict[str, Any]:
    """The rank of each expected concept by each measure, and the metrics of each ranking, in percent.

    A rank is null where the search does not reach the concept. Expected concepts that the lake does not have are
    listed, and count as not reached. Raises as `litmine.discovery.discover.discover`, with the place of the case.
    """
    try:
        return _evaluate(graph, case)
    except DiscoveryError as error:
        raise DiscoveryError(f"{case.place}: {error}") from error


def _evaluate(graph: ConceptGraph, case: Case) -> dict[str, Any]:
    graph = graph.until(case.request.until)
    start, end = start_and_end(graph, case.request)
    finder = graph.finder
    given = [*start.concepts, *(end.concepts if end else ())]
    allowed, _ = graph.ruled.allowed(case.request.rules, given)
    links = start.edges.some((allowed & concepts_with(case.request.via, graph.facts))[start.edges.concepts])
    if end is None:
        candidates = allowed & concepts_with(case.request.to, graph.facts)
        candidates[start.edges.concepts] = False
        paths = finder.reach(start.articles, links, candidates)
        reached, scores = paths.concepts, paths.scores
    else:
        candidates = allowed & concepts_with(case.request.via, graph.facts)
        first = links.some(np.isin(links.concepts, end.edges.concepts))
        last = end.edges.some(np.isin(end.edges.concepts, first.concepts))
        reached, scores = first.concepts, finder.link_scores(start.articles, end.articles, first, last)
    numbers, missing = _expected(graph, case.expected)
    record: dict[str, Any] = {"name": case.name, "candidates": int(candidates.sum()), "reached": len(reached)}
    if missing:
        record["not_in_the_lake"] = missing
    relevant = np.zeros(len(candidates), np.bool_)
    relevant[[one for group in numbers.values() for one in group]] = True
    for measure in MEASURES:
        column = np.full(len(candidates), -np.inf)
        column[reached] = scores[measure]
        # Concepts with the same score share the best rank.
        ranks: dict[str, int | None] = {}
        for name, group in numbers.items():
            best = max(column[one] for one in group)
            ranks[name] = None if best == -np.inf else 1 + int((column[candidates] > best).sum())
        metrics = dict.fromkeys(METRICS, 0.0)
        right = relevant[candidates]
        if right.any() and not right.all():
            finite = np.where(np.isneginf(column[candidates]), -1e300, column[candidates])
            metrics = ranking_scores(finite, right, 0)
        record[measure] = {"ranks": ranks} | {name: round(100 * value, 2) for name, value in metrics.items()}
    return record


def _expected(graph: ConceptGraph, expected: Sequence[Sequence[str]]) -> tuple[dict[str, list[int]], list[str]]:
    """The concepts of each expected one, by its first name, and the first names of those that the lake lacks."""
    found: dict[str, list[int]] = {}
    missing = []
    for names in expected:
        numbers = []
        for name in names:
            try:
                numbers.append(graph.names.find(name))
            except DiscoveryError:
                continue
        if numbers:
            found[names[0]] = numbers
        else:
            missing.append(names[0])
    return found, missing

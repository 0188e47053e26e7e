"""Known cases: where searches rank the linking concepts, or the results, that history found."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from litmine.discovery.concept_graph import ConceptGraph
from litmine.discovery.discover import start_and_end
from litmine.discovery.metrics import METRICS, ranking_scores
from litmine.discovery.paths import MEASURES
from litmine.discovery.request import DiscoveryRequest, concepts_with
from litmine.discovery.rules import DiscoveryRules, allowed_concepts
from litmine.errors import DiscoveryError, SettingError, UnknownConceptError

_KEYS = {"name", "start", "end", "links", "results", "until", "narrower", "to", "via"}


@dataclass(frozen=True, slots=True)
class Case:
    """A search, and what it should find: linking concepts (`links`, with an end) or results (without an end).

    Each expected concept is a list of names or identifiers, of which any counts.
    """

    name: str
    request: DiscoveryRequest
    expected: tuple[tuple[str, ...], ...]


def read_cases(file: Path, rules: DiscoveryRules) -> list[Case]:
    """Read cases from JSON lines. Raises SettingError for a line that is no case."""
    cases = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise SettingError(f"{file} cannot be read ({' '.join(str(error).split())})") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            cases.append(_case(f"{file}, line {number}", line, rules))
    if not cases:
        raise SettingError(f"{file} has no case; a line is like {_EXAMPLE}")
    return cases


_EXAMPLE = '{"start": "Raynaud disease", "end": "fish oil", "links": ["blood viscosity"], "until": 1985}'


def _case(where: str, line: str, rules: DiscoveryRules) -> Case:
    try:
        record = json.loads(line)
        unknown = record.keys() - _KEYS
        closed = "end" in record
        expected = tuple(
            (one,) if isinstance(one, str) else tuple(one) for one in record["links" if closed else "results"]
        )
        texts = [record["start"], *([record["end"]] if closed else []), *(name for one in expected for name in one)]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise SettingError(f"{where}: this is no case; a line is like {_EXAMPLE}") from None
    if unknown or not expected or not all(isinstance(one, str) for one in texts):
        problem = f"unknown key {min(unknown)!r}" if unknown else "nothing is expected of it, or a name is no text"
        raise SettingError(f"{where}: {problem}; a line is like {_EXAMPLE}")
    request = DiscoveryRequest(
        tuple(texts[: 1 + closed]),
        narrower=bool(record.get("narrower")),
        to=tuple(record.get("to", ())),
        via=tuple(record.get("via", ())),
        until=record.get("until"),
        kind="entities",
        rules=rules,
    )
    return Case(record.get("name") or " - ".join(texts[: 1 + closed]), request, expected)


def evaluate_case(graph: ConceptGraph, case: Case) -> dict[str, Any]:
    """The rank of each expected concept by each measure, and the metrics of each ranking, in percent.

    A rank is null where the search does not reach the concept. Expected concepts that the lake does not have are
    listed, and count as not reached. Raises as `litmine.discovery.discover.discover`.
    """
    graph = graph.until(case.request.until)
    start, end = start_and_end(graph, case.request)
    finder = graph.finder
    given = [*start.concepts, *(end.concepts if end else ())]
    allowed, _ = allowed_concepts(case.request.rules, graph.facts, finder.articles, finder.total, given)
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
            except (DiscoveryError, UnknownConceptError):
                continue
        if numbers:
            found[names[0]] = numbers
        else:
            missing.append(names[0])
    return found, missing

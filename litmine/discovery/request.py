"""What a search for connections asks: the start, the end, filters, rules and the measure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from litmine.discovery.facts import ConceptFacts
from litmine.discovery.paths import MEASURES, Measure
from litmine.discovery.rules import DiscoveryRules
from litmine.errors import DiscoveryError, UnknownNameError, UnknownTypeError
from litmine.lake.concept_matrix import Booleans
from litmine.settings import did_you_mean

ConceptKind = Literal["entities", "mesh", "both"]
CONCEPT_KINDS: tuple[ConceptKind, ...] = get_args(ConceptKind)
# docs/discovery.md says how it was chosen.
DEFAULT_MEASURE: Measure = "dwpc"
_BRANCH = re.compile(r"[A-Z](\d\d(\.\d{3})*)?")


@dataclass(frozen=True, slots=True)
class DiscoveryRequest:
    """One search.

    concepts: the start, or the start and the end, by identifier or name. where: a SQL condition on the view `concepts`
    whose concepts are the start together. narrower: the start stands for the headings below it in MeSH, too. to, via:
    types of entities or branches of MeSH that results, and linking concepts, must have one of; empty for all. until:
    the last year of articles that count, None for all. known: a result is together with the start in at most so many
    articles. kind: concepts from mentions, from NLM's headings, or both. limit: number of results. links: number of
    linking concepts that are shown for each. Raises DiscoveryError or UnknownNameError for values that make no sense.
    """

    concepts: tuple[str, ...] = ()
    where: str | None = None
    narrower: bool = False
    to: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    until: int | None = None
    known: int = 0
    kind: ConceptKind = "entities"
    measure: Measure = DEFAULT_MEASURE
    limit: int = 20
    links: int = 3
    rules: DiscoveryRules = field(default_factory=DiscoveryRules)

    def __post_init__(self) -> None:
        given = len(self.concepts) + (self.where is not None)
        if not 1 <= given <= 2:
            raise DiscoveryError(
                "give one concept to search from, or two to search between, by name or identifier; --where gives one"
            )
        if any(not one.strip() for one in self.concepts):
            raise DiscoveryError("the name of a concept is empty")
        if self.measure not in MEASURES:
            raise UnknownNameError(f"no measure {self.measure!r}; the measures are {', '.join(MEASURES)}")
        if self.kind not in CONCEPT_KINDS:
            raise UnknownNameError(f"no kind of concepts {self.kind!r}; the kinds are {', '.join(CONCEPT_KINDS)}")
        if min(self.limit, self.links) < 1 or self.known < 0:
            raise DiscoveryError("a number of results is at least 1, and --known at least 0")


def concepts_with(filters: Sequence[str], facts: Sequence[ConceptFacts]) -> Booleans:
    """Which concepts have one of the types, or are in one of the branches of MeSH; all without filters.

    Raises UnknownTypeError for a type that no concept has.
    """
    if not filters:
        return np.ones(len(facts), np.bool_)
    branches = tuple(one for one in filters if _BRANCH.fullmatch(one))
    wanted = {one.lower() for one in filters if not _BRANCH.fullmatch(one)}
    types = sorted({fact.entity_type for fact in facts} - {""})
    for one in filters:
        if one.lower() in wanted and one.lower() not in map(str.lower, types):
            raise UnknownTypeError(
                f"no concept is a {one}{did_you_mean(one, types)}; the types are {', '.join(types)}, and a branch of"
                " MeSH is written like C14 or D12.776"
            )
    found = [
        fact.entity_type.lower() in wanted
        or any(_in_branch(number, branch) for number in fact.tree_numbers for branch in branches)
        for fact in facts
    ]
    return np.array(found, dtype=np.bool_)


def _in_branch(number: str, branch: str) -> bool:
    return number == branch or number.startswith(branch if len(branch) == 1 else f"{branch}.")

"""What a search for connections asks: the start, the end, filters, rules and the measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import numpy as np

from litmine.discovery.facts import BRANCH, ConceptFacts, in_branch
from litmine.discovery.paths import MEASURES, Measure
from litmine.discovery.rules import DiscoveryRules
from litmine.errors import DiscoveryError, UnknownNameError
from litmine.lake.concept_matrix import Booleans
from litmine.settings import did_you_mean

ConceptKind = Literal["entities", "mesh", "both"]
CONCEPT_KINDS: tuple[ConceptKind, ...] = get_args(ConceptKind)
# docs/discovery.md says how it was chosen.
DEFAULT_MEASURE: Measure = "dwpc"
# Larger numbers overflow in the arrays that they are compared with.
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class DiscoveryRequest:
    """One search.

    concepts: the start, or the start and the end, by identifier or name. where: a SQL condition on the view `concepts`
    whose concepts are the start together. narrower: the start stands for the headings below it in MeSH, too. to, via:
    types of entities or branches of MeSH that results, and linking concepts, must have one of; empty for all. until:
    the last year of articles that count, None for all. known: a result is together with the start in at most so many
    articles. kind: concepts from mentions, from NLM's headings, or both. limit: number of results. links: number of
    linking concepts that are shown for each. read: number of articles of a pair that are searched for its sentence, the
    earliest and the latest ones; 0 for no sentences. One name may stand for a tuple of one. Raises DiscoveryError or
    UnknownNameError for values that make no sense.
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
    read: int = 8
    rules: DiscoveryRules = field(default_factory=DiscoveryRules)

    def __post_init__(self) -> None:
        for name in ("concepts", "to", "via"):
            object.__setattr__(self, name, names_in(name, getattr(self, name)))
        if not (self.where is None or isinstance(self.where, str)):
            raise DiscoveryError(f"`where` is a SQL condition as text, not {shown(self.where)}")
        given = len(self.concepts) + (self.where is not None)
        if not 1 <= given <= 2:
            raise DiscoveryError(
                "give one concept to search from, or two to search between, by name or identifier; `where` gives one"
            )
        if self.measure not in MEASURES:
            raise UnknownNameError(f"no measure {shown(self.measure)}; the measures are {', '.join(MEASURES)}")
        if self.kind not in CONCEPT_KINDS:
            raise UnknownNameError(f"no kind of concepts {shown(self.kind)}; the kinds are {', '.join(CONCEPT_KINDS)}")
        for name, least in (("limit", 1), ("links", 1), ("read", 0), ("known", 0), ("until", 1)):
            if name != "until" or self.until is not None:
                check_number(name, getattr(self, name), least)
        self._check_types()
        if given == 2 and self.to:
            raise DiscoveryError("`to` chooses the results of a search from one concept; between two, use `via`")
        if self.where is not None and self.narrower:
            raise DiscoveryError(
                "`narrower` adds what is below one concept; in `where`, write under(tree_numbers, 'C14') instead"
            )

    def _check_types(self) -> None:
        if not (self.where is None or isinstance(self.where, str)):
            raise DiscoveryError(f"`where` is a SQL condition as text, not {shown(self.where)}")
        if not isinstance(self.narrower, bool):
            raise DiscoveryError(f"`narrower` is true or false, not {shown(self.narrower)}")
        if not isinstance(self.rules, DiscoveryRules):
            raise DiscoveryError(
                f"`rules` are DiscoveryRules of litmine.discovery.rules, such as read_rules(file), not"
                f" {shown(self.rules)}"
            )


def request_with(concepts: Sequence[Any], options: Mapping[str, Any]) -> DiscoveryRequest:
    """The request of a call with these concepts and options. Raises as `DiscoveryRequest`."""
    known = [each.name for each in fields(DiscoveryRequest) if each.name != "concepts"]
    for name in options:
        if name not in known:
            raise UnknownNameError(
                f"discover has no option {name}{did_you_mean(name, known)}; its options are {', '.join(known)}, and the"
                " concepts stand before them"
            )
    return DiscoveryRequest(tuple(concepts), **options)


def names_in(option: str, value: Any) -> tuple[str, ...]:
    """One name or several as a tuple. Raises DiscoveryError for anything else, and for an empty name."""
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(one, str) for one in names):
        raise DiscoveryError(f"`{option}` is a name, or a list of names in quotes, not {shown(value)}")
    for name in names:
        if not name.strip():
            raise DiscoveryError(f"a name in `{option}` is empty; give a name or an identifier")
        if not name.isprintable():
            raise DiscoveryError(f"a name in `{option}` has characters that no name has: {shown(name)}")
    return tuple(names)


def check_number(option: str, value: Any, least: int, most: int = _LARGEST) -> None:
    """Raise DiscoveryError if the value is no whole number, or too small or large."""
    if type(value) is not int or not least <= value <= most:
        above = "" if most == _LARGEST else f" and at most {most}"
        raise DiscoveryError(f"`{option}` is a whole number of at least {least}{above}, not {shown(value)}")


def shown(value: Any) -> str:
    """A value of the user in a message."""
    try:
        return ascii(value)[:80]
    except ValueError:  # Python does not write very long numbers
        return "so long a number"


def concepts_with(filters: Sequence[str], facts: Sequence[ConceptFacts]) -> Booleans:
    """Which concepts have one of the types, or are in one of the branches of MeSH; all without filters.

    Raises DiscoveryError for a type or a branch that no concept has.
    """
    if not filters:
        return np.ones(len(facts), np.bool_)
    branches = {one: one.upper() for one in filters if BRANCH.fullmatch(one.upper())}
    wanted = {one.lower() for one in filters if one not in branches}
    types = sorted({fact.entity_type for fact in facts} - {""})
    for one in filters:
        if one not in branches and one.lower() not in map(str.lower, types):
            raise DiscoveryError(
                f"no concept of the lake is a {one[:80]}{did_you_mean(one, types)}; the types are {', '.join(types)},"
                " and a branch of MeSH is written like C14 or D12.776"
            )
    trees = [number for fact in facts for number in fact.tree_numbers]
    for one, branch in branches.items():
        if not any(in_branch(number, branch) for number in trees):
            near = sorted({number[:3] for number in trees if number[0] == branch[0]})
            near = near or sorted({number[0] for number in trees})
            advice = f"the lake has {', '.join(near)}" if near else "none has a place in MeSH"
            raise DiscoveryError(f"no concept of the lake is in the branch {one} of MeSH; {advice}")
    found = [
        fact.entity_type.lower() in wanted
        or any(in_branch(number, branch) for number in fact.tree_numbers for branch in branches.values())
        for fact in facts
    ]
    return np.array(found, dtype=np.bool_)

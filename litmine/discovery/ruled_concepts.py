"""Apply the rules of discovery to the concepts of a graph."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from litmine.discovery.facts import ConceptFacts, in_branch
from litmine.discovery.rules import DiscoveryRules, depth
from litmine.lake.concept_matrix import Booleans, Integers

_SAME_THING = "the same thing as the start, above or below it"
# Tree numbers below `C14` begin with `C14.`, and sort before `C14/`, as the slash is the character after the dot.
_BELOW, _AFTER_BELOW = ".", "/"


class RuledConcepts:
    """The concepts that rules leave. What depends on the rules alone is computed once, as it reads every concept."""

    def __init__(self, facts: Sequence[ConceptFacts], articles: Integers, total: int) -> None:
        """facts, articles: of each concept. total: number of all articles."""
        self._facts = facts
        self._articles = articles
        self._total = total
        self._latest: tuple[DiscoveryRules, npt.NDArray[np.int8], Sequence[str]] | None = None

    def allowed(self, rules: DiscoveryRules, given: Collection[int]) -> tuple[Booleans, Counter[str]]:
        """Which concepts the rules leave, and how many each rule left out.

        A concept that several rules name counts for the first of them. given: the concepts that the user names.
        """
        latest = self._latest
        if latest is None or latest[0] != rules:
            latest = self._latest = (rules, *self._reasons(rules))
        reasons, texts = latest[1].copy(), [*latest[2], _SAME_THING]
        related = self._same_thing(given) if rules.same_thing else {*given}
        reasons[[one for one in related if self._articles[one]]] = len(texts) - 1
        # In the order in which the concepts name them; the first two are no reasons.
        numbers, first, counts = np.unique(reasons, return_index=True, return_counts=True)
        found = sorted(zip(first.tolist(), numbers.tolist(), counts.tolist(), strict=True))
        return reasons == 0, Counter({texts[number]: count for _, number, count in found if number > 1})

    def _reasons(self, rules: DiscoveryRules) -> tuple[npt.NDArray[np.int8], list[str]]:
        """Why each concept is left out, as a place in a list: 0 for allowed, 1 for one without articles."""
        trees = [fact.tree_numbers for fact in self._facts]
        is_in_branches = [
            bool(some) and all(any(in_branch(one, branch) for branch in rules.branches) for one in some)
            for some in trees
        ]
        is_general = [bool(some) and max(map(depth, some)) < rules.least_depth for some in trees]
        is_frequent = self._articles > rules.most_frequent * self._total
        if self._total <= 1 / rules.most_frequent:
            is_frequent = np.zeros(len(self._facts), np.bool_)
        listed = {*rules.leave_out}
        is_listed = [fact.identifier in listed for fact in self._facts]
        reasons, texts = np.zeros(len(self._facts), np.int8), ["", ""]
        # From the last rule to the first, so that the first one that names a concept counts.
        for named, text in (
            (is_in_branches, "in a branch of MeSH that the rules leave out"),
            (is_general, f"too general (depth below {rules.least_depth} in MeSH)"),
            (is_frequent, f"in more than {rules.most_frequent:.0%} of the articles"),
            (self._articles < rules.fewest_articles, f"in fewer than {rules.fewest_articles} articles"),
            (is_listed, "listed in the rules"),
        ):
            reasons[np.asarray(named, np.bool_)] = len(texts)
            texts.append(text)
        reasons[self._articles == 0] = 1
        return reasons, texts

    def _same_thing(self, given: Collection[int]) -> set[int]:
        """The given concepts, those of the same name, and those above or below them in MeSH."""
        found = {*given}
        for start in given:
            found.update(self._by_name[self._facts[start].name.lower()])
            for number in self._facts[start].tree_numbers:
                for one in self._on_the_path(number):
                    found.update(self._by_tree[one])
        return found

    def _on_the_path(self, number: str) -> Iterator[str]:
        """The tree numbers that some concept has: this one, those above it, those below it."""
        above = number
        while above:
            if above in self._by_tree:
                yield above
            above = above.rpartition(".")[0]
        first = bisect_left(self._trees, number + _BELOW)
        yield from self._trees[first : bisect_left(self._trees, number + _AFTER_BELOW)]

    @cached_property
    def _by_name(self) -> Mapping[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for number, fact in enumerate(self._facts):
            found[fact.name.lower()].append(number)
        return found

    @cached_property
    def _by_tree(self) -> Mapping[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for number, fact in enumerate(self._facts):
            for one in fact.tree_numbers:
                found[one].append(number)
        return dict(found)

    @cached_property
    def _trees(self) -> list[str]:
        return sorted(self._by_tree)

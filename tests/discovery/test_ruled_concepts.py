"""What rules leave equals their plain definition: look at each concept, and take the first rule that names it."""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from litmine.discovery.facts import ConceptFacts, in_branch
from litmine.discovery.ruled_concepts import RuledConcepts
from litmine.discovery.rules import DiscoveryRules, depth
from litmine.lake.concept_matrix import Integers
from tests.fixtures.examples import fewer_examples

# Some are above others, and some only look so.
TREES = ("C14", "C14.280", "C14.280.647", "C14.280.64", "C140", "D12.776", "V03", "V03.100")
FACTS = st.builds(
    ConceptFacts,
    st.sampled_from(["MESH:D001241", "MESH:D001249", "NCBITaxon:9606"]),
    st.sampled_from(["one", "One", "other", "third"]),
    st.just(""),
    st.lists(st.sampled_from(TREES), max_size=2, unique=True).map(tuple),
)
CONCEPTS = st.lists(st.tuples(FACTS, st.sampled_from([0, 1, 2, 3, 9])), min_size=1, max_size=12)
RULES = st.builds(DiscoveryRules, least_depth=st.integers(1, 3), same_thing=st.booleans())


def plain_reasons(
    rules: DiscoveryRules, facts: Sequence[ConceptFacts], articles: Integers, total: int, starts: Collection[int]
) -> list[str | None]:
    """For each concept with articles why it is left out, empty if it is allowed; None without articles."""
    trees = {one for start in starts for one in facts[start].tree_numbers}
    names = {facts[start].name.lower() for start in starts}

    def reason(number: int, fact: ConceptFacts) -> str | None:
        numbers = fact.tree_numbers
        is_same = fact.name.lower() in names or any(
            one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
            for one in numbers
            for other in trees
        )
        if not articles[number]:
            return None
        if number in starts or (rules.same_thing and is_same):
            return "the same thing as the start, above or below it"
        if fact.identifier in rules.leave_out:
            return "listed in the rules"
        if articles[number] < rules.fewest_articles:
            return f"in fewer than {rules.fewest_articles} articles"
        if articles[number] > rules.most_frequent * total and total > 1 / rules.most_frequent:
            return f"in more than {rules.most_frequent:.0%} of the articles"
        if numbers and max(map(depth, numbers)) < rules.least_depth:
            return f"too general (depth below {rules.least_depth} in MeSH)"
        if numbers and all(any(in_branch(one, branch) for branch in rules.branches) for one in numbers):
            return "in a branch of MeSH that the rules leave out"
        return ""

    return [reason(number, fact) for number, fact in enumerate(facts)]


@settings(max_examples=fewer_examples(gate=200, soak=5000))
@given(CONCEPTS, st.lists(RULES, min_size=1, max_size=2), st.sampled_from([3, 10, 20]), st.data())
def test_allowed_concepts_are_those_of_the_plain_definition(
    concepts: list[tuple[ConceptFacts, int]], rules: list[DiscoveryRules], total: int, data: st.DataObject
) -> None:
    facts, articles = [fact for fact, _ in concepts], np.array([count for _, count in concepts])
    ruled = RuledConcepts(facts, articles, total)
    for one in (*rules, *rules):
        starts = data.draw(st.sets(st.integers(0, len(facts) - 1), min_size=1, max_size=2))
        expected = plain_reasons(one, facts, articles, total, starts)
        allowed, left_out = ruled.allowed(one, starts)
        assert allowed.tolist() == [reason == "" for reason in expected]
        assert list(left_out.items()) == list(Counter(filter(None, expected)).items())

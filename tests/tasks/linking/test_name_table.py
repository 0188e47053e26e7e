"""`name_table`: exact and approximate lookup, against a plain computation of the same cosine."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.linking.concepts import ConceptFacts
from litmine.tasks.linking.name_table import JoinedConcepts, NameTable, TableName, word_weights
from litmine.tasks.linking.words import tokens

NAMES = ["Kidney Diseases", "Renal Insufficiency", "Kidney Failure, Chronic", "Myocardial Infarction", "Asthma"]


def table(*names: str) -> NameTable:
    return NameTable([TableName(f"MESH:D{row}", name, "Disease", preferred=True) for row, name in enumerate(names)])


def test_names_are_looked_up_by_form_and_type() -> None:
    found = table(*NAMES).lookup("chronic kidney failure", "Disease")
    assert [(match.identifier, match.name) for match in found] == [("MESH:D2", "Kidney Failure, Chronic")]
    assert found[0].similarity > 0.5
    assert table(*NAMES).lookup("chronic kidney failure", "Chemical") == []
    assert table(*NAMES).lookup("", "Disease") == []


def test_the_nearest_name_comes_first() -> None:
    found = table(*NAMES).nearest("kidney disease", "Disease", 2)
    assert [match.name for match in found] == ["Kidney Diseases", "Kidney Failure, Chronic"]
    assert found[0].similarity > found[1].similarity > 0
    assert table(*NAMES).nearest("qqq", "Disease", 3) == []
    assert table(*NAMES).nearest("asthma", "Gene", 3) == []


def test_facts_and_names_of_a_concept() -> None:
    facts = {"MESH:D0": ConceptFacts("Kidney Diseases", heading=True, trees=("C01.1.2",))}
    names = NameTable([TableName("MESH:D0", name, "Disease") for name in NAMES[:2]], facts)
    assert names.facts("MESH:D0") == facts["MESH:D0"]
    assert names.facts("MESH:D1") is None
    assert list(names.names("MESH:D0")) == NAMES[:2]
    assert list(names.names("MESH:D1")) == []


def test_joined_concepts_are_those_of_all_sources() -> None:
    learned = NameTable([TableName("MESH:D1", "renal failure", "Disease", learned=True)])
    joined = JoinedConcepts(table(*NAMES), learned)
    assert [match.learned for match in joined.lookup("Renal failure", "Disease")] == [True]
    assert {match.name for match in joined.nearest("renal", "Disease", 2)} == {"renal failure", "Renal Insufficiency"}
    assert joined.facts("MESH:D1") == ConceptFacts("Renal Insufficiency")
    assert joined.names("MESH:D9") == []


def test_rare_words_weigh_more() -> None:
    weights = word_weights(NAMES)
    assert weights["renal"] == pytest.approx(math.log(1 + 5 / 3))
    # One name has it.
    assert "asthma" not in weights


@given(
    st.lists(st.text(alphabet="abc -1", min_size=1, max_size=8), min_size=1, max_size=8), st.text("abc -1", max_size=8)
)
def test_similarity_is_the_cosine_of_weighted_trigrams(names: list[str], query: str) -> None:
    def grams(name: str) -> set[str]:
        padded = f" {' '.join(tokens(name))} "
        return {padded[at : at + 3] for at in range(len(padded) - 2)}

    counts = Counter(gram for name in names for gram in grams(name))

    def weight(gram: str) -> float:
        return math.log(1 + len(names) / counts[gram]) ** 2 if gram in counts else math.log(1 + len(names)) ** 2

    def length(name: str) -> float:
        return math.sqrt(sum(map(weight, grams(name))))

    found = {match.identifier: match.similarity for match in table(*names).nearest(query, "Disease", 99)}
    for row, name in enumerate(names):
        shared = sum(map(weight, grams(name) & grams(query)))
        expected = shared / (length(name) * length(query)) if shared else 0
        assert found.get(f"MESH:D{row}", 0) == pytest.approx(min(expected, 1.0))

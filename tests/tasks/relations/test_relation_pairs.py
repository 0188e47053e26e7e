"""Pairs of relations: the rule of types and distance, and what it reaches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity, AnnotatedRelation, AnnotatedSentence
from litmine.corpora.relation_declarations import DECLARATIONS
from litmine.tasks.relations.pairs import (
    PairRule,
    RuleCoverage,
    candidate_pairs,
    default_rule,
    identifier_pairs,
    most_frequent_types,
    rule_coverage,
    rule_for,
    sentence_spans,
)

TEXT = "Lithium, not aspirin, gave tremor. Ataxia came later. Lithium was stopped."
DOCUMENT = AnnotatedDocument(
    "1",
    TEXT,
    (
        AnnotatedEntity(0, 7, "Chemical", ("L",), "T1"),
        AnnotatedEntity(13, 20, "Chemical", ("A",), "T2"),
        AnnotatedEntity(27, 33, "Disease", ("t",), "T3"),
        AnnotatedEntity(35, 41, "Disease", ("x", "y"), "T4"),
        AnnotatedEntity(54, 61, "Chemical", ("L",), "T5"),
    ),
    (AnnotatedRelation("induces", "L", "t", True), AnnotatedRelation("induces", "L", "x", True)),
)
PAIRS = (("Chemical", "Disease"),)


def words(rule: PairRule) -> list[tuple[str, str, int]]:
    pairs = candidate_pairs(DOCUMENT.entities, sentence_spans(DOCUMENT), rule)
    return [(one.subject.entity_id, one.object.entity_id, one.sentences_apart) for one in pairs]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (PairRule(PAIRS), [("T1", "T3", 0), ("T2", "T3", 0)]),
        (PairRule(PAIRS, 1), [("T1", "T3", 0), ("T1", "T4", 1), ("T2", "T3", 0), ("T2", "T4", 1), ("T5", "T4", 1)]),
        (PairRule(PAIRS, None, 7), [("T2", "T3", 0)]),
        (PairRule(PAIRS, None, 6), []),
        (PairRule((("Chemical", "Chemical"),)), [("T1", "T2", 0)]),
        (PairRule((("Disease", "Chemical"),)), [("T3", "T1", 0), ("T3", "T2", 0)]),
        (PairRule((("Gene", "Disease"),), None), []),
    ],
)
def test_pairs_by_type_and_distance(rule: PairRule, expected: list[tuple[str, str, int]]) -> None:
    assert words(rule) == expected


def test_identifiers_are_paired_once_and_not_with_themselves() -> None:
    spans = sentence_spans(DOCUMENT)
    found = identifier_pairs(candidate_pairs(DOCUMENT.entities, spans, PairRule(PAIRS, None)))
    assert {key: len(of) for key, of in found.items()} == {
        ("L", "t"): 2, ("L", "x"): 2, ("L", "y"): 2, ("A", "t"): 1, ("A", "x"): 1, ("A", "y"): 1,
    }  # fmt: skip
    same = identifier_pairs(candidate_pairs(DOCUMENT.entities, spans, PairRule((("Chemical", "Chemical"),), None)))
    assert {key: len(of) for key, of in same.items()} == {("A", "L"): 2}


def test_sentences_of_the_corpus_come_first() -> None:
    marked = AnnotatedDocument("1", TEXT, (), (), (), (AnnotatedSentence(0, len(TEXT)),))
    assert sentence_spans(marked) == [(0, len(TEXT))]
    assert len(sentence_spans(DOCUMENT)) == 3


def test_what_a_rule_reaches() -> None:
    declaration = DECLARATIONS["BC5CDR"]
    near = rule_coverage([DOCUMENT], declaration, rule_for(declaration))
    assert near == RuleCoverage(gold=2, reached=1, candidates=2, negatives=1)
    assert near.recall == 50
    assert default_rule(declaration) == PairRule(PAIRS, 1)
    assert default_rule(DECLARATIONS["ChemProt"]) == PairRule((("Chemical", "Gene"),), 0)
    every = rule_coverage([DOCUMENT], declaration, rule_for(declaration, None))
    assert every == RuleCoverage(gold=2, reached=2, candidates=6, negatives=4)
    assert rule_coverage([], declaration, rule_for(declaration)).recall == 0


def test_the_most_frequent_type_of_each_pair_of_types() -> None:
    mixed = AnnotatedDocument(
        "2", TEXT, DOCUMENT.entities,
        tuple(AnnotatedRelation(name, *of) for name, of in (
            ("b", ("T1", "T3")), ("a", ("T2", "T3")), ("b", ("T1", "T4")), ("z", ("T1", "T2")), ("c", ("T5", "T2"))
        )),
    )  # fmt: skip
    assert most_frequent_types([mixed]) == {("Chemical", "Disease"): "b", ("Chemical", "Chemical"): "c"}


SPANS = st.tuples(st.integers(0, 60), st.integers(1, 12), st.sampled_from(["Chemical", "Disease"]))


@given(spans=st.lists(SPANS, max_size=6), limit=st.integers(0, 3), characters=st.integers(0, 40))
def test_a_wider_rule_admits_more_and_order_does_not_matter(
    spans: list[tuple[int, int, str]], limit: int, characters: int
) -> None:
    entities = [AnnotatedEntity(one, one + more, kind, (), str(place)) for place, (one, more, kind) in enumerate(spans)]
    sentences = sentence_spans(DOCUMENT)

    def found(rule: PairRule, of: list[AnnotatedEntity]) -> set[frozenset[str]]:
        pairs = candidate_pairs(of, sentences, rule)
        keys = [frozenset((one.subject.entity_id, one.object.entity_id)) for one in pairs]
        assert len(set(keys)) == len(keys)
        return set(keys)

    both = (("Chemical", "Disease"), ("Chemical", "Chemical"))
    narrow = found(PairRule(both, limit, characters), entities)
    assert narrow <= found(PairRule(both, limit + 1, characters), entities)
    assert narrow <= found(PairRule(both, None, None), entities)
    assert narrow == found(PairRule(both, limit, characters), entities[::-1])
    kinds = [kind for *_, kind in spans]
    chemicals = kinds.count("Chemical")
    expected = chemicals * kinds.count("Disease") + chemicals * (chemicals - 1) // 2
    assert len(found(PairRule(both, None, None), entities)) == expected

"""Scores of relations against hand-computed figures, and the baselines."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity, AnnotatedRelation
from litmine.corpora.relation_declarations import DECLARATIONS
from litmine.tasks.relations.metrics import (
    RelationKey,
    all_pairs_baseline,
    asserted,
    gold_keys,
    relation_key,
    relation_scores,
    span_keys,
    without_types,
)
from litmine.tasks.relations.pairs import most_frequent_types, rule_for

TEXT = "Aspirin and ibuprofen inhibit COX. Iloprost raises it."
DOCUMENT = AnnotatedDocument(
    "1",
    TEXT,
    (
        AnnotatedEntity(0, 7, "Chemical", (), "T1"),
        AnnotatedEntity(12, 21, "Chemical", (), "T2"),
        AnnotatedEntity(30, 33, "Gene", (), "T3"),
        AnnotatedEntity(35, 43, "Chemical", (), "T4"),
    ),
    (
        AnnotatedRelation("inhibits", "T1", "T3"),
        AnnotatedRelation("inhibits", "T2", "T3"),
        AnnotatedRelation("activates", "T4", "T3"),
    ),
)


def test_scores_by_type_and_micro() -> None:
    gold = gold_keys([DOCUMENT], ())
    predicted = {
        RelationKey("1", "inhibits", "T1", "T3"),
        RelationKey("1", "inhibits", "T4", "T3"),
        RelationKey("2", "inhibits", "T1", "T3"),
        RelationKey("1", "agonist_of", "T1", "T3"),
    }
    scores = relation_scores(gold, predicted)
    assert list(scores) == ["activates", "agonist_of", "inhibits", "micro"]
    assert scores["inhibits"] == pytest.approx({"precision": 100 / 3, "recall": 50, "f1": 40, "support": 2})
    assert scores["activates"] == {"precision": 0, "recall": 0, "f1": 0, "support": 1}
    assert scores["micro"] == pytest.approx({"precision": 25, "recall": 100 / 3, "f1": 200 / 7, "support": 3})
    untyped = relation_scores(without_types(gold), without_types(predicted))["micro"]
    assert untyped == pytest.approx({"precision": 200 / 3, "recall": 200 / 3, "f1": 200 / 3, "support": 3})
    assert relation_scores([], []) == {"micro": {"precision": 0, "recall": 0, "f1": 0, "support": 0}}


def test_order_counts_only_for_directed_relations() -> None:
    assert relation_key("1", "binds", "b", "a", {"binds"}) == relation_key("1", "binds", "a", "b", {"binds"})
    assert relation_key("1", "induces", "b", "a", {"binds"}) != relation_key("1", "induces", "a", "b", {"binds"})


def test_baselines() -> None:
    declaration = DECLARATIONS["ChemProt"]
    types = most_frequent_types([DOCUMENT])
    near = all_pairs_baseline([DOCUMENT], declaration, rule_for(declaration), types)
    assert near == {RelationKey("1", "inhibits", "T1", "T3"), RelationKey("1", "inhibits", "T2", "T3")}
    every = all_pairs_baseline([DOCUMENT], declaration, rule_for(declaration, None), types)
    assert every - near == {RelationKey("1", "inhibits", "T4", "T3")}
    assert all_pairs_baseline([DOCUMENT], declaration, rule_for(declaration, None), {}) == set()


def test_exact_spans_stand_for_mentions() -> None:
    (key,) = span_keys([replace(DOCUMENT, relations=DOCUMENT.relations[:1])], ())
    assert key == RelationKey("1", "inhibits", "00000000 00000007 Chemical", "00000030 00000033 Gene")
    renamed = [replace(one, entity_id=f"X{number}") for number, one in enumerate(DOCUMENT.entities)]
    found = replace(DOCUMENT, entities=tuple(renamed), relations=(AnnotatedRelation("inhibits", "X0", "X2"),))
    assert span_keys([found], ()) == {key}
    moved = replace(found, entities=(replace(renamed[0], end=6), *renamed[1:]))
    assert span_keys([moved], ()) != {key}
    assert span_keys([replace(found, relations=(AnnotatedRelation("induces", "D1", "D2", True),))], ()) == set()


def test_negated_and_speculated_relations_are_not_asserted() -> None:
    qualified = [
        replace(DOCUMENT.relations[0], qualifiers=(one,)) for one in ("negated", "speculated", "severity high")
    ]
    kept = asserted(replace(DOCUMENT, relations=(*qualified, DOCUMENT.relations[1])))
    assert kept.relations == (qualified[2], DOCUMENT.relations[1])


KEYS = st.builds(
    RelationKey, st.sampled_from("12"), st.sampled_from("xy"), st.sampled_from("ab"), st.sampled_from("cd")
)


@given(gold=st.sets(KEYS), predicted=st.sets(KEYS))
def test_scores_hold_together(gold: set[RelationKey], predicted: set[RelationKey]) -> None:
    scores = relation_scores(gold, predicted)
    micro = scores.pop("micro")
    assert micro["support"] == len(gold) == sum(one["support"] for one in scores.values())
    assert micro["precision"] * len(predicted) == pytest.approx(100 * len(gold & predicted))
    assert micro["recall"] * len(gold) == pytest.approx(100 * len(gold & predicted))
    assert all(0 <= one["f1"] <= 100 for one in scores.values())
    assert relation_scores(gold, gold)["micro"]["f1"] == (100 if gold else 0)

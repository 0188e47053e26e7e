"""BioASQ's measures against values computed by hand from the official definitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.qa.metrics import score_factoids, score_lists, score_verdicts

GOLD = [["MCT8", "monocarboxylate transporter 8"]]


def test_factoid_scores() -> None:
    """Ranks 1 (in another case), 3, none, and no answer: strict 1/4, lenient 2/4, MRR (1 + 1/3) / 4."""
    pairs = [
        (GOLD, ["mct8", "MCT10"]),
        (GOLD, ["a", "b", "Monocarboxylate transporter 8"]),
        (GOLD, ["the MCT8", "MCT-8", "MCT8."]),
        (GOLD, []),
    ]
    scores = score_factoids(pairs)
    assert scores == {"strict_accuracy": 25.0, "lenient_accuracy": 50.0, "mrr": pytest.approx(100 / 3)}


def test_five_answers_to_a_factoid_count_and_any_synonym_is_correct() -> None:
    sixth = score_factoids([(GOLD, ["a", "b", "c", "d", "e", "MCT8"])])
    assert sixth == {"strict_accuracy": 0.0, "lenient_accuracy": 0.0, "mrr": 0.0}
    fifth = score_factoids([([["x"], ["y", "z"]], ["a", "b", "c", "d", "Z"])])
    assert fifth == {"strict_accuracy": 0.0, "lenient_accuracy": 100.0, "mrr": 20.0}


def test_list_scores() -> None:
    """First question: precision 2/3, recall 2/4, F1 4/7. Second question: all 0. The scores are the means."""
    gold = [["a", "alpha"], ["b"], ["c"], ["d"]]
    scores = score_lists([(gold, ["ALPHA", "x", "c"]), ([["a"]], ["b"])])
    assert scores == {
        "list_precision": pytest.approx(100 * (2 / 3) / 2),
        "list_recall": pytest.approx(100 * 0.5 / 2),
        "list_f1": pytest.approx(100 * (4 / 7) / 2),
    }


def test_two_synonyms_of_a_gold_answer_count_once() -> None:
    scores = score_lists([([["a", "alpha"], ["b"]], ["a", "alpha"])])
    assert scores == {"list_precision": 50.0, "list_recall": 50.0, "list_f1": 50.0}


def test_a_duplicate_gold_answer_is_not_missed() -> None:
    """The official program searches for unmatched gold answers among all predicted answers."""
    scores = score_lists([([["a"], ["a"]], ["a"])])
    assert scores == {"list_precision": 100.0, "list_recall": 100.0, "list_f1": 100.0}


def test_yes_no_scores() -> None:
    """Yes: 3 of 4 correct, 1 false positive, F1 6/8. No: 1 of 2 correct, 1 false positive, F1 2/4. Accuracy 4/6."""
    pairs = [(True, True), (True, True), (True, True), (True, False), (False, False), (False, True)]
    assert score_verdicts(pairs) == {"yesno_accuracy": pytest.approx(400 / 6), "yesno_macro_f1": 62.5}


def test_always_yes_has_at_most_half_of_the_macro_f1() -> None:
    assert score_verdicts([(True, True)] * 4) == {"yesno_accuracy": 100.0, "yesno_macro_f1": 50.0}
    assert score_verdicts([(True, None)])["yesno_accuracy"] == 0.0


_NAMES = st.lists(st.sampled_from("abcA"), max_size=6)


@given(st.lists(st.tuples(st.lists(_NAMES, max_size=3), _NAMES), max_size=4))
def test_measures_are_percentages_with_strict_below_mrr_below_lenient(
    pairs: list[tuple[list[list[str]], list[str]]],
) -> None:
    factoids, lists = score_factoids(pairs), score_lists(pairs)
    assert 0 <= factoids["strict_accuracy"] <= factoids["mrr"] <= factoids["lenient_accuracy"] <= 100
    assert all(0 <= score <= 100 for score in lists.values())

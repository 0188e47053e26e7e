"""BioASQ's measures against cases worked out by hand from the official definitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.qa.metrics import score_factoids, score_lists, score_verdicts

GOLD = [["MCT8", "monocarboxylate transporter 8"]]


def test_factoids_by_hand() -> None:
    """Ranks 1 (in other case), 3, none, and nothing given: strict 1/4, lenient 2/4, MRR (1 + 1/3) / 4."""
    pairs = [
        (GOLD, ["mct8", "MCT10"]),
        (GOLD, ["a", "b", "Monocarboxylate transporter 8"]),
        (GOLD, ["the MCT8", "MCT-8", "MCT8."]),
        (GOLD, []),
    ]
    scores = score_factoids(pairs)
    assert scores == {"strict_accuracy": 25.0, "lenient_accuracy": 50.0, "mrr": pytest.approx(100 / 3)}


def test_of_a_factoid_five_answers_count_and_any_answer_s_synonym_is_right() -> None:
    sixth = score_factoids([(GOLD, ["a", "b", "c", "d", "e", "MCT8"])])
    assert sixth == {"strict_accuracy": 0.0, "lenient_accuracy": 0.0, "mrr": 0.0}
    fifth = score_factoids([([["x"], ["y", "z"]], ["a", "b", "c", "d", "Z"])])
    assert fifth == {"strict_accuracy": 0.0, "lenient_accuracy": 100.0, "mrr": 20.0}


def test_lists_by_hand() -> None:
    """First: 2 of 3 given are right, 2 of 4 gold are given: 2/3, 1/2, 4/7. Second: nothing right. Means of both."""
    gold = [["a", "alpha"], ["b"], ["c"], ["d"]]
    scores = score_lists([(gold, ["ALPHA", "x", "c"]), ([["a"]], ["b"])])
    assert scores == {
        "list_precision": pytest.approx(100 * (2 / 3) / 2),
        "list_recall": pytest.approx(100 * 0.5 / 2),
        "list_f1": pytest.approx(100 * (4 / 7) / 2),
    }


def test_a_gold_answer_is_given_once_whatever_its_synonyms() -> None:
    scores = score_lists([([["a", "alpha"], ["b"]], ["a", "alpha"])])
    assert scores == {"list_precision": 50.0, "list_recall": 50.0, "list_f1": 50.0}


def test_a_gold_answer_that_stands_twice_is_not_missed() -> None:
    """A quirk of the official program: what is left of the gold is looked for among all that was given."""
    scores = score_lists([([["a"], ["a"]], ["a"])])
    assert scores == {"list_precision": 100.0, "list_recall": 100.0, "list_f1": 100.0}


def test_verdicts_by_hand() -> None:
    """Yes: 3 right of 4, 1 no taken for it: F1 6/8. No: 1 right of 2, 1 yes taken for it: F1 2/4. Accuracy 4/6."""
    pairs = [(True, True), (True, True), (True, True), (True, False), (False, False), (False, True)]
    assert score_verdicts(pairs) == {"yesno_accuracy": pytest.approx(400 / 6), "yesno_macro_f1": 62.5}


def test_always_yes_gets_half_of_the_macro_f1_at_most() -> None:
    assert score_verdicts([(True, True)] * 4) == {"yesno_accuracy": 100.0, "yesno_macro_f1": 50.0}
    assert score_verdicts([(True, None)])["yesno_accuracy"] == 0.0


_NAMES = st.lists(st.sampled_from("abcA"), max_size=6)


@given(st.lists(st.tuples(st.lists(_NAMES, max_size=3), _NAMES), max_size=4))
def test_measures_are_percentages_in_their_order(pairs: list[tuple[list[list[str]], list[str]]]) -> None:
    factoids, lists = score_factoids(pairs), score_lists(pairs)
    assert 0 <= factoids["strict_accuracy"] <= factoids["mrr"] <= factoids["lenient_accuracy"] <= 100
    assert all(0 <= score <= 100 for score in lists.values())

"""SQuAD's exact match and F1 against values computed by hand as in the official program."""

import pytest

from litmine.tasks.qa.metrics import normalise, score_spans, word_f1


@pytest.mark.parametrize(
    ("answer", "normal"),
    [
        ("The  Panthers!", "panthers"),
        ("an A.T.P.-ase", "atpase"),
        ("theatre of a war", "theatre of war"),
        ("β-blocker — the", "βblocker —"),
        ("a the an", ""),
    ],
)
def test_normalise(answer: str, normal: str) -> None:
    assert normalise(answer) == normal


def test_exact_match_and_f1_of_five_answers() -> None:
    """Exact; 2 of 3 words against 2 of 2, F1 4/5; wrong; "no answer", correct; "no answer", wrong."""
    pairs = [
        (["Denver Broncos", "Broncos"], "the broncos"),
        (["Carolina Panthers"], "Carolina Panthers team"),
        (["1973"], "1974"),
        ([], ""),
        (["gold"], ""),
    ]
    assert score_spans(pairs) == {"exact_match": 40.0, "f1": pytest.approx(100 * (1 + 0.8 + 1) / 5)}


def test_repeated_words_count_each_time() -> None:
    assert word_f1("to be or not to be", "to be to to") == pytest.approx(2 * 3 / 10)
    assert word_f1("the", "a") == 1.0
    assert word_f1("gold", "the") == 0.0


def test_a_gold_answer_of_articles_only_means_no_answer() -> None:
    assert score_spans([(["the", "gold"], "")]) == {"exact_match": 0.0, "f1": 0.0}

"""Answers of several texts to one question, as one ranking."""

import pytest

from litmine.train.qa.merge import list_answers, merge_answers, merge_verdicts
from litmine.types import Reply, SpanAnswer


def reply(*answers: tuple[str, float], yes: float | None = None) -> Reply:
    spans = tuple(SpanAnswer(answer, 0, len(answer), 0, 1, score) for answer, score in answers)
    return Reply(spans, 0.0, yes)


def test_the_same_answer_s_scores_are_summed_and_its_best_spelling_stays() -> None:
    merged = merge_answers([reply(("MCT8", 0.4), ("a gene", 0.5)), reply(("the Mct8.", 0.3)), reply()])
    assert [(found.answer, found.support) for found in merged] == [("MCT8", 2), ("a gene", 1)]
    assert merged[0].score == pytest.approx(0.7)


def test_two_spans_of_one_text_support_once() -> None:
    (found,) = merge_answers([reply(("X", 0.4), ("x", 0.3))])
    assert found.support == 1
    assert found.score == pytest.approx(0.7)


def test_signs_alone_are_answers_of_their_own() -> None:
    assert [found.answer for found in merge_answers([reply(("+", 0.2), ("-", 0.1))])] == ["+", "-"]


def test_a_list_gives_what_comes_near_the_best() -> None:
    merged = merge_answers([reply(("a1", 0.9), ("b1", 0.3), ("c1", 0.2))])
    assert list_answers(merged, 0.3) == ["a1", "b1"]
    assert list_answers([]) == []


def test_verdicts() -> None:
    assert merge_verdicts([reply(yes=0.9), reply(yes=0.2)]) is True
    assert merge_verdicts([reply(yes=0.7), reply(yes=0.2)]) is False
    assert merge_verdicts([reply()]) is None

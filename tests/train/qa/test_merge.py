"""Answers of several texts to one question, as one ranking."""

import pytest

from litmine.tasks.qa.merge import list_answers, merge_factoid, merge_list, merge_verdicts
from litmine.types import Reply, SpanAnswer

Scored = tuple[str, float]


def spans(*answers: Scored) -> tuple[SpanAnswer, ...]:
    return tuple(SpanAnswer(answer, 0, len(answer), 0, 1, score) for answer, score in answers)


def reply(*answers: Scored, variants: tuple[Scored, ...] = ()) -> Reply:
    return Reply(spans(*answers), spans(*variants), 1 - max((score for _, score in answers), default=0.0))


def verdict(yes: float, no: float) -> Reply:
    return Reply((), (), 1.0, yes, no)


def test_the_same_answer_s_scores_are_summed_and_its_best_spelling_stays() -> None:
    for merge in (merge_list, merge_factoid):
        merged = merge([reply(("MCT8", 0.5)), reply(("the Mct8.", 0.25)), reply(("a gene", 0.625)), reply()])
        assert [(found.answer, found.score, found.support) for found in merged] == [
            ("MCT8", pytest.approx(0.75), 2),
            ("a gene", 0.625, 1),
        ]


def test_an_answer_counts_once_a_text_by_its_best_span() -> None:
    (found,) = merge_list([reply(("X", 0.4), ("x", 0.3))])
    assert (found.answer, found.score, found.support) == ("X", 0.4, 1)


def test_the_spans_of_a_text_compete_for_a_factoid() -> None:
    """Their odds against no answer are 4 and 1 to 1, and no answer has the probability 0.2."""
    merged = merge_factoid([reply(("latex", 0.8), ("milk", 0.5))])
    assert [found.score for found in merged] == pytest.approx([0.8, 0.2])
    assert [found.score for found in merge_list([reply(("latex", 0.8), ("milk", 0.5))])] == [0.8, 0.5]
    sure = merge_factoid([Reply(spans(("latex", 1.0), ("milk", 0.5)), (), 0.0)])
    assert [found.score for found in sure] == [1.0, 0.0]


def test_spans_that_overlap_are_a_factoid_s_answers_and_not_a_list_s() -> None:
    replies = [reply(("latex gloves", 0.5), variants=(("latex", 0.4),)), reply(("latex", 0.25))]
    assert [found.answer for found in merge_factoid(replies)] == ["latex", "latex gloves"]
    assert [(found.answer, found.support) for found in merge_list(replies)] == [("latex gloves", 1), ("latex", 1)]


def test_signs_alone_are_answers_of_their_own() -> None:
    assert [found.answer for found in merge_list([reply(("+", 0.2), ("-", 0.1))])] == ["+", "-"]


def test_a_list_gives_what_comes_near_the_best() -> None:
    merged = merge_list([reply(("a1", 0.9), ("b1", 0.3), ("c1", 0.2))])
    assert list_answers(merged, 0.3) == ["a1", "b1"]
    assert list_answers([]) == []


def test_verdicts() -> None:
    assert merge_verdicts([verdict(0.9, 0.1), verdict(0.2, 0.8)]) is True
    assert merge_verdicts([verdict(0.7, 0.3), verdict(0.2, 0.8)]) is False
    assert merge_verdicts([verdict(0.05, 0.0), verdict(0.05, 0.0), verdict(0.0, 0.15)]) is False
    assert merge_verdicts([reply()]) is None

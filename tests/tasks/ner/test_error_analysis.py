"""Every wrong mention is in exactly one mistake of the correct kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.corpus import Passage
from litmine.tasks.ner.error_analysis import KINDS, Mistake, count_kinds, find_mistakes, most_frequent
from litmine.types import Span

TEXT = "an allergy to penicillin and to Penicillin"
SPANS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 4), st.sampled_from(["Chemical", "Disease"])).map(
        lambda drawn: Span(drawn[0], drawn[0] + drawn[1], drawn[2])
    ),
    max_size=6,
)


def mistakes(gold: list[Span], found: list[Span], text: str = TEXT) -> list[Mistake]:
    return find_mistakes([Passage(text, tuple(gold))], [found])


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (Span(3, 10, "Disease"), None),
        (Span(0, 10, "Disease"), "boundary"),
        (Span(9, 24, "Disease"), "boundary"),
        (Span(3, 10, "Chemical"), "type"),
        (Span(0, 10, "Chemical"), "boundary+type"),
    ],
)
def test_the_kind_of_a_pair(found: Span, kind: str | None) -> None:
    gold = Span(3, 10, "Disease")
    expected = [(kind, gold, found)] if kind else []
    assert [(one.kind, one.gold, one.found) for one in mistakes([gold], [found])] == expected


def test_adjacent_spans_are_not_a_pair() -> None:
    gold, found = Span(3, 10, "Disease"), Span(10, 13, "Disease")
    assert [(one.kind, one.gold, one.found) for one in mistakes([gold], [found])] == [
        ("missed", gold, None), ("invented", None, found)
    ]  # fmt: skip


def test_the_longest_overlap_of_the_same_type_is_paired_first() -> None:
    gold = [Span(0, 10, "Disease"), Span(11, 24, "Disease")]
    found = [Span(0, 14, "Disease"), Span(0, 10, "Chemical")]
    assert [(one.kind, one.gold, one.found) for one in mistakes(gold, found)] == [
        ("invented", None, found[1]), ("boundary", gold[0], found[0]), ("missed", gold[1], None)
    ]  # fmt: skip


def test_a_correct_mention_is_not_paired_again() -> None:
    right, other = Span(0, 10, "Disease"), Span(3, 10, "Chemical")
    assert [one.kind for one in mistakes([right, other], [right])] == ["missed"]
    assert [one.kind for one in mistakes([right], [right, other])] == ["invented"]


@given(gold=SPANS, found=SPANS)
def test_every_wrong_mention_is_in_one_mistake(gold: list[Span], found: list[Span]) -> None:
    made = mistakes(gold, found)
    right = set(gold) & set(found)
    of_gold, of_found = [one.gold for one in made if one.gold], [one.found for one in made if one.found]
    assert len(of_gold) == len(set(of_gold))
    assert set(of_gold) == set(gold) - right
    assert len(of_found) == len(set(of_found))
    assert set(of_found) == set(found) - right
    counts = count_kinds(made)
    assert list(counts) == list(KINDS)
    assert sum(counts.values()) == len(made)
    assert len(made) - counts["invented"] == len(set(gold)) - len(right)
    assert len(made) - counts["missed"] == len(set(found)) - len(right)
    assert mistakes(gold[::-1], found[::-1]) == made


@given(gold=SPANS, found=SPANS)
def test_missed_and_invented_mentions_do_not_overlap(gold: list[Span], found: list[Span]) -> None:
    made = mistakes(gold, found)
    for missed in (one.gold for one in made if one.kind == "missed" and one.gold):
        for invented in (one.found for one in made if one.kind == "invented" and one.found):
            assert missed.end_char <= invented.start_char or invented.end_char <= missed.start_char


def test_mistakes_are_counted_ignoring_case_and_sorted_by_frequency() -> None:
    allergy, low, high = Span(3, 10, "Disease"), Span(14, 24, "Chemical"), Span(32, 42, "Chemical")
    made = mistakes([allergy, low, high], [])
    assert most_frequent(made, 5)["missed"] == [(2, made[1]), (1, made[0])]
    assert most_frequent(made, 1)["missed"] == [(2, made[1])]
    assert most_frequent(made, 1)["invented"] == []


def test_the_context_of_a_mistake_surrounds_both_mentions() -> None:
    (mistake,) = mistakes([Span(3, 10, "Disease")], [Span(0, 5, "Disease")])
    assert mistake.bounds == (0, 10)
    assert mistake.context(3) == ("", "an allergy", " to")
    assert mistake.passage == 0

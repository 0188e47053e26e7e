"""Scores are what seqeval gives in strict mode on the same tags."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from litmine.text.tags import spans_of_tags
from litmine.train.metrics import score_spans
from litmine.types import Span

TYPES = ("Chemical", "Disease")


def well_formed(tags: list[str]) -> list[str]:
    """The same tags with every I that continues nothing made a B."""
    return [
        f"B{tag[1:]}" if tag[0] == "I" and before[1:] != tag[1:] else tag
        for before, tag in zip(["O", *tags], tags, strict=False)
    ]


TAGS = st.sampled_from(["O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in TYPES)])
PAIRS = st.lists(st.lists(st.tuples(TAGS, TAGS), min_size=1, max_size=12), min_size=1, max_size=5)


def spans(tags: list[str]) -> list[Span]:
    return [Span(*span) for span in spans_of_tags(tags)]


@given(pairs=PAIRS)
def test_seqeval_gives_the_same(pairs: list[list[tuple[str, str]]]) -> None:
    gold = [["B-Chemical", "B-Disease", "O"], *(well_formed([tag for tag, _ in pair]) for pair in pairs)]
    found = [["B-Chemical", "O", "B-Disease"], *(well_formed([tag for _, tag in pair]) for pair in pairs)]
    ours = score_spans(zip(map(spans, gold), map(spans, found), strict=True), TYPES)
    with warnings.catch_warnings():
        # Of types without a mention, which seqeval divides by.
        warnings.simplefilter("ignore")
        theirs = classification_report(gold, found, mode="strict", scheme=IOB2, output_dict=True)
    for kind in TYPES:
        row = theirs[kind]
        assert ours[kind] == pytest.approx(
            {"precision": 100 * row["precision"], "recall": 100 * row["recall"], "f1": 100 * row["f1-score"],
             "support": row["support"]}
        )  # fmt: skip
    micro = theirs["micro avg"]
    assert ours["micro"]["f1"] == pytest.approx(100 * micro["f1-score"])
    assert ours["micro"]["support"] == micro["support"]


def test_types_that_are_not_asked_for_do_not_count() -> None:
    gold = [Span(0, 3, "Disease"), Span(4, 6, "Gene")]
    found = [Span(0, 3, "Disease"), Span(7, 9, "Gene")]
    scores = score_spans([(gold, found)], ["Disease"])
    assert scores.keys() == {"Disease", "micro"}
    assert scores["micro"] == {"precision": 100.0, "recall": 100.0, "f1": 100.0, "support": 1}


def test_nothing_found_and_nothing_to_find() -> None:
    assert score_spans([([], [])], ["Gene"])["Gene"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}


def test_the_right_words_of_the_wrong_type_are_wrong() -> None:
    scores = score_spans([([Span(0, 3, "Disease")], [Span(0, 3, "Chemical")])], TYPES)
    assert scores["micro"]["f1"] == 0

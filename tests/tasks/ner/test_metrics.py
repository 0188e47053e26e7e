"""Scores equal those of seqeval in strict mode on the same tags."""

import warnings
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.ner.evaluate import count_spans, score_counts, score_spans
from litmine.text.tags import tags_to_spans
from litmine.types import Span

TYPES = ("Chemical", "Disease")

# A token is outside, or begins or continues a mention of a type.
Token = tuple[str | None, bool]
TOKENS = st.tuples(st.sampled_from([None, *TYPES]), st.booleans())
PAIRS = st.lists(
    st.lists(
        st.one_of(TOKENS.map(lambda token: (token, token)), st.tuples(TOKENS, TOKENS)), min_size=1, max_size=12
    ),
    min_size=1,
    max_size=5,
)  # fmt: skip


def tags(tokens: Sequence[Token], scheme: str) -> list[str]:
    """Well-formed tags of the tokens."""
    written = []
    for (before, _), (kind, begins), (after, anew) in zip(
        [(None, True), *tokens[:-1]], tokens, [*tokens[1:], (None, True)], strict=True
    ):
        first, last = begins or before != kind, anew or after != kind
        prefix = {(True, True): "S", (True, False): "B", (False, True): "E", (False, False): "I"}[first, last]
        if scheme == "IOB2":
            prefix = "B" if first else "I"
        written.append(f"{prefix}-{kind}" if kind else "O")
    return written


def spans(tagged: list[str]) -> list[Span]:
    return [Span(*span) for span in tags_to_spans(tagged)]


@pytest.mark.parametrize("scheme", ["IOB2", "IOBES"])
@given(pairs=PAIRS)
def test_scores_equal_those_of_seqeval(scheme: str, pairs: list[list[tuple[Token, Token]]]) -> None:
    from seqeval import scheme as schemes
    from seqeval.metrics import classification_report

    # seqeval omits types without mentions.
    chemical, disease, outside = ("Chemical", True), ("Disease", True), (None, False)
    pairs = [[(chemical, chemical), (disease, outside), (outside, disease)], *pairs]
    gold = [tags([token for token, _ in pair], scheme) for pair in pairs]
    found = [tags([token for _, token in pair], scheme) for pair in pairs]
    ours = score_spans(zip(map(spans, gold), map(spans, found), strict=True), TYPES)
    with warnings.catch_warnings():
        # seqeval divides by 0 for types without mentions.
        warnings.simplefilter("ignore")
        theirs = classification_report(gold, found, mode="strict", scheme=getattr(schemes, scheme), output_dict=True)
    assert list(ours) == [*TYPES, "micro"]
    for name, row in {**theirs, "micro": theirs["micro avg"]}.items():
        if name in ours:
            expected = {
                "precision": 100 * row["precision"],
                "recall": 100 * row["recall"],
                "f1": 100 * row["f1-score"],
                "support": row["support"],
            }
            assert ours[name] == pytest.approx(expected, rel=0, abs=1e-9)


def test_other_types_do_not_count() -> None:
    gold = [Span(0, 3, "Disease"), Span(4, 6, "Gene")]
    found = [Span(0, 3, "Disease"), Span(7, 9, "Gene")]
    scores = score_spans([(gold, found)], ["Disease"])
    assert scores.keys() == {"Disease", "micro"}
    assert scores["micro"] == {"precision": 100.0, "recall": 100.0, "f1": 100.0, "support": 1}


def test_no_mentions_score_0() -> None:
    assert score_spans([([], [])], ["Gene"])["Gene"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert score_spans([], ["Gene"])["Gene"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}


def test_the_correct_span_with_the_wrong_type_is_wrong() -> None:
    scores = score_spans([([Span(0, 3, "Disease")], [Span(0, 3, "Chemical")])], TYPES)
    assert scores["micro"]["f1"] == 0


def test_a_duplicate_mention_counts_once() -> None:
    gold = [Span(0, 3, "Disease"), Span(0, 3, "Disease")]
    assert count_spans([(gold, gold[:1])], TYPES).tolist() == [[[0, 0, 0], [1, 1, 1]]]


def test_scores_are_computed_from_the_counts_of_all_passages() -> None:
    pairs = [([Span(0, 3, "Disease")], [Span(0, 3, "Disease")]), ([], [Span(0, 3, "Chemical")])]
    counts = count_spans(pairs, TYPES)
    assert counts.tolist() == [[[0, 0, 0], [1, 1, 1]], [[0, 1, 0], [0, 0, 0]]]
    assert score_counts(counts, TYPES)["micro"] == {"precision": 50.0, "recall": 100.0, "f1": pytest.approx(200 / 3),
                                                    "support": 1}  # fmt: skip

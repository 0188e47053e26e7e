"""The best spans against a search through all spans."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from litmine.tasks.qa.spans import best_spans, sigmoid, softmax, top_spans

# Few values, which give many ties, and values like those of a network.
LOGITS = st.one_of(st.sampled_from([-1.0, 0.0, 2.0]), st.floats(-30, 30, width=32))


@st.composite
def scored(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    words = draw(st.integers(0, 20))
    start, end = (draw(st.lists(LOGITS, min_size=words, max_size=words)) for _ in range(2))
    return np.array(start, dtype=np.float32), np.array(end, dtype=np.float32)


def search(
    start: NDArray[np.float32], end: NDArray[np.float32], most_words: int, best: int, overlapping: bool = False
) -> list[tuple[int, int, float]]:
    """All spans, best first; without those that overlap an earlier one if `apart`."""
    words = range(len(start))
    spans = [(i, j + 1, float(start[i]) + float(end[j])) for i in words for j in words if 0 <= j - i < most_words]
    spans.sort(key=lambda span: (-span[2], span[0], span[1]))
    if overlapping:
        return spans[:best]
    taken: list[tuple[int, int, float]] = []
    for span in spans:
        if len(taken) < best and all(span[1] <= other[0] or other[1] <= span[0] for other in taken):
            taken.append(span)
    return taken


@given(scores=scored(), most_words=st.integers(1, 25), best=st.integers(1, 25))
def test_spans_equal_those_of_an_exhaustive_search(
    scores: tuple[NDArray[np.float32], NDArray[np.float32]], most_words: int, best: int
) -> None:
    assert best_spans(*scores, most_words, best) == search(*scores, most_words, best)
    assert top_spans(*scores, most_words, best) == search(*scores, most_words, best, overlapping=True)


def test_the_logits_are_not_modified() -> None:
    start, end = np.array([1, 2], dtype=np.float32), np.array([3, 4], dtype=np.float32)
    assert best_spans(start, end, 2, 5) == [(1, 2, 6.0), (0, 1, 4.0)]
    assert top_spans(start, end, 2, 5) == [(1, 2, 6.0), (0, 2, 5.0), (0, 1, 4.0)]
    assert (start.tolist(), end.tolist()) == ([1, 2], [3, 4])


@pytest.mark.parametrize(("logit", "probability"), [(0, 0.5), (math.log(3), 0.75), (-1e5, 0.0), (1e5, 1.0)])
def test_sigmoid(logit: float, probability: float) -> None:
    assert sigmoid(logit) == pytest.approx(probability)


@pytest.mark.parametrize(("logits", "expected"), [([0, 0], [0.5, 0.5]), ([math.log(3), 0, -1e5], [0.75, 0.25, 0])])
def test_softmax(logits: list[float], expected: list[float]) -> None:
    assert softmax(np.array(logits, dtype=np.float32)) == pytest.approx(expected)


@given(scores=scored(), most_words=st.integers(1, 25), best=st.integers(1, 25), data=st.data())
def test_spans_that_are_not_allowed_are_left_out(
    scores: tuple[NDArray[np.float32], NDArray[np.float32]], most_words: int, best: int, data: st.DataObject
) -> None:
    words = len(scores[0])
    longest = min(most_words, words)
    flags = data.draw(st.lists(st.booleans(), min_size=words * longest, max_size=words * longest))
    allowed = np.array(flags, dtype=np.bool_).reshape(words, longest)
    every = search(*scores, most_words, words * longest, overlapping=True)
    expected = [span for span in every if allowed[span[0], span[1] - span[0] - 1]]
    assert top_spans(*scores, most_words, best, allowed) == expected[:best]
    found = best_spans(*scores, most_words, best, allowed)
    assert found[:1] == expected[:1]
    assert set(found) <= set(expected)

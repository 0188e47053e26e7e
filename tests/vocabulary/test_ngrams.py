"""`ngrams`: the search by trigrams finds what a plain search finds."""

import math
import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.vocabulary.ngrams import TrigramIndex

LETTERS = st.text("abcD 1-", max_size=9)


@given(st.lists(LETTERS, min_size=1, max_size=300), LETTERS, st.integers(1, 40), st.data())
def test_nearest_is_the_plain_search(names: list[str], query: str, number: int, data: st.DataObject) -> None:
    """Also where there are more blocks of scores than names to find, and for a part of the names."""
    names *= 20
    rows = None
    if data.draw(st.booleans()):
        rows = np.flatnonzero(np.random.default_rng(len(names)).random(len(names)) < 0.7).astype(np.int32)
    mask = np.random.default_rng(number).random(len(names)) < 0.9
    found = TrigramIndex(pa.array(names, pa.string()), rows).nearest(query, number, mask)
    chosen = [*range(len(names))] if rows is None else rows.tolist()
    expected = _plain_similarities([names[row] for row in chosen], query)
    allowed = {row: score for row, score in zip(chosen, expected, strict=True) if mask[row] and score}
    assert [score for _, score in found] == pytest.approx(sorted(allowed.values(), reverse=True)[:number], abs=1e-4)
    for row, score in found:
        assert score == pytest.approx(allowed[row], abs=1e-4)
    assert len({row for row, _ in found}) == len(found)


def _plain_similarities(names: list[str], query: str) -> list[float]:
    """The cosine of trigrams by sets; trigrams that are in more than 100 names and 5 % of them are not searched."""

    def grams(name: str) -> set[str]:
        padded = f" {re.sub('[^a-z0-9]', ' ', name.lower())} "
        return {padded[at : at + 3] for at in range(len(padded) - 2)}

    counts = Counter(gram for name in names for gram in grams(name))
    squares = {gram: (math.log(len(names) / max(counts[gram], 1)) + 0.1) ** 2 for gram in {*counts, *grams(query)}}
    searched = {gram for gram in grams(query) if counts[gram] <= max(100, 0.05 * len(names))} or grams(query)

    def length(name: str) -> float:
        return math.sqrt(sum(squares[gram] for gram in grams(name)))

    return [
        sum(squares[gram] for gram in searched & grams(name)) / (length(name) * length(query))
        if name and query
        else 0.0
        for name in names
    ]

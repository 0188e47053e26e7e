"""`statistics`: against exact sums of the hypergeometric distribution, and published examples."""

from fractions import Fraction
from math import comb, isclose, log, log10

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.discovery.statistics import fisher_p, log10_fisher_p, normalised_pmi, q_values


def exact_p(both: int, first: int, second: int, total: int) -> float:
    ways = sum(comb(first, k) * comb(total - first, second - k) for k in range(both, min(first, second) + 1))
    return float(Fraction(ways, comb(total, second)))


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int, int]:
    total = draw(st.integers(1, 300))
    first, second = draw(st.integers(1, total)), draw(st.integers(1, total))
    return draw(st.integers(max(0, first + second - total), min(first, second))), first, second, total


@given(tables())
def test_fisher_is_the_sum_of_the_tail(table: tuple[int, int, int, int]) -> None:
    both, first, second, total = table
    p = exact_p(both, first, second, total)
    assert isclose(fisher_p(np.array([both]), first, second, total)[0], p, rel_tol=1e-8, abs_tol=1e-12)
    score = log10_fisher_p(np.array([both]), first, second, total)[0]
    if both * total > first * second:
        assert isclose(score, -log10(p), rel_tol=1e-8, abs_tol=1e-8)
    else:
        assert score == 0


def test_the_lady_tasting_tea() -> None:
    """Fisher's own example: all four cups right have p = 1/70, three right or more 17/70."""
    four = np.array([4])
    assert fisher_p(four, four, four, 8)[0] == pytest.approx(1 / 70)
    assert fisher_p(np.array([3]), four, four, 8)[0] == pytest.approx(17 / 70)


def test_a_p_too_small_for_a_float_has_a_logarithm() -> None:
    many = np.array([5_000])
    assert fisher_p(many, many, many, 1_000_000)[0] == 0
    assert log10_fisher_p(many, many, many, 1_000_000)[0] == pytest.approx(13_645, abs=300)


def test_normalised_pmi() -> None:
    """1 where two concepts are always together, 0 where they are independent, below 0 where they avoid each other."""
    both, first, second = np.array([10, 1, 1]), np.array([10, 10, 20]), np.array([10, 10, 50])
    assert normalised_pmi(both, first, second, 100) == pytest.approx([1, 0, log(0.1) / log(100)])
    assert normalised_pmi(np.array([5]), np.array([5]), np.array([5]), 5) == pytest.approx([0])


def test_q_values_of_the_published_example() -> None:
    """The 15 p of Benjamini and Hochberg 1995: at a rate of 0.05 their procedure rejects the first four."""
    first = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p = np.array([*first, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0])
    assert (q_values(p) <= 0.05).tolist() == [True] * 4 + [False] * 11
    assert q_values(p[::-1]).tolist() == q_values(p)[::-1].tolist()
    assert q_values(np.zeros(0)).tolist() == []

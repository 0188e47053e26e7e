"""Association of two concepts from counts of articles: mutual information, Fisher's exact test, false discoveries."""

from functools import cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.integer] | int

# Terms of the tail are added until they no longer change it by this share.
_PRECISION = 1e-12
_MAX_TERMS = 10_000


def normalised_pmi(both: Counts, first: Counts, second: Counts, total: int) -> Floats:
    """Normalised pointwise mutual information, -1 to 1: Bouma 2009, Proceedings of GSCL, pages 31 to 40.

    both: articles with both concepts, at least 1. first, second: articles with each. total: articles in all. Two
    concepts that are in all articles have 0.
    """
    together = np.asarray(both, dtype=np.float64)
    pmi = np.log(together * total / (np.asarray(first, np.float64) * np.asarray(second, np.float64)))
    information = -np.log(together / total)
    scaled: Floats = np.divide(pmi, information, out=np.zeros(np.shape(pmi)), where=information > 0)
    return scaled


def fisher_p(both: Counts, first: Counts, second: Counts, total: int) -> Floats:
    """One-sided p of Fisher's exact test: so many articles with both concepts, or more, if they were independent.

    The upper tail of the hypergeometric distribution; arguments as in `normalised_pmi`. Relative error below 1e-8.
    """
    k, m, n = np.broadcast_arrays(
        np.asarray(both, np.float64), np.asarray(first, np.float64), np.asarray(second, np.float64)
    )
    least = np.maximum(0, m + n - total)
    upper = k > m * n / total
    # Below the mean the lower tail is the short one: P(X >= k) = 1 - P(X <= k - 1).
    start = np.where(upper, k, np.maximum(k - 1, least))
    tail = np.exp(_log_probability(start, m, n, total)) * _tail_sum(start, m, n, total, upper)
    p = np.where(upper, tail, np.where(k <= least, 1.0, 1 - tail))
    return np.clip(p, 0, 1)


def log10_fisher_p(both: Counts, first: Counts, second: Counts, total: int) -> Floats:
    """-log10 of `fisher_p`, also where p is too small for a float; 0 at or below the mean, where p is near 1/2."""
    k, m, n = np.broadcast_arrays(
        np.asarray(both, np.float64), np.asarray(first, np.float64), np.asarray(second, np.float64)
    )
    score = np.zeros(k.shape)
    above = k > m * n / total
    k, m, n = k[above], m[above], n[above]
    log_p = _log_probability(k, m, n, total) + np.log(_tail_sum(k, m, n, total, np.ones(k.shape, np.bool_)))
    score[above] = np.maximum(0, -log_p / np.log(10))
    return score


def q_values(p: Floats) -> Floats:
    """The false discovery rate at which each p counts: Benjamini and Hochberg 1995, J R Stat Soc B 57, 289 to 300."""
    if not len(p):
        return np.zeros(0)
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(1, np.minimum.accumulate(scaled[::-1])[::-1])
    return q


def _tail_sum(start: Floats, m: Floats, n: Floats, total: int, upper: npt.NDArray[np.bool_]) -> Floats:
    """The sum of probabilities from `start` outwards, in units of the probability of `start`."""
    summed, term, k = np.ones(start.shape), np.ones(start.shape), start.copy()
    for _ in range(_MAX_TERMS):
        rest = total - m - n + k
        gained = np.where(upper, (m - k) * (n - k), k * rest)
        lost = np.where(upper, (k + 1) * (rest + 1), (m - k + 1) * (n - k + 1))
        term = term * gained / lost
        summed = summed + term
        k = k + np.where(upper, 1, -1)
        if not np.any(term > _PRECISION * summed):
            break
    return summed


def _log_probability(k: Floats, m: Floats, n: Floats, total: int) -> Floats:
    log = _log_factorials(1 << int(total).bit_length())

    def choose(whole: Floats | int, part: Floats) -> Floats:
        rest = np.asarray(whole - part, dtype=np.int64)
        return log[np.asarray(whole, dtype=np.int64)] - log[np.asarray(part, dtype=np.int64)] - log[rest]

    return choose(m, k) + choose(total - m, n - k) - choose(total, n)


@cache
def _log_factorials(count: int) -> Floats:
    """log(i!) for i from 0 to `count`."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1, dtype=np.float64)))])

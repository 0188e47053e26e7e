"""95 % intervals of a linker's scores by bootstrap over documents, because an article repeats its names.

Percentile intervals: Efron, Bootstrap Methods: Another Look at the Jackknife, 1979.
"""

from collections.abc import Callable

import numpy as np

RESAMPLES = 1_000
_SEED = 1
_BOUNDS = (2.5, 97.5)

Interval = tuple[float, float]


def interval(counts: np.ndarray, measure: Callable[[np.ndarray], np.ndarray], resamples: int = RESAMPLES) -> Interval:
    """The interval of a measure of sums over documents.

    counts: documents x numbers. measure: from sums (resamples x numbers) to a score for each, NaN where there is none.
    Raises ValueError without documents.
    """
    documents = len(counts)
    drawn = np.random.default_rng(_SEED).multinomial(documents, np.full(documents, 1 / documents), size=resamples)
    scores = measure(drawn @ counts)
    low, high = np.nanpercentile(scores, _BOUNDS).tolist()
    return low, high


def share(sums: np.ndarray) -> np.ndarray:
    """Percent of the first number in the second, NaN where the second is 0."""
    whole = np.where(sums[:, 1] > 0, sums[:, 1], np.nan)
    shares: np.ndarray = 100 * sums[:, 0] / whole
    return shares


def f1(sums: np.ndarray) -> np.ndarray:
    """F1 in percent from the numbers of wanted, found and right ones, NaN where nothing is wanted or found."""
    both = sums[:, 0] + sums[:, 1]
    scores: np.ndarray = 200 * sums[:, 2] / np.where(both > 0, both, np.nan)
    return scores

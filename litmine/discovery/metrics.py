"""How good a ranking is: average precision, precision at k, area under the ROC curve, and intervals of their means."""

from collections.abc import Sequence

import numpy as np

from litmine.discovery.statistics import Floats
from litmine.lake.concept_matrix import Booleans

CUTOFF = 10
METRICS = ("average_precision", f"precision_at_{CUTOFF}", "auc")
_RESAMPLES = 1_000


def ranking_scores(scores: Floats, relevant: Booleans, seed: int) -> dict[str, float]:
    """The metrics of one ranking, 0 to 1. There must be relevant and other candidates.

    scores: of all candidates. Equal scores are in a random order, which the seed fixes; for the area they count half.
    """
    order = np.lexsort((np.random.default_rng(seed).permutation(len(scores)), -scores))
    hits = relevant[order]
    places = np.flatnonzero(hits) + 1
    return {
        "average_precision": float(np.mean(np.arange(1, len(places) + 1) / places)),
        f"precision_at_{CUTOFF}": float(hits[:CUTOFF].sum() / CUTOFF),
        "auc": _area(scores, relevant),
    }


def mean_with_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """The mean and its 95 % percentile interval by bootstrap over the values."""
    array = np.asarray(values, dtype=np.float64)
    samples = array[np.random.default_rng(seed).integers(0, len(array), (_RESAMPLES, len(array)))].mean(axis=1)
    low, high = np.quantile(samples, (0.025, 0.975))
    return float(array.mean()), float(low), float(high)


def _area(scores: Floats, relevant: Booleans) -> float:
    """The share of pairs of a relevant and another candidate in which the relevant one has the higher score."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    positives = int(relevant.sum())
    above = mean_ranks[inverse[relevant]].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(scores) - positives)))

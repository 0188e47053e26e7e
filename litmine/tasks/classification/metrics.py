"""Scores of labels: precision, recall and F1 by label and micro, area under the ROC curve, and what a screening saves.

Intervals are percentiles of a bootstrap over documents (`litmine.tasks.linking.bootstrap`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from litmine.tasks.linking.bootstrap import Interval, interval

MICRO, MACRO = "micro", "macro_f1"


@dataclass(frozen=True, slots=True)
class LabelScores:
    """Scores in percent. by_label: precision, recall, F1 and support of each label, and of all as `micro`.

    intervals: of the micro F1 and of the macro F1, 95 %.
    """

    by_label: dict[str, dict[str, float]]
    macro_f1: float
    intervals: dict[str, Interval]

    def record(self, intervals: bool = True) -> dict[str, object]:
        """The scores as JSON."""
        record: dict[str, object] = {**self.by_label, MACRO: round(self.macro_f1, 2)}
        return record | ({"intervals": {k: list(v) for k, v in self.intervals.items()}} if intervals else {})


def label_scores(
    labels: Sequence[str],
    wanted: np.ndarray,
    found: np.ndarray,
    documents: Sequence[int],
    resamples: int = 1_000,
) -> LabelScores:
    """The scores of found labels. wanted, found: 0 or 1, (spans, labels). documents (spans,): the document of each.

    Macro F1 is the mean over the labels that are wanted anywhere.
    """
    names = np.asarray(documents)
    order = {one: place for place, one in enumerate(dict.fromkeys(names.tolist()))}
    place = np.array([order[one] for one in names.tolist()], dtype=np.int64)
    # For each document and label: wanted, found, both.
    counts = np.zeros((len(order), len(labels), 3))
    for column, values in enumerate((wanted, found, wanted * found)):
        np.add.at(counts[:, :, column], place, values)
    totals = counts.sum(axis=0)
    by_label = {label: _scores(*totals[i]) for i, label in enumerate(labels)}
    by_label[MICRO] = _scores(*totals.sum(axis=0))
    present = totals[:, 0] > 0
    flat = counts.reshape(len(order), -1)

    def micro(sums: np.ndarray) -> np.ndarray:
        return _f1(sums.reshape(len(sums), len(labels), 3).sum(axis=1))

    def macro(sums: np.ndarray) -> np.ndarray:
        means: np.ndarray = np.nan_to_num(_f1(sums.reshape(len(sums), len(labels), 3)))[:, present].mean(axis=1)
        return means

    macro_f1 = float(macro(flat.sum(axis=0, keepdims=True))[0]) if present.any() else 0.0
    bounds = {MICRO: interval(flat, micro, resamples), MACRO: interval(flat, macro, resamples)} if len(flat) else {}
    return LabelScores(by_label, macro_f1, bounds)


def _scores(wanted: float, found: float, both: float) -> dict[str, float]:
    return {
        "precision": round(100 * both / found, 2) if found else 0.0,
        "recall": round(100 * both / wanted, 2) if wanted else 0.0,
        "f1": round(200 * both / (wanted + found), 2) if wanted + found else 0.0,
        "support": int(wanted),
    }


def _f1(sums: np.ndarray) -> np.ndarray:
    """F1 in percent from numbers wanted, found and both (..., 3); NaN where nothing is wanted or found."""
    total = sums[..., 0] + sums[..., 1]
    scores: np.ndarray = 200 * sums[..., 2] / np.where(total > 0, total, np.nan)
    return scores


def area_under_roc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """Share of pairs of a positive and a negative that the scores order rightly, ties by half; None without a pair."""
    is_positive = positive.astype(bool)
    positives, negatives = int(is_positive.sum()), int((~is_positive).sum())
    if not positives or not negatives:
        return None
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    # The mean rank of equal scores.
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((rank[is_positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


@dataclass(frozen=True, slots=True)
class Screening:
    """A ranking, read from the top until `recall` of the positives is found.

    threshold: the least score that is read. read: share of the texts with at least this score. saved: work saved over
    sampling, (TN + FN) / N - (1 - recall) (Cohen et al. 2006, doi:10.1197/jamia.M1929).
    """

    recall: float
    precision: float
    read: float
    saved: float
    threshold: float


def screen(scores: np.ndarray, positive: np.ndarray, recall: float) -> Screening | None:
    """The screening at the highest threshold with at least this recall; None without a positive text."""
    is_positive = positive.astype(bool)
    positives = int(is_positive.sum())
    if not positives:
        return None
    needed = int(np.ceil(recall * positives - 1e-9))
    threshold = float(np.sort(scores[is_positive])[::-1][needed - 1])
    read = scores >= threshold
    reached = float((read & is_positive).sum() / positives)
    share = float(read.mean())
    return Screening(reached, float(is_positive[read].mean()), share, (1 - share) - (1 - recall), threshold)

"""Pool the votes of words into the logits of sentences and texts.

A network gives each word, for each query of a scheme, a weight and a vote for each label: (words, queries, 1 + labels).
The logit of a stretch of words is the sum over the queries of the mean vote, weighted by the softmax of the weights
(attention pooling, Lin et al. 2017, arXiv:1703.03130). A pooled stretch has the same shape: the log of the sum of the
exponentials of its weights, and the mean votes. So stretches can be pooled again, and a text that is longer than a
window is pooled over all its words, each of which counts once.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from litmine.tasks.classification.settings import ONE, Scheme

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def pool(votes: Floats, starts: Ints) -> Floats:
    """Pool stretches that begin at `starts`, ascending from 0, and end where the next begins; none may be empty.

    votes: (stretches, queries, 1 + labels), in order. Returns (len(starts), queries, 1 + labels).
    """
    if not len(starts):
        return votes[:0]
    weights = votes[:, :, 0]
    largest = np.maximum.reduceat(weights, starts)
    owner = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(votes))))
    shares = np.exp(weights - largest[owner])
    total = np.add.reduceat(shares, starts)
    means = np.add.reduceat(shares[:, :, None] * votes[:, :, 1:], starts) / total[:, :, None]
    return np.concatenate([(largest + np.log(total))[:, :, None], means], axis=2)


def logits(votes: Floats) -> Floats:
    """Logits (stretches, labels) of pooled stretches."""
    summed: Floats = votes[:, :, 1:].sum(axis=1)
    return summed


def probabilities(scheme: Scheme, found: Floats) -> Floats:
    """Calibrated probabilities (stretches, labels) of logits."""
    shifted = scheme.scale * found.astype(np.float64) + np.array(scheme.shifts or [0.0] * len(scheme.labels))
    if scheme.choice == ONE:
        powers = np.exp(shifted - shifted.max(axis=1, keepdims=True))
        found = powers / powers.sum(axis=1, keepdims=True)
    else:
        found = 1 / (1 + np.exp(-np.clip(shifted, -60, 60)))
    return np.asarray(found, dtype=np.float32)


def chosen_labels(scheme: Scheme, found: Floats) -> list[list[int]]:
    """The numbers of the labels that each stretch gets, from probabilities (stretches, labels)."""
    thresholds = np.array(scheme.thresholds or [0.5] * len(scheme.labels), dtype=np.float32)
    if scheme.choice == ONE:
        return [[int(best)] for best in (found / np.maximum(thresholds, 1e-6)).argmax(axis=1)]
    return [np.flatnonzero(row >= thresholds).tolist() for row in found]


def stored_labels(scheme: Scheme, found: Floats) -> list[list[int]]:
    """The numbers of the labels that are stored for each stretch: the chosen ones, or every label."""
    return [list(range(len(scheme.labels)))] * len(found) if scheme.every else chosen_labels(scheme, found)


def contributions(votes: Floats, label: int) -> Floats:
    """What each part of a stretch adds to the logit of a label, more than to the mean of all labels: (parts,).

    votes: the parts, (parts, queries, 1 + labels). The sum over the parts is that difference of the whole stretch.
    """
    weights = votes[:, :, 0]
    shares = np.exp(weights - weights.max(axis=0))
    shares = shares / shares.sum(axis=0)
    own = votes[:, :, 1 + label]
    others = votes[:, :, 1:].mean(axis=2) if votes.shape[2] > 2 else 0.0
    added: Floats = (shares * (own - others)).sum(axis=1)
    return added


def starts_of(numbers: Sequence[int] | Ints) -> Ints:
    """Where each run of equal numbers begins."""
    array = np.asarray(numbers)
    if not len(array):
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate([[True], array[1:] != array[:-1]]))

"""What a score is worth: temperature and bias, fitted to how often spans of held-out questions are right.

Platt's scaling (1999): the logit of a span is its own less that of "no answer"; over all spans that the reader would
give, that one is right has the probability sigmoid((logit - bias) / temperature), fitted by maximum likelihood.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.qa.answer_alignment import occurrences
from litmine.tasks.qa.metrics import normalise
from litmine.tasks.qa.question_files import Asked
from litmine.tasks.qa.reader import Reader
from litmine.tasks.qa.spans import best_spans

# Longer than nearly every abstract, which is what `annotate` reads.
LONGEST = 4_000
_AT_ONCE = 2_048
_BINS = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """`error` is the expected calibration error: the mean distance of score and share that is right, in ten bins.

    spans: how many were looked at; right: how many of these are.
    """

    temperature: float
    bias: float
    error: float
    spans: int
    right: int


def calibrate(reader: Reader, held_out: Sequence[Asked]) -> Calibration | None:
    """Fit a reader's scores; None when the held-out spans are all right or all wrong, or score and right go apart.

    Yes/no questions and texts of more than `LONGEST` code points are passed over.
    """
    logits, right = _spans(reader, held_out)
    if right.all() or not right.any():
        return None
    slope, intercept = fit(logits, right)
    if slope <= 0:
        return None
    scores = 1 / (1 + np.exp(-(slope * logits + intercept)))
    return Calibration(1 / slope, -intercept / slope, calibration_error(scores, right), len(right), int(right.sum()))


def fit(logits: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of `right` on `logits`, by Newton's steps.

    A ridge of 1e-3 keeps them finite where the two sides do not overlap.
    """
    inputs = np.stack([logits, np.ones_like(logits)], axis=1)
    weights = np.zeros(2)
    for _ in range(100):
        scores = 1 / (1 + np.exp(-np.clip(inputs @ weights, -40, 40)))
        gradient = inputs.T @ (scores - right) + 1e-3 * weights
        hessian = (inputs * (scores * (1 - scores))[:, None]).T @ inputs + 1e-3 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        # Damped: far from the optimum a whole step overshoots.
        weights -= step * min(1.0, 1.0 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-9:
            break
    return float(weights[0]), float(weights[1])


def calibration_error(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The expected calibration error (Naeini et al. 2015), in ten bins of equal width, from 0 to 1."""
    bins = np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
    difference = np.bincount(bins, scores - right, _BINS)
    return float(np.abs(difference).sum() / len(scores))


def _spans(reader: Reader, held_out: Sequence[Asked]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The logits of all spans of all held-out pairs, and which are right."""
    pairs = [(asked, text) for asked in held_out if asked.yes is None for text in asked.texts if len(text) <= LONGEST]
    logits: list[float] = []
    right: list[bool] = []
    for begin in range(0, len(pairs), _AT_ONCE):
        block = pairs[begin : begin + _AT_ONCE]
        read = reader.read([(asked.question, text) for asked, text in block])
        for (asked, text), pair, scores in zip(block, read, reader.label(read), strict=True):
            if isinstance(pair, FailedItem) or isinstance(scores, FailedItem):
                continue
            settings, words = reader.settings, pair.words
            gold = _gold(asked, text)
            for first, after, score in best_spans(scores.start, scores.end, settings.most_words, settings.best):
                logits.append(score - scores.null)
                right.append(normalise(text[words.start[first] : words.end[after - 1]]) in gold)
    return np.array(logits), np.array(right, dtype=np.bool_)


def _gold(asked: Asked, text: str) -> set[str]:
    """The answers as the file and as the text spell them."""
    names = [name for answer in asked.answers for name in answer]
    return {normalise(name) for name in names} | {normalise(text[start:end]) for start, end in occurrences(names, text)}

"""Calibrate a reader: fit temperature and bias, so that a score is the probability that a span is correct.

This is Platt scaling (Platt 1999). A span's logit here is the reader's logit of the span minus that of "no answer".
Over all spans that the reader returns for held-out questions, the probability of a correct span is sigmoid((logit -
bias) / temperature), fitted by maximum likelihood.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.qa.answer_alignment import find_occurrences
from litmine.tasks.qa.metrics import normalise
from litmine.tasks.qa.question_files import GoldQuestion
from litmine.tasks.qa.reader import Reader

# Longer than nearly every abstract, which is what `annotate` reads.
MAX_TEXT_CHARS = 4_000
_PAIRS_AT_ONCE = 2_048
_BINS = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted temperature and bias, and how they were fitted.

    error: the expected calibration error, the mean distance between score and share of correct spans in ten bins.
    spans: number of spans. right: number of correct ones.
    """

    temperature: float
    bias: float
    error: float
    spans: int
    right: int


def calibrate(reader: Reader, held_out: Sequence[GoldQuestion]) -> Calibration | None:
    """Fit a reader's scores on held-out questions.

    Yes/no questions and texts of more than MAX_TEXT_CHARS code points are not used. Returns None when the spans are all
    correct or all wrong, or when higher logits are not more often correct.
    """
    logits, correct = _score_spans(reader, held_out)
    if correct.all() or not correct.any():
        return None
    slope, intercept = fit_logistic_regression(logits, correct)
    if slope <= 0:
        return None
    scores = 1 / (1 + np.exp(-(slope * logits + intercept)))
    error = calibration_error(scores, correct)
    return Calibration(1 / slope, -intercept / slope, error, len(correct), int(correct.sum()))


def fit_logistic_regression(logits: NDArray[np.float64], correct: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of `correct` on `logits`, by Newton's method.

    A ridge of 1e-3 keeps them finite when the two classes do not overlap.
    """
    inputs = np.stack([logits, np.ones_like(logits)], axis=1)
    weights = np.zeros(2)
    for _ in range(100):
        scores = 1 / (1 + np.exp(-np.clip(inputs @ weights, -40, 40)))
        gradient = inputs.T @ (scores - correct) + 1e-3 * weights
        hessian = (inputs * (scores * (1 - scores))[:, None]).T @ inputs + 1e-3 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        # Far from the optimum a full step overshoots.
        weights -= step * min(1.0, 1.0 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-9:
            break
    return float(weights[0]), float(weights[1])


def calibration_error(scores: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """The expected calibration error (Naeini et al. 2015) in ten bins of equal width, from 0 to 1."""
    bins = np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
    difference = np.bincount(bins, scores - correct, _BINS)
    return float(np.abs(difference).sum() / len(scores))


def _score_spans(reader: Reader, held_out: Sequence[GoldQuestion]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The logits of all spans of all held-out pairs, and which spans are correct."""
    pairs = [
        (gold, text) for gold in held_out if gold.yes is None for text in gold.texts if len(text) <= MAX_TEXT_CHARS
    ]
    span_logits: list[float] = []
    correct: list[bool] = []
    for begin in range(0, len(pairs), _PAIRS_AT_ONCE):
        block = pairs[begin : begin + _PAIRS_AT_ONCE]
        read = reader.read([(gold.question, text) for gold, text in block])
        for (gold, text), pair, logits in zip(block, read, reader.label(read), strict=True):
            if isinstance(pair, FailedItem) or isinstance(logits, FailedItem):
                continue
            words, answers = pair.words, _gold_answers(gold, text)
            disjoint, _ = reader.find_spans((gold.question, text), pair, logits)
            for first, after, score in disjoint:
                span_logits.append(score - logits.null)
                correct.append(normalise(text[words.start[first] : words.end[after - 1]]) in answers)
    return np.array(span_logits), np.array(correct, dtype=np.bool_)


def _gold_answers(gold: GoldQuestion, text: str) -> set[str]:
    """The normalised answers, as spelled in the file and in the text."""
    spellings = [*gold.names, *(text[start:end] for start, end in find_occurrences(gold.names, text))]
    return {normalise(spelling) for spelling in spellings}

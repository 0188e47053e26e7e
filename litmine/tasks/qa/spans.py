"""Decode start and end logits of words to the best answer spans."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Logits = NDArray[np.float32]
# (words, longest): whether the span of a first word and a number of further words may be an answer.
Allowed = NDArray[np.bool_]
# First word, word after the last, and start logit of the first plus end logit of the last word.
ScoredSpan = tuple[int, int, float]


def best_spans(
    start: Logits, end: Logits, most_words: int, best: int, allowed: Allowed | None = None
) -> list[ScoredSpan]:
    """Up to `best` spans of at most `most_words` words that do not overlap, best first.

    Each is the best span that overlaps no earlier one; of equal spans the first, and then the shortest. `allowed` is
    the result of `allowed_spans`, None for all spans.
    """
    if not len(start):
        return []
    sums = _sums(start, end, most_words, allowed)
    longest = sums.shape[1]
    found: list[ScoredSpan] = []
    while len(found) < best:
        first, more = divmod(int(sums.argmax()), longest)
        score = float(sums[first, more])
        if score == -math.inf:
            break
        after = first + more + 1
        found.append((first, after, score))
        sums[first:after] = -np.inf
        for earlier in range(max(0, first - longest + 1), first):
            sums[earlier, first - earlier :] = -np.inf
    return found


def top_spans(
    start: Logits, end: Logits, most_words: int, best: int, allowed: Allowed | None = None
) -> list[ScoredSpan]:
    """Up to `best` spans of at most `most_words` words, best first, overlapping or not; the rest as `best_spans`."""
    if not len(start):
        return []
    sums = _sums(start, end, most_words, allowed)
    flat = sums.ravel()
    # Sorts only the few best of thousands of spans.
    indices = np.flatnonzero(flat >= np.partition(flat, -best)[-best]) if best < len(flat) else np.arange(len(flat))
    top = indices[np.argsort(-flat[indices], kind="stable")][:best]
    spans = [(*divmod(int(index), sums.shape[1]), float(flat[index])) for index in top]
    return [(first, first + more + 1, score) for first, more, score in spans if score > -math.inf]


def _sums(start: Logits, end: Logits, most_words: int, allowed: Allowed | None) -> NDArray[np.float64]:
    """The score of each span, (first word, number of words - 1); minus infinity for one that is not allowed."""
    longest = min(most_words, len(start))
    padded = np.append(end.astype(np.float64), np.full(longest - 1, -np.inf))
    sums: NDArray[np.float64] = start.astype(np.float64)[:, None] + sliding_window_view(padded, longest)
    if allowed is not None:
        sums[~allowed] = -np.inf
    return sums


def softmax(logits: Logits) -> list[float]:
    """Probabilities that add up to 1, without overflow for large logits."""
    powers = np.exp(logits.astype(np.float64) - float(logits.max()))
    return [float(power) for power in powers / powers.sum()]


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)), without overflow for large logits."""
    small = math.exp(-abs(logit))
    return (1.0 if logit >= 0 else small) / (1.0 + small)

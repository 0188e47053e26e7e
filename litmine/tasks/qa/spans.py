"""Start and end scores to spans: the best ones of at most so many words."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Scores = NDArray[np.float32]
# First word, word after the last, `start[first] + end[last]`.
Found = tuple[int, int, float]


def best_spans(start: Scores, end: Scores, most_words: int, best: int) -> list[Found]:
    """Spans of which none overlaps another, the best first.

    Each is the best of those that overlap none before it; of equals the one that begins first, then the shorter one.
    """
    if not len(start):
        return []
    sums = _sums(start, end, most_words)
    longest = sums.shape[1]
    found: list[Found] = []
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


def top_spans(start: Scores, end: Scores, most_words: int, best: int) -> list[Found]:
    """The best spans of all, whether they overlap or not, in the same order."""
    if not len(start):
        return []
    sums = _sums(start, end, most_words)
    flat = sums.ravel()
    # Few of thousands are sorted.
    places = np.flatnonzero(flat >= np.partition(flat, -best)[-best]) if best < len(flat) else np.arange(len(flat))
    top = places[np.argsort(-flat[places], kind="stable")][:best]
    spans = [(*divmod(int(place), sums.shape[1]), float(flat[place])) for place in top]
    return [(first, first + more + 1, score) for first, more, score in spans if score > -math.inf]


def _sums(start: Scores, end: Scores, most_words: int) -> NDArray[np.float64]:
    """(first word, words less one): the score of each span, minus infinity beyond the last word."""
    longest = min(most_words, len(start))
    padded = np.append(end.astype(np.float64), np.full(longest - 1, -np.inf))
    sums: NDArray[np.float64] = start.astype(np.float64)[:, None] + sliding_window_view(padded, longest)
    return sums


def softmax(logits: Scores) -> list[float]:
    """Probabilities that add up to 1, for logits of any size."""
    powers = np.exp(logits.astype(np.float64) - float(logits.max()))
    return [float(power) for power in powers / powers.sum()]


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)), for logits of any size."""
    small = math.exp(-abs(logit))
    return (1.0 if logit >= 0 else small) / (1.0 + small)

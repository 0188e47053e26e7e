"""Start and end scores to spans: the best ones of at most so many words, none overlapping another."""

import math

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


def best_spans(start: Scores, end: Scores, most_words: int, best: int) -> list[tuple[int, int, float]]:
    """Spans as (first word, word after the last, `start[first] + end[last]`), the best first.

    Each is the best of those that overlap none before it; of equals the one that begins first, then the shorter one.
    """
    words = len(start)
    if not words:
        return []
    longest = min(most_words, words)
    # sums[i, n]: the span of n + 1 words that begins at word i.
    padded = np.append(end.astype(np.float64), np.full(longest - 1, -np.inf))
    sums = start.astype(np.float64)[:, None] + np.lib.stride_tricks.sliding_window_view(padded, longest)
    found: list[tuple[int, int, float]] = []
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


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)), for logits of any size."""
    small = math.exp(-abs(logit))
    return (1.0 if logit >= 0 else small) / (1.0 + small)

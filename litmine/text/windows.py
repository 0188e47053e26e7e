"""Split long texts into overlapping windows for models of limited input length.

The result for a token comes from the window in which it is furthest from an edge, so that it has context on both sides.
"""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Window:
    """The model reads tokens `start` to `end`; only the results of `keep_start` to `keep_end` count. Ends exclusive."""

    start: int
    end: int
    keep_start: int
    keep_end: int


def split_into_windows(tokens: int, size: int, overlap: int, tight: bool = False) -> list[Window]:
    """Cover `tokens` tokens with the fewest windows of at most `size` that overlap by at least `overlap`.

    The windows are evenly spaced and have the same length: `size`, or with `tight` the shortest that suffices. The kept
    ranges cover each token once. They meet in the middle of each overlap, so that a token has at least `overlap // 2`
    tokens of context on each side, except at the ends of the text. Raises ValueError unless 0 <= overlap < size.
    """
    if not 0 <= overlap < size:
        raise ValueError(f"windows of {size} tokens cannot overlap by {overlap}")
    if tokens <= size:
        return [Window(0, tokens, 0, tokens)]
    steps = -(-(tokens - size) // (size - overlap))
    if tight:
        size = -(-(tokens + steps * overlap) // (steps + 1))
    starts = [(tokens - size) * step // steps for step in range(steps + 1)]
    edges = [0, *((left + size + right) // 2 for left, right in pairwise(starts)), tokens]
    return [
        Window(start, start + size, keep_start, keep_end)
        for start, keep_start, keep_end in zip(starts, edges[:-1], edges[1:], strict=True)
    ]

"""Long texts in overlapping windows, each token owned by the window where it stands furthest from an edge."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens `start` to `end` are read together; of what is read, tokens `keep_start` to `keep_end` are kept."""

    start: int
    end: int
    keep_start: int
    keep_end: int


def split_into_windows(tokens: int, size: int, overlap: int, tight: bool = False) -> list[Window]:
    """Cover `tokens` tokens with as few windows of at most `size` as overlap by at least `overlap`, evenly spread.

    All windows of a text are as long as `size`, or if they are to be `tight` only as they need to be. The kept ranges
    touch and do not overlap: where two windows overlap, they part in the middle, so every token keeps at least
    `overlap // 2` tokens of context on either side, the ends of the text apart.
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

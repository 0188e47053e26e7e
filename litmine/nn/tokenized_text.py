"""A text as a model reads it: tokens, and where each word stands in it, in code points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litmine.types import Span


@dataclass(frozen=True, slots=True)
class Words:
    """One text as a model reads it, special tokens apart.

    `ids` (tokens): vocabulary ids. `first`, `start`, `end` (words): each word's first token, and the code points it
    covers. A word is what the tokenizer never joins with its neighbours, so a mention is never a piece of one.
    """

    ids: NDArray[np.int64]
    first: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first)

    @property
    def tokens(self) -> int:
        return len(self.ids)


def label_words(words: Words, spans: Sequence[Span]) -> NDArray[np.int64]:
    """0 outside, 1 at the first word of a span, 2 inside, for spans of one type that do not overlap: (words,)."""
    labels = np.zeros(len(words), dtype=np.int64)
    for span in spans:
        inside = np.flatnonzero((words.start < span.end_char) & (words.end > span.start_char))
        labels[inside] = 2
        labels[inside[:1]] = 1
    return labels

"""What a network says of texts, as far as anybody asks: where it leaves open whether a word is in a mention."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litmine.nn.failure_isolation import Failed


@dataclass(frozen=True, slots=True)
class Open:
    """The words that may be in a mention, a pair for each head that thinks so; all other pairs are outside.

    `text`, `word`, `head` (pairs): numbers. `logits` (pairs, labels of the head that has most): -inf where a head has
    fewer.
    """

    text: NDArray[np.int64]
    word: NDArray[np.int64]
    head: NDArray[np.int64]
    logits: NDArray[np.float32]

    @classmethod
    def joined(cls, parts: Sequence["Open"]) -> "Open":
        """Text after text."""
        if not parts:
            none = np.zeros(0, dtype=np.int64)
            return cls(none, none, none, np.zeros((0, 1), dtype=np.float32))
        text = np.concatenate([part.text for part in parts])
        order = np.argsort(text, kind="stable")
        word, head, logits = (
            np.concatenate([getattr(part, name) for part in parts])[order] for name in ("word", "head", "logits")
        )
        return cls(text[order], word, head, logits)

    def of_texts(self, first: int, after: int) -> "Open":
        """Those of some texts, where the pairs are text after text."""
        own = slice(*np.searchsorted(self.text, (first, after)).tolist())
        return Open(self.text[own] - first, self.word[own], self.head[own], self.logits[own])


@dataclass(frozen=True, slots=True)
class Said:
    """Of some texts, what is open, text after text, and which of them could not be read and why, by number."""

    open: Open
    failed: dict[int, Failed]

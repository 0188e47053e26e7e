"""Texts to tokens: ids for the model, and where each word stands in the text, in code points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

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


class WordReader:
    """A tokenizer (one that neither truncates nor pads) that says where each word stands."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        # "[SEP]" in an abstract is five characters of text, not the end of it.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        # Byte-level tokenizers count the space before a word into it, and take a no-break space for a word.
        self._takes_spaces = tokenizer.encode(" \u00a0a a", add_special_tokens=False).offsets != [(2, 3), (4, 5)]

    def read(self, texts: Sequence[str]) -> list[Words]:
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [self._words(encoding, text) for encoding, text in zip(encodings, texts, strict=True)]

    def _words(self, encoding: Encoding, text: str) -> Words:
        ids = np.array(encoding.ids, dtype=np.int64)
        numbers = np.array([-1 if number is None else number for number in encoding.word_ids], dtype=np.int64)
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        first = np.flatnonzero(np.concatenate(([True], numbers[1:] != numbers[:-1]))) if len(ids) else ids
        last = np.append(first[1:], len(ids))[: len(first)] - 1
        start, end = offsets[first, 0], offsets[last, 1]
        if self._takes_spaces:
            for i in range(len(first)):
                word = text[start[i] : end[i]]
                start[i] += len(word) - len(word.lstrip())
                end[i] = start[i] + len(word.strip())
        real = end > start
        return Words(ids, first[real], start[real], end[real])


def label_words(words: Words, spans: Sequence[Span]) -> NDArray[np.int64]:
    """0 outside, 1 at the first word of a span, 2 inside, for spans of one type that do not overlap: (words,)."""
    labels = np.zeros(len(words), dtype=np.int64)
    for span in spans:
        inside = np.flatnonzero((words.start < span.end_char) & (words.end > span.start_char))
        labels[inside] = 2
        labels[inside[:1]] = 1
    return labels

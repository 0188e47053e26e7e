"""A tokenizer at work on texts: the ids of their tokens, and where each word stands, in code points."""

from collections.abc import Sequence

import numpy as np
from tokenizers import Encoding, Tokenizer

from litmine.nn.tokenized_text import Words
from litmine.nn.tokenizer_cache import Lexicon, parts_at_ascii


class WordReader:
    """A tokenizer (one that neither truncates nor pads) that says where each word stands."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        # "[SEP]" in an abstract is five characters of text, not the end of it.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        # Byte-level tokenizers count the space before a word into it, and take a no-break space for a word.
        self._takes_spaces = tokenizer.encode(" \u00a0a a", add_special_tokens=False).offsets != [(2, 3), (4, 5)]
        self._lexicon = Lexicon(self.encode) if parts_at_ascii(tokenizer) else None

    def read(self, texts: Sequence[str]) -> list[Words]:
        """What `encode` gives, as quickly as it can be had."""
        return self.encode(texts) if self._lexicon is None else self._lexicon.read(texts)

    def encode(self, texts: Sequence[str]) -> list[Words]:
        """Every text by the tokenizer itself."""
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

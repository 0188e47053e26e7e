"""A tokenizer at work on texts: the ids of their tokens, and where each word stands, in code points.

A text as a model reads it: tokens, and where each word stands in it, in code points.

What a BERT tokenizer makes of each stretch of text, remembered: abstracts are made of the same words.

A tokenizer of the BERT family reads a text as stretches that know nothing of each other: it parts at ASCII's white
space and on either side of ASCII's punctuation marks, and whatever it does to letters (accents, case, Chinese,
controls) it does between these. So a stretch is read once, by the tokenizer itself, and looked up from then on.
"""

import json
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

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


# Letters or one mark, each with a space after it if there is one, and other white space: every character is in one.
_STRETCH = re.compile(r"[^\t\n\r !-/:-@\[-`{-~]+ ?|[!-/:-@\[-`{-~] ?|[\t\n\r ]+")
# Texts that are read at a time: enough for numpy, little for the memory.
_TOGETHER = 256
# Stretches that are remembered, a hundred bytes or two each, of so many characters on average; then all are forgotten,
# and the frequent ones come back.
_MOST, _LENGTH = 400_000, 32


def parts_at_ascii(tokenizer: Tokenizer) -> bool:
    """Whether the tokenizer is of the kind whose stretches know nothing of each other."""
    told = json.loads(tokenizer.to_str())
    kinds = [(told[part] or {}).get("type") for part in ("normalizer", "pre_tokenizer", "model")]
    added = all(token["special"] for token in told["added_tokens"])
    return kinds == ["BertNormalizer", "BertPreTokenizer", "WordPiece"] and added


class TokenizerCache:
    """What `encode`, a tokenizer for which `parts_at_ascii` holds, made of stretches; threads may share it."""

    def __init__(self, encode: Callable[[Sequence[str]], Sequence[Words]], most: int = _MOST) -> None:
        self._encode, self._most = encode, most
        self._reading = threading.Lock()
        self._forget()

    def read(self, texts: Sequence[str]) -> list[Words]:
        """The same as `encode`."""
        found: list[Words] = []
        for i in range(0, len(texts), _TOGETHER):
            with self._reading:
                found += self._read(texts[i : i + _TOGETHER])
        return found

    def _read(self, texts: Sequence[str]) -> list[Words]:
        if len(self._numbers) > self._most or self._table.characters > _LENGTH * self._most:
            self._forget()
        stretches: list[str] = []
        edges = [0]
        for text in texts:
            stretches += _STRETCH.findall(text)
            edges.append(len(stretches))
        number = np.fromiter(map(self._numbers.__getitem__, stretches), np.int64, len(stretches))
        if len(self._numbers) > len(self._table):
            self._learn()
        row = self._table.rows[number]
        length, tokens, words = row[:, 0], row[:, 1], row[:, 2]
        # Where each stretch's begin, among all characters, tokens and words; and each text's.
        character, token, word = (np.concatenate(([0], np.cumsum(one))) for one in (length, tokens, words))
        of_text = [one[edges] for one in (character, token, word)]
        ids = self._table.ids[_ranges(row[:, 3], tokens, token)][:, 0]
        places = self._table.places[_ranges(row[:, 4], words, word)]
        # Counted from the text that a stretch is of.
        which = np.repeat(np.arange(len(texts)), np.diff(edges))
        first = places[:, 0] + np.repeat(token[:-1] - of_text[1][which], words)
        begins = np.repeat(character[:-1] - of_text[0][which], words)
        start, end = places[:, 1] + begins, places[:, 2] + begins
        at, among = of_text[1].tolist(), of_text[2].tolist()
        return [
            Words(ids[i:j], first[k:m], start[k:m], end[k:m])
            for i, j, k, m in zip(at, at[1:], among, among[1:], strict=False)
        ]

    def _learn(self) -> None:
        """Read the stretches that came up for the first time; what makes the tokenizer fail leaves no trace."""
        known = len(self._table)
        new = list(islice(self._numbers, known, None))
        try:
            self._table.add(new, self._encode(new))
        except Exception:
            for stretch in new:
                del self._numbers[stretch]
            raise

    def _forget(self) -> None:
        self._numbers, self._table = _Numbers(), _Table()


class _Numbers(dict[str, int]):
    """A number for each stretch, in the order in which they came."""

    def __missing__(self, stretch: str) -> int:
        self[stretch] = number = len(self)
        return number


class _Table:
    """What stretches are made of, by their numbers.

    `rows` (stretches, 5): characters, tokens, words, and where its own begin in `ids` (tokens, 1) and `places` (words,
    3): first token, start and end, counted from the stretch's own.
    """

    def __init__(self) -> None:
        self.rows, self.ids, self.places = _Rows(5), _Rows(1), _Rows(3)
        self.characters = 0

    def __len__(self) -> int:
        return self.rows.count

    def add(self, stretches: Sequence[str], read: Sequence[Words]) -> None:
        characters = np.array([len(one) for one in stretches])
        tokens, words = np.array([len(one.ids) for one in read]), np.array([len(one) for one in read])
        ids, places = self.ids.count + np.cumsum(tokens) - tokens, self.places.count + np.cumsum(words) - words
        self.ids.add(np.concatenate([one.ids for one in read])[:, None])
        self.places.add(np.concatenate([np.stack((one.first, one.start, one.end), axis=1) for one in read]))
        self.rows.add(np.stack((characters, tokens, words, ids, places), axis=1))
        self.characters += int(characters.sum())


class _Rows:
    """An array that grows (`count`, columns), with room at its end so that it is seldom copied."""

    def __init__(self, columns: int) -> None:
        self._room = np.empty((1024, columns), dtype=np.int64)
        self.count = 0

    def __getitem__(self, which: NDArray[np.int64]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = self._room[which]
        return found

    def add(self, rows: NDArray[np.int64]) -> None:
        after = self.count + len(rows)
        if after > len(self._room):
            grown = np.empty((2 * after, self._room.shape[1]), dtype=np.int64)
            grown[: self.count] = self._room[: self.count]
            self._room = grown
        self._room[self.count : after] = rows
        self.count = after


def _ranges(start: NDArray[np.int64], length: NDArray[np.int64], before: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers from each start on, as many as its length; `before` is how many come before each, and all of them."""
    return np.arange(before[-1]) + np.repeat(start - before[:-1], length)


class WordReader:
    """A tokenizer (one that neither truncates nor pads) that says where each word stands."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        # "[SEP]" in an abstract is five characters of text, not the end of it.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        # Byte-level tokenizers count the space before a word into it, and take a no-break space for a word.
        self._takes_spaces = tokenizer.encode(" \u00a0a a", add_special_tokens=False).offsets != [(2, 3), (4, 5)]
        self._lexicon = TokenizerCache(self.encode) if parts_at_ascii(tokenizer) else None

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

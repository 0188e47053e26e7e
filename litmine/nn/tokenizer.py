"""Tokenize texts: token ids, and the position of each word in code points.

BERT tokenizers first split a text at ASCII white space and around ASCII punctuation. They handle accents, case, Chinese
characters and control characters within these segments. So the tokens of a segment do not depend on its neighbours, and
a cache keeps them, because abstracts repeat the same words.
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

# A segment: letters or one punctuation mark, each with the space after it, or other white space. Segments cover a text.
_SEGMENT = re.compile(r"[^\t\n\r !-/:-@\[-`{-~]+ ?|[!-/:-@\[-`{-~] ?|[\t\n\r ]+")
# Texts per step: enough for numpy to be efficient, few enough to save memory.
_TEXTS_PER_STEP = 256
# Largest number of cached segments, of 100 to 200 bytes each, and their average length in characters. A full cache is
# cleared, and the frequent segments come back.
_MAX_SEGMENTS, _MEAN_LENGTH = 400_000, 32


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """A text as token ids, without special tokens, and its words.

    `ids` (tokens): vocabulary ids. `first` (words): index of each word's first token. `start`, `end` (words): the code
    points of the word, half-open. No token spans two words, and a mention consists of whole words.
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


def label_words(text: TokenizedText, spans: Sequence[Span]) -> NDArray[np.int64]:
    """IOB2 labels (words,): 0 outside, 1 at the first word of a span, 2 inside; for spans that do not overlap."""
    labels = np.zeros(len(text), dtype=np.int64)
    for span in spans:
        inside = np.flatnonzero((text.start < span.end_char) & (text.end > span.start_char))
        labels[inside] = 2
        labels[inside[:1]] = 1
    return labels


class WordTokenizer:
    """Tokenizes texts and locates their words. The tokenizer must not truncate or pad."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        # "[SEP]" in an abstract is five characters of text, not the special token.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        # Byte-level tokenizers include the space before a word in the word, and treat a no-break space as a word.
        self._includes_spaces = tokenizer.encode(" \u00a0a a", add_special_tokens=False).offsets != [(2, 3), (4, 5)]
        self._cache = TokenizerCache(self.encode) if splits_at_ascii(tokenizer) else None

    def read(self, texts: Sequence[str]) -> list[TokenizedText]:
        """The same result as `encode`, from the cache if the tokenizer allows one."""
        return self.encode(texts) if self._cache is None else self._cache.read(texts)

    def encode(self, texts: Sequence[str]) -> list[TokenizedText]:
        """Tokenize every text without the cache."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [self._tokenized(encoding, text) for encoding, text in zip(encodings, texts, strict=True)]

    def _tokenized(self, encoding: Encoding, text: str) -> TokenizedText:
        ids = np.array(encoding.ids, dtype=np.int64)
        word_ids = np.array([-1 if number is None else number for number in encoding.word_ids], dtype=np.int64)
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        first = np.flatnonzero(np.concatenate(([True], word_ids[1:] != word_ids[:-1]))) if len(ids) else ids
        last = np.append(first[1:], len(ids))[: len(first)] - 1
        start, end = offsets[first, 0], offsets[last, 1]
        if self._includes_spaces:
            for i in range(len(first)):
                word = text[start[i] : end[i]]
                start[i] += len(word) - len(word.lstrip())
                end[i] = start[i] + len(word.strip())
        not_empty = end > start
        return TokenizedText(ids, first[not_empty], start[not_empty], end[not_empty])


def splits_at_ascii(tokenizer: Tokenizer) -> bool:
    """Whether the tokenizer treats each segment independently of its neighbours, so that segments can be cached."""
    settings = json.loads(tokenizer.to_str())
    types = [(settings[part] or {}).get("type") for part in ("normalizer", "pre_tokenizer", "model")]
    only_special = all(token["special"] for token in settings["added_tokens"])
    return types == ["BertNormalizer", "BertPreTokenizer", "WordPiece"] and only_special


class TokenizerCache:
    """Tokenizes texts by looking up their segments; threads may share it.

    `encode`: the tokenizer for new segments; `splits_at_ascii` must hold for it.
    """

    def __init__(
        self, encode: Callable[[Sequence[str]], Sequence[TokenizedText]], max_segments: int = _MAX_SEGMENTS
    ) -> None:
        self._encode, self._max_segments = encode, max_segments
        self._lock = threading.Lock()
        self._clear()

    def read(self, texts: Sequence[str]) -> list[TokenizedText]:
        """The same result as `encode`."""
        tokenized: list[TokenizedText] = []
        for i in range(0, len(texts), _TEXTS_PER_STEP):
            with self._lock:
                tokenized += self._read(texts[i : i + _TEXTS_PER_STEP])
        return tokenized

    def _read(self, texts: Sequence[str]) -> list[TokenizedText]:
        if len(self._numbers) > self._max_segments or self._table.characters > _MEAN_LENGTH * self._max_segments:
            self._clear()
        segments: list[str] = []
        edges = [0]
        for text in texts:
            segments += _SEGMENT.findall(text)
            edges.append(len(segments))
        segment_numbers = np.fromiter(map(self._numbers.__getitem__, segments), np.int64, len(segments))
        if len(self._numbers) > len(self._table):
            self._add_new_segments()
        row = self._table.rows[segment_numbers]
        length, tokens, words = row[:, 0], row[:, 1], row[:, 2]
        # Where each segment begins among all characters, tokens and words, and the same for each text.
        character, token, word = (np.concatenate(([0], np.cumsum(counts))) for counts in (length, tokens, words))
        text_character, text_token, text_word = (starts[edges] for starts in (character, token, word))
        ids = self._table.ids[_ranges(row[:, 3], tokens, token)][:, 0]
        places = self._table.places[_ranges(row[:, 4], words, word)]
        # Positions count from the start of the text that holds the segment.
        text_of_segment = np.repeat(np.arange(len(texts)), np.diff(edges))
        first = places[:, 0] + np.repeat(token[:-1] - text_token[text_of_segment], words)
        shift = np.repeat(character[:-1] - text_character[text_of_segment], words)
        start, end = places[:, 1] + shift, places[:, 2] + shift
        token_edges, word_edges = text_token.tolist(), text_word.tolist()
        return [
            TokenizedText(ids[i:j], first[k:m], start[k:m], end[k:m])
            for i, j, k, m in zip(token_edges, token_edges[1:], word_edges, word_edges[1:], strict=False)
        ]

    def _add_new_segments(self) -> None:
        """Tokenize the segments that have no table row yet; forget them again if the tokenizer raises."""
        new = list(islice(self._numbers, len(self._table), None))
        try:
            self._table.add(new, self._encode(new))
        except Exception:
            for segment in new:
                del self._numbers[segment]
            raise

    def _clear(self) -> None:
        self._numbers, self._table = _SegmentNumbers(), _SegmentTable()


class _SegmentNumbers(dict[str, int]):
    """Numbers segments in the order of their first lookup."""

    def __missing__(self, segment: str) -> int:
        self[segment] = number = len(self)
        return number


class _SegmentTable:
    """The tokens and words of segments, by segment number.

    `rows` (segments, 5): number of characters, tokens and words, and the first index in `ids` and in `places`. `ids`
    (tokens, 1). `places` (words, 3): first token, start and end, relative to the segment.
    """

    def __init__(self) -> None:
        self.rows, self.ids, self.places = _GrowingArray(5), _GrowingArray(1), _GrowingArray(3)
        self.characters = 0

    def __len__(self) -> int:
        return self.rows.count

    def add(self, segments: Sequence[str], tokenized: Sequence[TokenizedText]) -> None:
        characters = np.array([len(segment) for segment in segments])
        tokens, words = np.array([len(text.ids) for text in tokenized]), np.array([len(text) for text in tokenized])
        ids, places = self.ids.count + np.cumsum(tokens) - tokens, self.places.count + np.cumsum(words) - words
        self.ids.add(np.concatenate([text.ids for text in tokenized])[:, None])
        self.places.add(np.concatenate([np.stack((text.first, text.start, text.end), axis=1) for text in tokenized]))
        self.rows.add(np.stack((characters, tokens, words, ids, places), axis=1))
        self.characters += int(characters.sum())


class _GrowingArray:
    """An array (`count`, columns) with spare capacity, so that adding rows seldom copies it."""

    def __init__(self, columns: int) -> None:
        self._data = np.empty((1024, columns), dtype=np.int64)
        self.count = 0

    def __getitem__(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        rows: NDArray[np.int64] = self._data[index]
        return rows

    def add(self, rows: NDArray[np.int64]) -> None:
        count = self.count + len(rows)
        if count > len(self._data):
            larger = np.empty((2 * count, self._data.shape[1]), dtype=np.int64)
            larger[: self.count] = self._data[: self.count]
            self._data = larger
        self._data[self.count : count] = rows
        self.count = count


def _ranges(start: NDArray[np.int64], length: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Concatenated ranges `start` to `start + length`; `offsets` are the cumulated lengths, from 0 to the total."""
    return np.arange(offsets[-1]) + np.repeat(start - offsets[:-1], length)

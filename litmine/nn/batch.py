"""Texts to what a network is given at a time: windows of them, one after another in a row of tokens."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from litmine.nn.tokenized_text import Words
from litmine.text.windows import windows


@dataclass(frozen=True, slots=True)
class Piece:
    """One window of one text: tokens `start` to `end`, of which words `first_word` to `last_word` are kept."""

    text: int
    start: int
    end: int
    first_word: int
    last_word: int

    @property
    def tokens(self) -> int:
        """With the two around them."""
        return self.end - self.start + 2


@dataclass(frozen=True, slots=True)
class Row:
    """Some pieces, each between its two special tokens.

    `ids` (tokens): vocabulary ids. `lengths` (pieces): tokens of each. `at`, `text`, `word` (words kept): where in the
    row its first token stands, the text it is of, its number there, and whether it is the last of its piece (`last`).
    """

    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]
    at: NDArray[np.int64]
    text: NDArray[np.int64]
    word: NDArray[np.int64]
    last: NDArray[np.bool_]

    @classmethod
    def empty(cls, begin: int, end: int) -> "Row":
        """A text without a word, asked for what its first token says."""
        none = np.zeros(1, dtype=np.int64)
        return cls(np.array([begin, end]), np.array([2]), none, none, none, none == 0)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each piece begins."""
        return np.cumsum(self.lengths) - self.lengths

    def laid(self, tile: int, rows: int, pad: int) -> "Row":
        """The same with pieces that are whole tiles of tokens, in a row that is a multiple of `rows`.

        What fills the row is a last piece that nobody asks.
        """
        lengths = -(-self.lengths // tile) * tile
        starts = np.cumsum(lengths) - lengths
        there = np.arange(len(self.ids)) + np.repeat(starts - self.starts, self.lengths)
        ids = np.full(-(-lengths.sum() // rows) * rows, pad, dtype=np.int64)
        ids[there] = self.ids
        more = len(ids) - lengths.sum()
        return replace(self, ids=ids, lengths=np.append(lengths, more) if more else lengths, at=there[self.at])

    def padded(self, pad: int) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None, NDArray[np.int64]]:
        """The pieces under each other: ids (pieces, longest); where tokens are, None if everywhere; `at` therein."""
        longest = int(self.lengths.max())
        inside = np.arange(longest) < self.lengths[:, None]
        ids = np.full(inside.shape, pad, dtype=np.int64)
        ids[inside] = self.ids
        piece = np.repeat(np.arange(len(self.lengths)), self.lengths)[self.at]
        at = self.at - self.starts[piece] + piece * longest
        return ids, None if inside.all() else inside, at


def pieces_of(text: int, words: Words, window: int, overlap: int, tight: bool = True) -> list[Piece]:
    """The windows of a text, of at most `window` tokens with the two around them; none if it has no words."""
    if not len(words):
        return []
    if len(words.ids) <= window - 2:
        return [Piece(text, 0, len(words.ids), 0, len(words))]
    cuts = windows(len(words.ids), window - 2, overlap, tight)
    edges = np.searchsorted(words.first, [*(cut.keep_start for cut in cuts), len(words.ids)]).tolist()
    return [Piece(text, cut.start, cut.end, edges[i], edges[i + 1]) for i, cut in enumerate(cuts)]


def batches_of(pieces: Sequence[Piece], most: int, padding: bool) -> list[list[Piece]]:
    """Pieces, longest first, in batches of at most `most` tokens, with what is padded if they are to be."""
    batches: list[list[Piece]] = []
    held = 0
    for piece in sorted(pieces, key=lambda piece: piece.tokens, reverse=True):
        longer = (len(batches[-1]) + 1) * batches[-1][0].tokens if padding and batches else held + piece.tokens
        if not batches or longer > most:
            batches.append([])
            longer = piece.tokens
        batches[-1].append(piece)
        held = longer
    return batches


def row_of(pieces: Sequence[Piece], texts: Sequence[object], begin: int, end: int) -> Row:
    """Pieces of `texts` in a row."""
    before, after = np.array([begin]), np.array([end])
    ids: list[NDArray[np.int64]] = []
    at: list[NDArray[np.int64]] = []
    start = 1
    for piece in pieces:
        words = texts[piece.text]
        assert isinstance(words, Words)
        ids += [before, words.ids[piece.start : piece.end], after]
        at.append(words.first[piece.first_word : piece.last_word] + (start - piece.start))
        start += piece.tokens
    text, first, last, lengths = np.array(
        [(piece.text, piece.first_word, piece.last_word, piece.tokens) for piece in pieces]
    ).T
    kept = last - first
    ends = np.cumsum(kept)
    word = np.arange(kept.sum()) + np.repeat(last - ends, kept)
    lasts = np.zeros(len(word), dtype=bool)
    lasts[ends[kept > 0] - 1] = True
    return Row(np.concatenate(ids), lengths, np.concatenate(at), np.repeat(text, kept), word, lasts)

"""Texts to what a network is given at a time: windows of them, one after another in a row of tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from litmine.nn.tokenizer import Words
from litmine.text.windows import windows


class Sized(Protocol):
    """What goes into a row: of one text, by its number, and so many tokens long."""

    @property
    def text(self) -> int: ...

    @property
    def tokens(self) -> int: ...


Part = TypeVar("Part", bound=Sized)


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
    """Some pieces one after another, special tokens included.

    `ids` (tokens): vocabulary ids. `lengths` (pieces): tokens of each. `types` (tokens): of each token, None where all
    are 0. What a task asks of the tokens, a row of its own says.
    """

    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]
    types: NDArray[np.int64] | None

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each piece begins."""
        return np.cumsum(self.lengths) - self.lengths

    def laid(self, tile: int, rows: int, pad: int) -> "Laid":
        """The same with pieces that are whole tiles of tokens, in a row that is a multiple of `rows`.

        What fills the row is a last piece that nobody asks.
        """
        lengths = -(-self.lengths // tile) * tile
        starts = np.cumsum(lengths) - lengths
        there = np.arange(len(self.ids)) + np.repeat(starts - self.starts, self.lengths)
        tokens = -(-lengths.sum() // rows) * rows
        more = tokens - lengths.sum()
        lengths, own = (np.append(one, more) if more else one for one in (lengths, self.lengths))
        return Laid(_put(self.ids, there, tokens, pad), _types(self.types, there, tokens), lengths, own, there)

    def padded(self, pad: int) -> "Padded":
        """The pieces under each other."""
        inside = np.arange(int(self.lengths.max())) < self.lengths[:, None]
        there = np.flatnonzero(inside)
        ids, types = _put(self.ids, there, inside.size, pad), _types(self.types, there, inside.size)
        return Padded(
            ids.reshape(inside.shape),
            None if types is None else types.reshape(inside.shape),
            None if inside.all() else inside,
            there,
        )


@dataclass(frozen=True, slots=True)
class Laid:
    """A row as kernels take it.

    `lengths` (pieces): tokens of each with those that fill it up; `own`: without them, but that of the last piece, if
    it is there only to fill the row. `there` (tokens of the row): where each stands.
    """

    ids: NDArray[np.int64]
    types: NDArray[np.int64] | None
    lengths: NDArray[np.int64]
    own: NDArray[np.int64]
    there: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Padded:
    """A row as an encoder takes it that knows no packing.

    `ids`, `types` and `inside`, which is true where tokens are and None where all are (pieces, longest). `there`
    (tokens of the row): where each stands, row after row.
    """

    ids: NDArray[np.int64]
    types: NDArray[np.int64] | None
    inside: NDArray[np.bool_] | None
    there: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextRow(Row):
    """Pieces of texts, each between its two special tokens.

    `at`, `text`, `word` (words kept): where in the row its first token stands, the text it is of, its number there, and
    whether it is the last of its piece (`last`).
    """

    at: NDArray[np.int64]
    text: NDArray[np.int64]
    word: NDArray[np.int64]
    last: NDArray[np.bool_]

    @classmethod
    def empty(cls, begin: int, end: int) -> "TextRow":
        """A text without a word, asked for what its first token says."""
        none = np.zeros(1, dtype=np.int64)
        return cls(np.array([begin, end]), np.array([2]), None, none, none, none, none == 0)


def pieces_of(text: int, words: Words, window: int, overlap: int, tight: bool = True) -> list[Piece]:
    """The windows of a text, of at most `window` tokens with the two around them; none if it has no words."""
    if not len(words):
        return []
    if len(words.ids) <= window - 2:
        return [Piece(text, 0, len(words.ids), 0, len(words))]
    cuts = windows(len(words.ids), window - 2, overlap, tight)
    edges = np.searchsorted(words.first, [*(cut.keep_start for cut in cuts), len(words.ids)]).tolist()
    return [Piece(text, cut.start, cut.end, edges[i], edges[i + 1]) for i, cut in enumerate(cuts)]


def batches_of(pieces: Sequence[Part], most: int, padding: bool) -> list[list[Part]]:
    """Pieces, longest first, in batches of at most `most` tokens, with what is padded if they are to be."""
    batches: list[list[Part]] = []
    held = 0
    for piece in sorted(pieces, key=lambda piece: piece.tokens, reverse=True):
        longer = (len(batches[-1]) + 1) * batches[-1][0].tokens if padding and batches else held + piece.tokens
        if not batches or longer > most:
            batches.append([])
            longer = piece.tokens
        batches[-1].append(piece)
        held = longer
    return batches


def row_of(pieces: Sequence[Piece], texts: Sequence[object], begin: int, end: int) -> TextRow:
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
    return TextRow(np.concatenate(ids), lengths, None, np.concatenate(at), np.repeat(text, kept), word, lasts)


def _put(what: NDArray[np.int64], there: NDArray[np.int64], size: int, filling: int) -> NDArray[np.int64]:
    put = np.full(size, filling, dtype=np.int64)
    put[there] = what
    return put


def _types(types: NDArray[np.int64] | None, there: NDArray[np.int64], size: int) -> NDArray[np.int64] | None:
    return None if types is None else _put(types, there, size, 0)

"""Cut tokenized texts into windows and concatenate the windows into rows, the batches that a network computes.

A row has no padding, since padding costs as much as text. Kernels that need padding get it from `aligned` or `padded`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from litmine.nn.tokenizer import TokenizedText
from litmine.text.windows import split_into_windows


class RowItem(Protocol):
    """An element of a row: `text` is the index of its text, `tokens` its length with special tokens."""

    @property
    def text(self) -> int: ...

    @property
    def tokens(self) -> int: ...


Item = TypeVar("Item", bound=RowItem)


@dataclass(frozen=True, slots=True)
class TextWindow:
    """A window of a text: tokens `start` to `end`; the results of words `first_word` to `last_word` are kept."""

    text: int
    start: int
    end: int
    first_word: int
    last_word: int

    @property
    def tokens(self) -> int:
        """Number of tokens, including the two special tokens."""
        return self.end - self.start + 2


@dataclass(frozen=True, slots=True)
class TokenRow:
    """Windows, one after another, with their special tokens.

    `ids` (tokens): vocabulary ids. `lengths` (windows): tokens of each window. `types` (tokens): token type ids, None
    if all are 0. Subclasses add what a task needs, for example which tokens to label.
    """

    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]
    types: NDArray[np.int64] | None

    @property
    def starts(self) -> NDArray[np.int64]:
        """Position of the first token of each window: (windows,)."""
        return np.cumsum(self.lengths) - self.lengths

    def aligned(self, tile: int, row_multiple: int, pad: int) -> "AlignedRow":
        """Pad each window to a multiple of `tile` tokens and the row to a multiple of `row_multiple` tokens.

        A last window of padding fills the row; no task reads its result.
        """
        lengths = -(-self.lengths // tile) * tile
        starts = np.cumsum(lengths) - lengths
        positions = np.arange(len(self.ids)) + np.repeat(starts - self.starts, self.lengths)
        tokens = -(-lengths.sum() // row_multiple) * row_multiple
        filling = tokens - lengths.sum()
        lengths, text_lengths = (
            np.append(counts, filling) if filling else counts for counts in (lengths, self.lengths)
        )
        ids, types = _scatter(self.ids, positions, tokens, pad), _scatter_types(self.types, positions, tokens)
        return AlignedRow(ids, types, lengths, text_lengths, positions)

    def padded(self, pad: int) -> "PaddedRows":
        """The windows as rows of a matrix, each padded to the longest."""
        mask = np.arange(int(self.lengths.max())) < self.lengths[:, None]
        positions = np.flatnonzero(mask)
        ids, types = _scatter(self.ids, positions, mask.size, pad), _scatter_types(self.types, positions, mask.size)
        return PaddedRows(
            ids.reshape(mask.shape),
            None if types is None else types.reshape(mask.shape),
            None if mask.all() else mask,
            positions,
        )


@dataclass(frozen=True, slots=True)
class AlignedRow:
    """A row for packed kernels.

    `lengths` (windows): tokens of each window with padding. `text_lengths` (windows): tokens without padding, except
    for a last window that only fills the row. `positions` (tokens of the `TokenRow`): index of each token in this row.
    """

    ids: NDArray[np.int64]
    types: NDArray[np.int64] | None
    lengths: NDArray[np.int64]
    text_lengths: NDArray[np.int64]
    positions: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PaddedRows:
    """A row for encoders without packing.

    `ids`, `types` and `mask` are (windows, longest window); `mask` is true at tokens, None if there is no padding.
    `positions` (tokens of the `TokenRow`): index of each token in the flattened matrix.
    """

    ids: NDArray[np.int64]
    types: NDArray[np.int64] | None
    mask: NDArray[np.bool_] | None
    positions: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextRow(TokenRow):
    """Windows of texts, each between its two special tokens.

    For each kept word: `at`, the position of its first token in the row; `text`, the index of its text; `word`, its
    index in that text; `last`, whether it is the last kept word of its window. `kept` (windows, 4): the index of the
    text, the first and the last token (exclusive) of the text whose results are kept, and the position of the first in
    the row.
    """

    at: NDArray[np.int64]
    text: NDArray[np.int64]
    word: NDArray[np.int64]
    last: NDArray[np.bool_]
    kept: NDArray[np.int64]

    @classmethod
    def empty(cls, begin: int, end: int) -> "TextRow":
        """A row with a text without words; its only result is that of the first special token."""
        zero = np.zeros(1, dtype=np.int64)
        none = np.zeros((0, 4), dtype=np.int64)
        return cls(np.array([begin, end]), np.array([2]), None, zero, zero, zero, zero == 0, none)


def text_windows(
    text: int, tokenized: TokenizedText, window: int, overlap: int, tight: bool = True
) -> list[TextWindow]:
    """Cut a text into windows of at most `window` tokens, special tokens included; none if it has no words.

    overlap, tight: as in `split_into_windows`.
    """
    if not len(tokenized):
        return []
    if len(tokenized.ids) <= window - 2:
        return [TextWindow(text, 0, len(tokenized.ids), 0, len(tokenized))]
    cuts = split_into_windows(len(tokenized.ids), window - 2, overlap, tight)
    edges = np.searchsorted(tokenized.first, [*(cut.keep_start for cut in cuts), len(tokenized.ids)]).tolist()
    return [TextWindow(text, cut.start, cut.end, edges[i], edges[i + 1]) for i, cut in enumerate(cuts)]


def group_into_batches(items: Sequence[Item], max_tokens: int, padding: bool) -> list[list[Item]]:
    """Sort items by length, longest first, and group them into batches of at most `max_tokens` tokens.

    With `padding`, padding tokens count too. An item that is longer than `max_tokens` is a batch of its own.
    """
    batches: list[list[Item]] = []
    size = 0
    for item in sorted(items, key=lambda item: item.tokens, reverse=True):
        size_with_item = (len(batches[-1]) + 1) * batches[-1][0].tokens if padding and batches else size + item.tokens
        if not batches or size_with_item > max_tokens:
            batches.append([])
            size_with_item = item.tokens
        batches[-1].append(item)
        size = size_with_item
    return batches


def build_row(windows: Sequence[TextWindow], texts: Sequence[object], begin: int, end: int) -> TextRow:
    """Concatenate windows of tokenized `texts`, each between the special tokens `begin` and `end`."""
    before, after = np.array([begin]), np.array([end])
    ids: list[NDArray[np.int64]] = []
    at: list[NDArray[np.int64]] = []
    tokens: list[tuple[int, int, int, int]] = []
    start = 1
    for window in windows:
        tokenized = texts[window.text]
        assert isinstance(tokenized, TokenizedText)
        ids += [before, tokenized.ids[window.start : window.end], after]
        at.append(tokenized.first[window.first_word : window.last_word] + (start - window.start))
        kept_tokens = _kept_tokens(window, tokenized)
        tokens.append((window.text, *kept_tokens, kept_tokens[0] + start - window.start))
        start += window.tokens
    text, first, last, lengths = np.array(
        [(window.text, window.first_word, window.last_word, window.tokens) for window in windows]
    ).T
    kept = last - first
    ends = np.cumsum(kept)
    word = np.arange(kept.sum()) + np.repeat(last - ends, kept)
    is_last = np.zeros(len(word), dtype=bool)
    is_last[ends[kept > 0] - 1] = True
    return TextRow(
        np.concatenate(ids), lengths, None, np.concatenate(at), np.repeat(text, kept), word, is_last, np.array(tokens)
    )


def _kept_tokens(window: TextWindow, text: TokenizedText) -> tuple[int, int]:
    """The tokens of a text from the first kept word of a window to that of the next; all are in the window."""
    edges = np.append(text.first, len(text.ids))
    first = int(edges[window.first_word]) if window.first_word else 0
    return first, max(first, min(int(edges[window.last_word]), window.end))


def _scatter(values: NDArray[np.int64], positions: NDArray[np.int64], size: int, fill: int) -> NDArray[np.int64]:
    array = np.full(size, fill, dtype=np.int64)
    array[positions] = values
    return array


def _scatter_types(
    types: NDArray[np.int64] | None, positions: NDArray[np.int64], size: int
) -> NDArray[np.int64] | None:
    return None if types is None else _scatter(types, positions, size, 0)

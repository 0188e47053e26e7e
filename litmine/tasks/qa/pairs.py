"""Question and text as one row of tokens: `[CLS] question [SEP] text [SEP]`, or as the tokenizer has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from litmine.nn.tokenized_text import Words
from litmine.text.windows import windows

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layout:
    """The special tokens before, between and after, and each one's type; `typed`: the network takes types at all.

    The question has the type 0; the text's is `text_type`.
    """

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    types: tuple[tuple[int, ...], ...]
    text_type: int
    pad: int
    typed: bool

    @property
    def special(self) -> int:
        """How many special tokens a row has."""
        return len(self.before) + len(self.between) + len(self.after)

    def row(self, question: Ids, text: Ids) -> tuple[Ids, Ids, int]:
        """Ids and types of a row, and the column at which the text begins."""
        ids = np.concatenate([self.before, question, self.between, text, self.after]).astype(np.int64)
        before, between, after = self.types
        kinds = (before, (0,) * len(question), between, (self.text_type,) * len(text), after)
        types = np.concatenate(kinds).astype(np.int64)
        return ids, types, len(self.before) + len(question) + len(self.between)


@dataclass(frozen=True, slots=True)
class Pair:
    """One question and one text as a reader reads them: the question's ids, and the text's tokens and words."""

    question: Ids
    words: Words

    @property
    def tokens(self) -> int:
        return len(self.question) + len(self.words.ids)


@dataclass(frozen=True, slots=True)
class Piece:
    """One window of one pair: the text's tokens `start` to `end`.

    Of what it says, the start scores of the words `starts` and the end scores of the words `ends` are kept.
    """

    pair: int
    start: int
    end: int
    starts: slice
    ends: slice
    length: int


def layout_of(tokenizer: Tokenizer, config: Any, typed: bool = True) -> Layout:
    """How a tokenizer puts a question and a text together (ValueError when not as the BERT family does).

    With `typed`, the network is told them apart by their types, if it knows any.
    """
    pair = tokenizer.encode("a", "a")
    sequences = pair.sequence_ids
    first, second = [i for i, s in enumerate(sequences) if s == 0], [i for i, s in enumerate(sequences) if s == 1]
    cuts = (slice(0, first[0]), slice(first[-1] + 1, second[0]), slice(second[-1] + 1, len(sequences)))
    before, between, after = (tuple(pair.ids[cut]) for cut in cuts)
    types = tuple(tuple(pair.type_ids[cut]) for cut in cuts)
    text_type = pair.type_ids[second[0]]
    if not between:
        # A tokenizer of single texts: BERT's way is to close both with the same token.
        alone = tokenizer.encode("").ids
        if len(alone) == 2:
            before, between, after = (alone[0],), (alone[1],), (alone[1],)
            types, text_type = ((0,), (0,), (1,)), 1
    if len(before) != 1 or not between:
        raise ValueError("its tokenizer does not put a question and a text together as the BERT family does")
    pad = getattr(config, "pad_token_id", None) or 0
    typed = typed and getattr(config, "type_vocab_size", 0) > 1
    return Layout(before, between, after, types, text_type, pad, typed)


def last_tokens(words: Words) -> Ids:
    """Each word's last token: (words,)."""
    return np.append(words.first[1:], len(words.ids))[: len(words)] - 1


def pieces(number: int, pair: Pair, layout: Layout, window: int, overlap: int) -> list[Piece]:
    """The windows of a pair, none when its text has no words.

    Each takes in the whole question; the kept ranges of tokens part in the middle of what two windows share.
    """
    words = pair.words
    if not len(words):
        return []
    beside = len(pair.question) + layout.special
    room = window - beside
    cuts = windows(len(words.ids), room, min(overlap, room // 2))
    edges = [*(cut.keep_start for cut in cuts), len(words.ids)]
    starts = np.searchsorted(words.first, edges).tolist()
    ends = np.searchsorted(last_tokens(words), edges).tolist()
    return [
        Piece(
            number,
            cut.start,
            cut.end,
            slice(starts[i], starts[i + 1]),
            slice(ends[i], ends[i + 1]),
            cut.end - cut.start + beside,
        )
        for i, cut in enumerate(cuts)
    ]


def batches(parts: Sequence[Piece], batch_tokens: int) -> list[list[Piece]]:
    """Pieces, longest first, in batches of at most `batch_tokens` tokens, padding included."""
    found: list[list[Piece]] = []
    for piece in sorted(parts, key=lambda piece: piece.length, reverse=True):
        if not found or found[-1][0].length * (len(found[-1]) + 1) > batch_tokens:
            found.append([])
        found[-1].append(piece)
    return found

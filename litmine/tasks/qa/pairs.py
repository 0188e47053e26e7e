"""Question-text pairs as a reader's input: tokens, windows and rows.

A window is `[CLS] question [SEP] part of the text [SEP]`, with the special tokens of the model's tokenizer. Every
window of a pair contains the whole question.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from litmine.nn.batches import TokenRow
from litmine.nn.failure_isolation import FailedItem, isolate_failures
from litmine.nn.tokenizer import TokenizedText, WordTokenizer
from litmine.text.sentences import Regions
from litmine.text.windows import split_into_windows

Ids = NDArray[np.int64]


class ReaderInput(NamedTuple):
    """A question, and a text with the regions that an answer does not cross; by default it has none."""

    question: str
    text: str
    regions: Regions = ()


# What a reader accepts: a question and a text, with or without the text's regions.
ReaderItem = ReaderInput | tuple[str, str]


@dataclass(frozen=True, slots=True)
class PairLayout:
    """How the tokenizer of a model joins a question and a text.

    `before`, `between`, `after`: the special tokens around the question and the text. `types`: their token types, in
    the same order. The question has type 0, the text `text_type`; `typed` is whether the network uses token types.
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
        """Number of special tokens in a window."""
        return len(self.before) + len(self.between) + len(self.after)

    def row(self, question: Ids, text: Ids) -> tuple[Ids, Ids, int]:
        """Ids and types of a window, and the column of the text's first token."""
        ids = np.concatenate([self.before, question, self.between, text, self.after]).astype(np.int64)
        before, between, after = self.types
        parts = (before, (0,) * len(question), between, (self.text_type,) * len(text), after)
        types = np.concatenate(parts).astype(np.int64)
        return ids, types, len(self.before) + len(question) + len(self.between)


def make_layout(tokenizer: Tokenizer, config: Any, typed: bool = True) -> PairLayout:
    """The layout of a tokenizer's pairs. `typed`: use token types if the network has several.

    Raises ValueError when the tokenizer does not join pairs as tokenizers of the BERT family do.
    """
    pair = tokenizer.encode("a", "a")
    sequences = pair.sequence_ids
    first, second = [i for i, s in enumerate(sequences) if s == 0], [i for i, s in enumerate(sequences) if s == 1]
    special_slices = (slice(0, first[0]), slice(first[-1] + 1, second[0]), slice(second[-1] + 1, len(sequences)))
    before, between, after = (tuple(pair.ids[part]) for part in special_slices)
    types = tuple(tuple(pair.type_ids[part]) for part in special_slices)
    text_type = pair.type_ids[second[0]]
    if not between:
        # The tokenizer only knows single texts. BERT ends both sequences of a pair with the same token.
        single = tokenizer.encode("").ids
        if len(single) == 2:
            before, between, after = (single[0],), (single[1],), (single[1],)
            types, text_type = ((0,), (0,), (1,)), 1
    if len(before) != 1 or not between:
        raise ValueError("its tokenizer does not join a question and a text as tokenizers of the BERT family do")
    pad = getattr(config, "pad_token_id", None) or 0
    typed = typed and getattr(config, "type_vocab_size", 0) > 1
    return PairLayout(before, between, after, types, text_type, pad, typed)


@dataclass(frozen=True, slots=True)
class TokenizedPair:
    """The token ids of a question (tokens,), and a tokenized text."""

    question: Ids
    words: TokenizedText

    @property
    def tokens(self) -> int:
        return len(self.question) + len(self.words.ids)


@dataclass(frozen=True, slots=True)
class PairWindow:
    """A window of a pair: the text's tokens `start` to `end`. `text` is the number of the pair.

    `tokens` counts all tokens, also those of the question and the special ones. The start logits of the words `starts`
    and the end logits of the words `ends` are kept; those of the other words belong to neighbouring windows.
    """

    text: int
    start: int
    end: int
    starts: slice
    ends: slice
    tokens: int


def last_tokens(words: TokenizedText) -> Ids:
    """The index of each word's last token: (words,)."""
    return np.append(words.first[1:], len(words.ids))[: len(words)] - 1


def pair_windows(number: int, pair: TokenizedPair, layout: PairLayout, window: int, overlap: int) -> list[PairWindow]:
    """Cut a pair into windows of at most `window` tokens; none if the text has no words.

    `number` becomes the windows' `text`. Where two windows overlap, each keeps the half that is further from its edge.
    """
    words = pair.words
    if not len(words):
        return []
    other_tokens = len(pair.question) + layout.special
    room = window - other_tokens
    cuts = split_into_windows(len(words.ids), room, min(overlap, room // 2))
    edges = [*(cut.keep_start for cut in cuts), len(words.ids)]
    starts = np.searchsorted(words.first, edges).tolist()
    ends = np.searchsorted(last_tokens(words), edges).tolist()
    return [
        PairWindow(
            number,
            cut.start,
            cut.end,
            slice(starts[i], starts[i + 1]),
            slice(ends[i], ends[i + 1]),
            cut.end - cut.start + other_tokens,
        )
        for i, cut in enumerate(cuts)
    ]


@dataclass(frozen=True, slots=True)
class PairRow(TokenRow):
    """Windows of pairs, one after another.

    `at` (selected): the row positions whose hidden states are needed, each once. Indices into `at`: `first`, the first
    token of each word that may start an answer; `last`, the last token of each word that may end one, both window by
    window; `begin` (windows), the first token of each window.
    """

    windows: Sequence[PairWindow]
    at: Ids
    first: Ids
    last: Ids
    begin: Ids

    @classmethod
    def of(cls, windows: Sequence[PairWindow], pairs: Sequence[object], layout: PairLayout) -> "PairRow":
        """Concatenate windows of the tokenized `pairs`."""
        ids, types, first, last = list[Ids](), list[Ids](), list[Ids](), list[Ids]()
        start = 0
        for window in windows:
            pair = pairs[window.text]
            assert isinstance(pair, TokenizedPair)
            window_ids, window_types, text_column = layout.row(pair.question, pair.words.ids[window.start : window.end])
            ids.append(window_ids)
            types.append(window_types)
            shift = start + text_column - window.start
            first.append(pair.words.first[window.starts] + shift)
            last.append(last_tokens(pair.words)[window.ends] + shift)
            start += window.tokens
        lengths = np.array([window.tokens for window in windows])
        selected = [np.concatenate(first), np.concatenate(last), np.cumsum(lengths) - lengths]
        at, indices = np.unique(np.concatenate(selected), return_inverse=True)
        bounds = np.cumsum([len(positions) for positions in selected])[:-1]
        row_types = np.concatenate(types) if layout.typed else None
        return cls(np.concatenate(ids), lengths, row_types, windows, at, *np.split(indices, bounds))


class PairInputs:
    """Question-text pairs as inputs of an engine (`litmine.nn.engine.Inputs`)."""

    def __init__(self, tokenizer: WordTokenizer, layout: PairLayout, window: int, overlap: int) -> None:
        self._tokenizer, self._layout, self._window, self._overlap = tokenizer, layout, window, overlap

    def read(self, items: Sequence[ReaderItem], /) -> list[TokenizedPair | FailedItem]:
        """Tokenize pairs of a question and a text; a question or text of several pairs is tokenized once."""
        questions = list(dict.fromkeys(item[0] for item in items))
        texts = list(dict.fromkeys(item[1] for item in items))
        tokenized_questions = dict(zip(questions, self._tokenize(questions), strict=True))
        tokenized_texts = dict(zip(texts, self._tokenize(texts), strict=True))
        return [self._pair(tokenized_questions[item[0]], tokenized_texts[item[1]]) for item in items]

    def pieces(self, number: int, read: TokenizedPair, /) -> Sequence[PairWindow]:
        return pair_windows(number, read, self._layout, self._window, self._overlap)

    def row(self, pieces: Sequence[Any], read: Sequence[Any], /) -> PairRow:
        return PairRow.of(pieces, read, self._layout)

    def empty(self) -> PairRow:
        no_words = TokenizedText(*[np.zeros(0, dtype=np.int64)] * 4)
        window = PairWindow(0, 0, 0, slice(0, 0), slice(0, 0), self._layout.special)
        return PairRow.of([window], [TokenizedPair(no_words.ids, no_words)], self._layout)

    def question_error(self, question: str) -> str | None:
        """Why a question cannot be read: it is empty, too long, or the tokenizer fails; None if it can."""
        (words,) = self._tokenize([question])
        return words.why if isinstance(words, FailedItem) else self._question_error(words)

    def _tokenize(self, texts: Sequence[str]) -> list[TokenizedText | FailedItem]:
        return isolate_failures(self._tokenizer.read, texts, lambda: None)

    def _pair(
        self, question: TokenizedText | FailedItem, text: TokenizedText | FailedItem
    ) -> TokenizedPair | FailedItem:
        if isinstance(question, FailedItem):
            return question
        if isinstance(text, FailedItem):
            return text
        why = self._question_error(question)
        return TokenizedPair(question.ids, text) if why is None else FailedItem(f"QuestionError: {why}")

    def _question_error(self, question: TokenizedText) -> str | None:
        if not len(question):
            return "it has no words"
        room = self._window - self._window // 2 - self._layout.special
        if len(question.ids) > room:
            return (
                f"it has {len(question.ids)} tokens, but at most {room} fit, because half of the window"
                f" ({self._window} tokens) is for the text; ask it in fewer words"
            )
        return None

"""Question and text as one row of tokens: `[CLS] question [SEP] text [SEP]`, or as the tokenizer has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from litmine.nn.batches import TokenRow
from litmine.nn.failure_isolation import FailedItem, isolate_failures
from litmine.nn.tokenizer import TokenizedText, WordTokenizer
from litmine.text.windows import split_into_windows

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
    words: TokenizedText

    @property
    def tokens(self) -> int:
        return len(self.question) + len(self.words.ids)


@dataclass(frozen=True, slots=True)
class Piece:
    """One window of the pair of that number (`text`): the text's tokens `start` to `end`, of `tokens` with all others.

    Of what it says, the start scores of the words `starts` and the end scores of the words `ends` are kept.
    """

    text: int
    start: int
    end: int
    starts: slice
    ends: slice
    tokens: int


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


def last_tokens(words: TokenizedText) -> Ids:
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
    cuts = split_into_windows(len(words.ids), room, min(overlap, room // 2))
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


@dataclass(frozen=True, slots=True)
class PairRow(TokenRow):
    """Pieces of pairs.

    `at` (asked): where the tokens stand of which anything is asked, each once. Among those are: `first` and `last`, the
    first tokens of the words that may start an answer and the last ones of those that may end one, piece after piece;
    `begin` (pieces), each piece's first token.
    """

    pieces: Sequence[Piece]
    at: Ids
    first: Ids
    last: Ids
    begin: Ids

    @classmethod
    def of(cls, pieces: Sequence[Piece], pairs: Sequence[object], layout: Layout) -> "PairRow":
        """Pieces of `pairs` in a row."""
        ids, types, first, last = list[Ids](), list[Ids](), list[Ids](), list[Ids]()
        start = 0
        for piece in pieces:
            pair = pairs[piece.text]
            assert isinstance(pair, Pair)
            own_ids, own_types, offset = layout.row(pair.question, pair.words.ids[piece.start : piece.end])
            ids.append(own_ids)
            types.append(own_types)
            first.append(pair.words.first[piece.starts] + (start + offset - piece.start))
            last.append(last_tokens(pair.words)[piece.ends] + (start + offset - piece.start))
            start += piece.tokens
        lengths = np.array([piece.tokens for piece in pieces])
        parts = [np.concatenate(first), np.concatenate(last), np.cumsum(lengths) - lengths]
        at, among = np.unique(np.concatenate(parts), return_inverse=True)
        cuts = np.cumsum([len(part) for part in parts])[:-1]
        kinds = np.concatenate(types) if layout.typed else None
        return cls(np.concatenate(ids), lengths, kinds, pieces, at, *np.split(among, cuts))


class Pairs:
    """Each question and text as one, in windows of the text that all take in the whole question."""

    def __init__(self, reader: WordTokenizer, layout: Layout, window: int, overlap: int) -> None:
        self._reader, self._layout, self._window, self._overlap = reader, layout, window, overlap

    def read(self, items: Sequence[tuple[str, str]], /) -> list[Pair | FailedItem]:
        """Tokenise; each question and each text once, however many pairs they are in."""
        questions = list(dict.fromkeys(question for question, _ in items))
        texts = list(dict.fromkeys(text for _, text in items))
        asked = dict(zip(questions, self._tokenise(questions), strict=True))
        given = dict(zip(texts, self._tokenise(texts), strict=True))
        return [self._pair(asked[question], given[text]) for question, text in items]

    def pieces(self, number: int, read: Pair, /) -> Sequence[Piece]:
        return pieces(number, read, self._layout, self._window, self._overlap)

    def row(self, some: Sequence[Any], read: Sequence[Any], /) -> PairRow:
        return PairRow.of(some, read, self._layout)

    def empty(self) -> PairRow:
        none = TokenizedText(*[np.zeros(0, dtype=np.int64)] * 4)
        return PairRow.of(
            [Piece(0, 0, 0, slice(0, 0), slice(0, 0), self._layout.special)], [Pair(none.ids, none)], self._layout
        )

    def objection(self, question: str) -> str | None:
        """What is wrong with a question, if anything."""
        (words,) = self._tokenise([question])
        return words.why if isinstance(words, FailedItem) else self._objection(words)

    def _tokenise(self, texts: Sequence[str]) -> list[TokenizedText | FailedItem]:
        return isolate_failures(self._reader.read, texts, lambda: None)

    def _pair(self, question: TokenizedText | FailedItem, text: TokenizedText | FailedItem) -> Pair | FailedItem:
        if isinstance(question, FailedItem):
            return question
        if isinstance(text, FailedItem):
            return text
        why = self._objection(question)
        return Pair(question.ids, text) if why is None else FailedItem(f"QuestionError: {why}")

    def _objection(self, question: TokenizedText) -> str | None:
        if not len(question):
            return "it has no words"
        room = self._window - self._window // 2 - self._layout.special
        if len(question.ids) > room:
            return (
                f"it has {len(question.ids)} tokens and may have {room}, so that half of a window of {self._window} is"
                " left to the text; ask it in fewer words"
            )
        return None

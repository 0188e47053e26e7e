"""Questions to training examples: windows of question and text, and where the answers stand in them.

A text is cut as the reader cuts it. Of an answer that occurs several times, or under several names, any place is right,
and which one is meant is for the loss to find out; of a list's answers each is wanted.

Texts that do not answer a question, from among those of the other questions: what teaches a reader to stay silent.

Half of them are drawn from the texts most like the question, such as a search would find, and half from all.
"""

import math
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray

from litmine.nn.tokenizer import TokenizedText, WordTokenizer
from litmine.tasks.qa.answer_alignment import Place, occurrences
from litmine.tasks.qa.pairs import Layout, Pair, last_tokens, pieces
from litmine.tasks.qa.question_files import Asked

_WORD = re.compile(r"\w+")
# A text is like a question when it is among so many that share most of its words, rare words counting more.
_ALIKE = 50
# Words that stand in more than this share of the texts tell nothing, and are left out to save time.
_COMMON = 0.05
# Draws for one text before it is given up: a question whose answer stands in nearly every text.
_TRIES = 10


class OtherTexts:
    """The texts of all questions of a file, to be drawn from for each of them."""

    def __init__(self, questions: Sequence[Asked]) -> None:
        self._texts = list(dict.fromkeys(text for asked in questions for text in asked.texts))
        holding: dict[str, list[int]] = defaultdict(list)
        for number, text in enumerate(self._texts):
            for word in _words(text):
                holding[word].append(number)
        most = max(1, _COMMON * len(self._texts))
        self._holding = {word: numbers for word, numbers in holding.items() if len(numbers) <= most}

    def draw(self, asked: Asked, count: int, random: Random) -> list[str]:
        """At most `count` texts, none twice, none of the question's own and none with one of its answers."""
        own = set(asked.texts)
        alike = self._alike(asked.question)
        names = [name for answer in asked.answers for name in answer]
        drawn: list[str] = []
        for _ in range(count):
            among = alike if alike and random.random() < 0.5 else range(len(self._texts))
            for _ in range(_TRIES):
                text = self._texts[random.choice(among)]
                if text not in own and not occurrences(names, text):
                    own.add(text)
                    drawn.append(text)
                    break
        return drawn

    def _alike(self, question: str) -> list[int]:
        """Numbers of the texts that share most of the question's words, by the sum of their inverse frequencies."""
        shared: dict[int, float] = defaultdict(float)
        for word in sorted(_words(question)):
            holding = self._holding.get(word, ())
            for number in holding:
                shared[number] += math.log(len(self._texts) / len(holding))
        return sorted(shared, key=lambda number: (-shared[number], number))[:_ALIKE]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


# What a text says to a yes/no question; in their place where there is nothing to learn.
VERDICTS = NO, YES, NEITHER = 0, 1, 2
NO_VERDICT = -1

Ids = NDArray[np.int64]
# First and last column of a span.
Columns = tuple[int, int]
# The answers of a window that has none: the first token's column stands for that.
_NO_ANSWER: tuple[tuple[Columns, ...], ...] = (((0, 0),),)


@dataclass(frozen=True, slots=True)
class Example:
    """One window: its row of tokens and their types, and what is to be learnt from it.

    starts, ends: the columns at which a span may start (0, "no answer", among them) and end. answers: for each answer
    the columns of its places, ((0, 0),) for "no answer"; none in a yes/no example. verdict: of VERDICTS, or NO_VERDICT.
    """

    ids: Ids
    types: Ids
    starts: Ids
    ends: Ids
    answers: tuple[tuple[Columns, ...], ...]
    verdict: int = NO_VERDICT


@dataclass(frozen=True, slots=True)
class Batch:
    """ids, types and mask: (examples, tokens).

    starts, ends: which columns may start and end a span, (examples, tokens). rows, first, last, answer: the places of
    all answers: their example, their columns and which answer they are one of; weight: of each answer, 1 over the
    number of its example's. verdicts: (examples,).
    """

    ids: torch.Tensor
    types: torch.Tensor
    mask: torch.Tensor
    starts: torch.Tensor
    ends: torch.Tensor
    rows: torch.Tensor
    first: torch.Tensor
    last: torch.Tensor
    answer: torch.Tensor
    weight: torch.Tensor
    verdicts: torch.Tensor

    def to(self, device: torch.device) -> "Batch":
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Cutting:
    """How questions become windows: the reader's way, and which windows teach."""

    reader: WordTokenizer
    layout: Layout
    window: int
    overlap: int
    most_words: int
    unanswered: float
    one_window: bool = False
    verdict_texts: int = 0
    irrelevant: int = 0


class ExampleMaker:
    """Questions in, examples out; a text that many questions share is tokenised once."""

    def __init__(self, cutting: Cutting, seed: int) -> None:
        self._cutting = cutting
        self._random = random.Random(f"windows {seed}")
        self._texts: dict[str, TokenizedText] = {}

    def examples(self, questions: Sequence[Asked]) -> list[Example]:
        """In order. A question that leaves less than half of a window to the text teaches nothing."""
        read = self._cutting.reader.read([asked.question for asked in questions])
        others = OtherTexts(questions) if self._cutting.irrelevant else None
        made: list[Example] = []
        for asked, words in zip(questions, read, strict=True):
            if 2 * (len(words.ids) + self._cutting.layout.special) <= self._cutting.window:
                for text in self._texts_of(asked):
                    made += self._chosen(list(self._windows(asked, words.ids, text)))
                for text in others.draw(asked, self._cutting.irrelevant, self._random) if others else ():
                    made += self._chosen(list(self._silent(asked, words.ids, text)))
        return made

    def _texts_of(self, asked: Asked) -> Sequence[str]:
        return asked.texts if asked.yes is None else asked.texts[: self._cutting.verdict_texts or None]

    def _chosen(self, windows: list[Example]) -> list[Example]:
        """All of a text's windows, or one that answers, or one at all."""
        if not self._cutting.one_window or not windows:
            return windows
        answering = [window for window in windows if window.answers != _NO_ANSWER]
        return [self._random.choice(answering or windows)]

    def _windows(self, asked: Asked, question: Ids, text: str) -> Iterator[Example]:
        cut, words = self._cutting, self._words(text)
        spans = [_word_spans(places, words) for places in (occurrences(answer, text) for answer in asked.answers)]
        for bare, inside, shift in self._cut(question, words):
            if asked.yes is not None:
                yield replace(bare, verdict=YES if asked.yes else NO)
                continue
            answers, cut_off = _answers(spans, words, inside, shift, cut.most_words)
            if answers:
                yield replace(bare, answers=answers)
            elif not cut_off and (asked.unanswerable or self._random.random() < cut.unanswered):
                yield replace(bare, answers=_NO_ANSWER)

    def _silent(self, asked: Asked, question: Ids, text: str) -> Iterator[Example]:
        """The windows of a text that has nothing to do with the question."""
        for bare, _, _ in self._cut(question, self._words(text)):
            yield replace(bare, answers=_NO_ANSWER) if asked.yes is None else replace(bare, verdict=NEITHER)

    def _cut(self, question: Ids, words: TokenizedText) -> Iterator[tuple[Example, NDArray[np.bool_], int]]:
        """Windows from which nothing is learnt yet, which words each holds whole, and from token to column."""
        cut = self._cutting
        for piece in pieces(0, Pair(question, words), cut.layout, cut.window, cut.overlap):
            ids, types, begins = cut.layout.row(question, words.ids[piece.start : piece.end])
            shift = begins - piece.start
            inside = (words.first >= piece.start) & (last_tokens(words) < piece.end)
            starts = np.append(0, words.first[inside] + shift)
            ends = np.append(0, last_tokens(words)[inside] + shift)
            yield Example(ids, types, starts, ends, ()), inside, shift

    def _words(self, text: str) -> TokenizedText:
        if text not in self._texts:
            (self._texts[text],) = self._cutting.reader.read([text])
        return self._texts[text]


def _word_spans(places: Sequence[Place], words: TokenizedText) -> list[Columns]:
    """Places in code points as (first word, last word)."""
    spans = []
    for start, end in places:
        inside = np.flatnonzero((words.start < end) & (words.end > start))
        if len(inside):
            spans.append((int(inside[0]), int(inside[-1])))
    return spans


def _answers(
    spans: Sequence[Sequence[Columns]], words: TokenizedText, inside: NDArray[np.bool_], shift: int, most_words: int
) -> tuple[tuple[tuple[Columns, ...], ...], bool]:
    """The columns of each answer's places in a window, and whether one stands there in part or is too long."""
    last = last_tokens(words)
    answers, cut_off = [], False
    for places in spans:
        columns = []
        for first_word, last_word in places:
            if inside[first_word] and inside[last_word] and last_word - first_word < most_words:
                columns.append((int(words.first[first_word]) + shift, int(last[last_word]) + shift))
            elif inside[first_word : last_word + 1].any():
                cut_off = True
        if columns:
            answers.append(tuple(dict.fromkeys(columns)))
    return tuple(answers), cut_off


def collate(group: Sequence[Example], pad: int) -> Batch:
    """One batch of these examples; `pad` is the id that pads."""
    shape = len(group), max(len(example.ids) for example in group)
    ids, types = np.full(shape, pad, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    mask, starts, ends = (np.zeros(shape, dtype=np.bool_) for _ in range(3))
    places: list[tuple[int, int, int, int]] = []
    weights: list[float] = []
    for row, example in enumerate(group):
        tokens = len(example.ids)
        ids[row, :tokens], types[row, :tokens], mask[row, :tokens] = example.ids, example.types, True
        starts[row, example.starts], ends[row, example.ends] = True, True
        for columns in example.answers:
            places += [(row, first, last, len(weights)) for first, last in columns]
            weights.append(1 / len(example.answers))
    table = np.array(places, dtype=np.int64).reshape(-1, 4)
    verdicts = np.array([example.verdict for example in group], dtype=np.int64)
    arrays = ids, types, mask, starts, ends, *table.T.copy(), np.array(weights, dtype=np.float32), verdicts
    return Batch(*(torch.from_numpy(array) for array in arrays))

"""Turn questions into training examples: windows of a question and a text, with the answers' columns as labels.

A text is cut into the same windows as when a reader answers. If an answer occurs several times or has several names,
every occurrence is a label, and the loss needs only one of them; for a list, one of each answer. Texts of other
questions serve as negatives, which teach a reader to give no answer.
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
from litmine.tasks.qa.answer_alignment import CharSpan, find_occurrences
from litmine.tasks.qa.pairs import PairLayout, TokenizedPair, last_tokens, pair_windows
from litmine.tasks.qa.question_files import GoldQuestion

# A verdict is a text's answer to a yes/no question; examples of other questions have NO_VERDICT.
VERDICTS = NO, YES, NEITHER = 0, 1, 2
NO_VERDICT = -1

Ids = NDArray[np.int64]
# First and last column of a span.
Columns = tuple[int, int]
# The label of a window without an answer: the column of the first token.
_NO_ANSWER: tuple[tuple[Columns, ...], ...] = (((0, 0),),)


@dataclass(frozen=True, slots=True)
class ReaderExample:
    """One window: token ids and types (tokens,), and its labels.

    starts, ends: the columns where a span may start and end, including 0 for "no answer". answers: the columns of each
    occurrence of each answer, ((0, 0),) for "no answer"; empty for a yes/no question. verdict: one of VERDICTS, or
    NO_VERDICT.
    """

    ids: Ids
    types: Ids
    starts: Ids
    ends: Ids
    answers: tuple[tuple[Columns, ...], ...]
    verdict: int = NO_VERDICT


@dataclass(frozen=True, slots=True)
class ReaderBatch:
    """A padded batch: ids, types and mask (examples, tokens), and the labels of its examples.

    starts, ends: where a span may start and end (examples, tokens).
    rows: the example of each occurrence of an answer (occurrences,).
    first, last: its first and last column (occurrences,).
    answer: the index of its answer (occurrences,).
    weight: 1 divided by the number of answers of the answer's example (answers,).
    verdicts: the verdict of each example (examples,).
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

    def to(self, device: torch.device) -> "ReaderBatch":
        """A copy on the device."""
        return ReaderBatch(*(getattr(self, field.name).to(device) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class ExampleOptions:
    """How questions become examples: the reader's tokenization and windows, and the settings of a `ReaderStage`."""

    tokenizer: WordTokenizer
    layout: PairLayout
    window: int
    overlap: int
    most_words: int
    unanswered: float
    one_window: bool = False
    verdict_texts: int = 0
    irrelevant: int = 0


class ReaderExampleMaker:
    """Makes examples from questions; a text that several questions share is tokenized once."""

    def __init__(self, options: ExampleOptions, seed: int) -> None:
        self._options = options
        self._random = random.Random(f"windows {seed}")
        self._texts: dict[str, TokenizedText] = {}

    def examples(self, questions: Sequence[GoldQuestion]) -> list[ReaderExample]:
        """The examples of the questions, in order; none for a question that takes more than half of the window."""
        tokenized = self._options.tokenizer.read([gold.question for gold in questions])
        negatives = NegativeSampler(questions) if self._options.irrelevant else None
        examples: list[ReaderExample] = []
        for gold, words in zip(questions, tokenized, strict=True):
            if 2 * (len(words.ids) + self._options.layout.special) <= self._options.window:
                for text in self._texts_of(gold):
                    examples += self._select(list(self._labelled_windows(gold, words.ids, text)))
                for text in negatives.draw(gold, self._options.irrelevant, self._random) if negatives else ():
                    examples += self._select(list(self._negative_windows(gold, words.ids, text)))
        return examples

    def _texts_of(self, gold: GoldQuestion) -> Sequence[str]:
        return gold.texts if gold.yes is None else gold.texts[: self._options.verdict_texts or None]

    def _select(self, windows: list[ReaderExample]) -> list[ReaderExample]:
        """All windows of a text; or, with `one_window`, one at random, with an answer if any has one."""
        if not self._options.one_window or not windows:
            return windows
        with_answer = [window for window in windows if window.answers != _NO_ANSWER]
        return [self._random.choice(with_answer or windows)]

    def _labelled_windows(self, gold: GoldQuestion, question: Ids, text: str) -> Iterator[ReaderExample]:
        """The windows of one of the question's own texts.

        A window without an answer becomes an example if the question is unanswerable, else with the probability
        `unanswered`. A window with a part of an answer does not, because its label would be wrong.
        """
        options, words = self._options, self._tokenize(text)
        spans = [_word_spans(found, words) for found in (find_occurrences(answer, text) for answer in gold.answers)]
        for window, complete, shift in self._windows(question, words):
            if gold.yes is not None:
                yield replace(window, verdict=YES if gold.yes else NO)
                continue
            answers, has_partial = _label_window(spans, words, complete, shift, options.most_words)
            if answers:
                yield replace(window, answers=answers)
            elif not has_partial and (gold.unanswerable or self._random.random() < options.unanswered):
                yield replace(window, answers=_NO_ANSWER)

    def _negative_windows(self, gold: GoldQuestion, question: Ids, text: str) -> Iterator[ReaderExample]:
        """The windows of a text that does not answer the question."""
        for window, _, _ in self._windows(question, self._tokenize(text)):
            yield replace(window, answers=_NO_ANSWER) if gold.yes is None else replace(window, verdict=NEITHER)

    def _windows(self, question: Ids, words: TokenizedText) -> Iterator[tuple[ReaderExample, NDArray[np.bool_], int]]:
        """For each window: an example without labels, which words (words,) it contains whole, and the shift.

        The shift turns the index of a token of the text into its column in the window.
        """
        options = self._options
        for cut in pair_windows(0, TokenizedPair(question, words), options.layout, options.window, options.overlap):
            ids, types, text_column = options.layout.row(question, words.ids[cut.start : cut.end])
            shift = text_column - cut.start
            complete = (words.first >= cut.start) & (last_tokens(words) < cut.end)
            starts = np.append(0, words.first[complete] + shift)
            ends = np.append(0, last_tokens(words)[complete] + shift)
            yield ReaderExample(ids, types, starts, ends, ()), complete, shift

    def _tokenize(self, text: str) -> TokenizedText:
        if text not in self._texts:
            (self._texts[text],) = self._options.tokenizer.read([text])
        return self._texts[text]


def _word_spans(spans: Sequence[CharSpan], words: TokenizedText) -> list[tuple[int, int]]:
    """The first and last word of each span."""
    word_spans = []
    for start, end in spans:
        inside = np.flatnonzero((words.start < end) & (words.end > start))
        if len(inside):
            word_spans.append((int(inside[0]), int(inside[-1])))
    return word_spans


def _label_window(
    spans: Sequence[Sequence[tuple[int, int]]],
    words: TokenizedText,
    complete: NDArray[np.bool_],
    shift: int,
    most_words: int,
) -> tuple[tuple[tuple[Columns, ...], ...], bool]:
    """The columns of each answer's occurrences in a window, and whether one is incomplete or too long.

    `spans`: first and last word of each occurrence of each answer.
    """
    last = last_tokens(words)
    answers, has_partial = [], False
    for occurrences in spans:
        columns = []
        for first_word, last_word in occurrences:
            if complete[first_word] and complete[last_word] and last_word - first_word < most_words:
                columns.append((int(words.first[first_word]) + shift, int(last[last_word]) + shift))
            elif complete[first_word : last_word + 1].any():
                has_partial = True
        if columns:
            answers.append(tuple(dict.fromkeys(columns)))
    return tuple(answers), has_partial


def collate(group: Sequence[ReaderExample], pad: int) -> ReaderBatch:
    """Pad the examples to one batch; `pad` is the id of the padding token."""
    shape = len(group), max(len(example.ids) for example in group)
    ids, types = np.full(shape, pad, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    mask, starts, ends = (np.zeros(shape, dtype=np.bool_) for _ in range(3))
    occurrences: list[tuple[int, int, int, int]] = []
    weights: list[float] = []
    for row, example in enumerate(group):
        tokens = len(example.ids)
        ids[row, :tokens], types[row, :tokens], mask[row, :tokens] = example.ids, example.types, True
        starts[row, example.starts], ends[row, example.ends] = True, True
        for columns in example.answers:
            occurrences += [(row, first, last, len(weights)) for first, last in columns]
            weights.append(1 / len(example.answers))
    table = np.array(occurrences, dtype=np.int64).reshape(-1, 4)
    verdicts = np.array([example.verdict for example in group], dtype=np.int64)
    arrays = ids, types, mask, starts, ends, *table.T.copy(), np.array(weights, dtype=np.float32), verdicts
    return ReaderBatch(*(torch.from_numpy(array) for array in arrays))


# Negatives

_WORD = re.compile(r"\w+")
# Number of texts that count as similar to a question.
_SIMILAR_TEXTS = 50
# Words in more than this share of the texts do not tell texts apart, and are ignored to save time.
_COMMON_SHARE = 0.05
# Attempts to draw one text. All fail if nearly every text contains an answer of the question.
_ATTEMPTS = 10


class NegativeSampler:
    """Draws texts that do not answer a question from the texts of the other questions of its file.

    Half of the draws are from the texts that are most similar to the question, like the texts that a search returns;
    the others are from all texts.
    """

    def __init__(self, questions: Sequence[GoldQuestion]) -> None:
        self._texts = list(dict.fromkeys(text for gold in questions for text in gold.texts))
        texts_with: dict[str, list[int]] = defaultdict(list)
        for number, text in enumerate(self._texts):
            for word in _words(text):
                texts_with[word].append(number)
        most = max(1, _COMMON_SHARE * len(self._texts))
        self._texts_with = {word: numbers for word, numbers in texts_with.items() if len(numbers) <= most}

    def draw(self, gold: GoldQuestion, count: int, random: Random) -> list[str]:
        """Up to `count` different texts that are not the question's own and contain none of its answers."""
        excluded = set(gold.texts)
        similar = self._similar_texts(gold.question)
        drawn: list[str] = []
        for _ in range(count):
            candidates = similar if similar and random.random() < 0.5 else range(len(self._texts))
            for _ in range(_ATTEMPTS):
                text = self._texts[random.choice(candidates)]
                if text not in excluded and not find_occurrences(gold.names, text):
                    excluded.add(text)
                    drawn.append(text)
                    break
        return drawn

    def _similar_texts(self, question: str) -> list[int]:
        """The texts that share most words with the question, by the sum of the words' inverse document frequencies."""
        similarity: dict[int, float] = defaultdict(float)
        for word in sorted(_words(question)):
            numbers = self._texts_with.get(word, ())
            for number in numbers:
                similarity[number] += math.log(len(self._texts) / len(numbers))
        return sorted(similarity, key=lambda number: (-similarity[number], number))[:_SIMILAR_TEXTS]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))

"""The stretches of a text that a relation model reads: the sentences from one mention of a pair to the other.

Sentences without a candidate pair are not read. Stretches that share a sentence are read as one, while it fits into a
window.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litmine.corpora.documents import AnnotatedEntity
from litmine.nn.tokenizer import TokenizedText

Sentences = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Tokens `start` to `end` of a text, and the numbers of the pairs that are judged there.

    reach (pairs, 2): the tokens of the sentences of each pair.
    """

    start: int
    end: int
    pairs: tuple[int, ...]
    reach: tuple[tuple[int, int], ...] = ()


def mention_tokens(text: TokenizedText, mentions: Sequence[AnnotatedEntity]) -> NDArray[np.int64]:
    """First and last token (exclusive) of the words of each mention: (mentions, 2); equal for one without words."""
    if not len(text) or not mentions:
        return np.zeros((len(mentions), 2), dtype=np.int64)
    edges = np.append(text.first, len(text.ids))
    first = np.searchsorted(text.end, [one.start for one in mentions], side="right")
    last = np.searchsorted(text.start, [one.end for one in mentions], side="left")
    return np.stack([edges[first], edges[np.maximum(first, last)]], axis=1)


def cut_stretches(
    text: TokenizedText,
    sentences: Sentences,
    spans: Sequence[tuple[tuple[int, int], tuple[int, int]]],
    max_tokens: int,
) -> list[Stretch]:
    """The stretches of a text, in order; each pair is in at most one.

    sentences: start and end of each in code points, in order. spans: tokens of the subject and of the object of each
    pair. A pair whose mentions are too far apart for `max_tokens`, or that has a mention without words, is in none.
    """
    edges = _sentence_tokens(text, sentences)
    wanted = []
    for number, (subject, object_) in enumerate(spans):
        if subject[0] == subject[1] or object_[0] == object_[1]:
            continue
        low, high = min(subject[0], object_[0]), max(subject[1], object_[1])
        start, end = _around(edges, low, high)
        if end - start > max_tokens:
            # A sentence that is longer than a window, such as a table: as much as fits around the pair.
            if high - low > max_tokens:
                continue
            start = max(start, low - (max_tokens - (high - low)) // 2)
            end = min(end, start + max_tokens)
            start = max(0, end - max_tokens)
        wanted.append((start, end, number))
    return _merged(sorted(wanted), max_tokens)


def _sentence_tokens(text: TokenizedText, sentences: Sentences) -> list[int]:
    """The first token of each sentence, then the number of tokens; 0 first, so that every token is in a sentence."""
    edges = np.append(text.first, len(text.ids))
    starts = edges[np.searchsorted(text.start, [start for start, _ in sentences], side="left")].tolist()
    return [0, *starts[1:], len(text.ids)] if starts else [0, len(text.ids)]


def _around(edges: Sequence[int], low: int, high: int) -> tuple[int, int]:
    """The tokens of the sentences from the one with token `low` to the one with token `high - 1`."""
    first = int(np.searchsorted(edges, low, side="right")) - 1
    last = int(np.searchsorted(edges, high - 1, side="right"))
    return edges[first], edges[last]


def _merged(wanted: Sequence[tuple[int, int, int]], max_tokens: int) -> list[Stretch]:
    stretches: list[Stretch] = []
    for start, end, number in wanted:
        if stretches:
            last = stretches[-1]
            shares = start < last.end
            if shares and max(end, last.end) - last.start <= max_tokens:
                pairs, reach = (*last.pairs, number), (*last.reach, (start, end))
                stretches[-1] = Stretch(last.start, max(end, last.end), pairs, reach)
                continue
        stretches.append(Stretch(start, end, (number,), ((start, end),)))
    return stretches

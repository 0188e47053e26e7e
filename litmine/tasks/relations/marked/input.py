"""Tokenize the pairs of a document for a classifier of marked texts: the same ids as transformers gives."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer

from litmine.tasks.relations.marked.text import (
    MENTION,
    TYPE,
    MarkedString,
    Marking,
    Reserved,
    mark_pair,
    pair_stretch,
    shorten,
)
from litmine.tasks.relations.pairs import CandidatePair, PairKey, identifier_pairs

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MarkedPair:
    """A pair as a classifier reads it: `text`, the marked string, and `ids` (tokens), with special tokens."""

    text: str
    ids: NDArray[np.int64]


def add_markers(tokenizer: Tokenizer, marking: Marking) -> list[str]:
    """Add the words of the markers to a tokenizer as tokens of their own; returns the new ones. Masks are text."""
    if marking.masks:
        return []
    words = [word for one in (marking.subject, marking.object) for word in one.split() if word != MENTION]
    new = [word for word in dict.fromkeys(words) if TYPE not in word and tokenizer.token_to_id(word) is None]
    tokenizer.add_special_tokens([AddedToken(word, normalized=False, special=True) for word in new])
    return new


class PairReader:
    """Marks and tokenizes pairs. `window`: the largest number of tokens, special tokens included."""

    def __init__(self, tokenizer: Tokenizer, marking: Marking, window: int) -> None:
        self._tokenizer, self._marking, self._window = tokenizer, marking, window
        # Markers are tokens; what looks like one in an abstract is escaped.
        tokenizer.encode_special_tokens = False
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._reserved = Reserved(token.content for token in tokenizer.get_added_tokens_decoder().values())
        self._special = tokenizer.num_special_tokens_to_add(is_pair=False)

    def read(self, text: str, pairs: Sequence[CandidatePair], sentences: Sequence[Range]) -> list[MarkedPair]:
        """The pairs of a text in their order; sentences: start and end of each, in order."""
        marked = [mark_pair(text, one, pair_stretch(one, sentences), self._marking, self._reserved) for one in pairs]
        return self.encode(marked)

    def encode(self, marked: Sequence[MarkedString]) -> list[MarkedPair]:
        """Tokenize marked texts, and cut those that are longer than the window."""
        encodings = self._tokenizer.encode_batch([one.text for one in marked])
        long = [i for i, encoding in enumerate(encodings) if len(encoding.ids) > self._window]
        texts = [one.text for one in marked]
        limit = self._window - self._special
        for i in long:
            bare = self._tokenizer.encode(texts[i], add_special_tokens=False)
            texts[i] = shorten(marked[i], bare.offsets, bare.word_ids, limit).text
            encodings[i] = self._tokenizer.encode(texts[i])
        return [
            MarkedPair(text, self._truncated(np.array(encoding.ids, dtype=np.int64)))
            for text, encoding in zip(texts, encodings, strict=True)
        ]

    def _truncated(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The ids within the window, the last token of a text in place, as transformers truncates."""
        if len(ids) <= self._window:
            return ids
        return np.append(ids[: self._window - 1], ids[-1])


def judged_pairs(pairs: Sequence[CandidatePair], nearest: int) -> list[CandidatePair]:
    """Of the pairs of mentions that stand for the same two identifiers, the `nearest` ones; 0 keeps all.

    Near is few sentences, then few code points between the mentions, then early in the text. Pairs without identifiers
    are all kept. The order stays.
    """
    if not nearest:
        return list(pairs)
    kept = {id(one) for one in pairs if not (one.subject.identifiers and one.object.identifiers)}
    for of_key in identifier_pairs(pairs).values():
        kept.update(id(one) for one in sorted(of_key, key=_distance)[:nearest])
    return [one for one in pairs if id(one) in kept]


def _distance(pair: CandidatePair) -> tuple[int, int, int]:
    between = max(0, pair.object.start - pair.subject.end, pair.subject.start - pair.object.end)
    return pair.sentences_apart, between, min(pair.subject.start, pair.object.start)


def group_by_identifiers(pairs: Sequence[CandidatePair]) -> dict[PairKey, list[int]]:
    """The places in `pairs` of the pairs of mentions of each pair of identifiers."""
    places = {id(one): i for i, one in enumerate(pairs)}
    return {key: [places[id(one)] for one in of_key] for key, of_key in identifier_pairs(pairs).items()}

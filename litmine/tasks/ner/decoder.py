"""What a network leaves open to entities, many texts at a time: labels, then spans, then offsets.

What a network says of texts, as far as anybody asks: where it leaves open whether a word is in a mention.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litmine.nn.crf import choose
from litmine.nn.failure_isolation import Failed
from litmine.nn.tokenizer import Words
from litmine.text.tags import TagSet
from litmine.types import Entity


@dataclass(frozen=True, slots=True)
class Open:
    """The words that may be in a mention, a pair for each head that thinks so; all other pairs are outside.

    `text`, `word`, `head` (pairs): numbers. `logits` (pairs, labels of the head that has most): -inf where a head has
    fewer.
    """

    text: NDArray[np.int64]
    word: NDArray[np.int64]
    head: NDArray[np.int64]
    logits: NDArray[np.float32]

    @classmethod
    def joined(cls, parts: Sequence["Open"]) -> "Open":
        """Text after text."""
        if not parts:
            none = np.zeros(0, dtype=np.int64)
            return cls(none, none, none, np.zeros((0, 1), dtype=np.float32))
        text = np.concatenate([part.text for part in parts])
        order = np.argsort(text, kind="stable")
        word, head, logits = (
            np.concatenate([getattr(part, name) for part in parts])[order] for name in ("word", "head", "logits")
        )
        return cls(text[order], word, head, logits)

    def of_texts(self, first: int, after: int) -> "Open":
        """Those of some texts, where the pairs are text after text."""
        own = slice(*np.searchsorted(self.text, (first, after)).tolist())
        return Open(self.text[own] - first, self.word[own], self.head[own], self.logits[own])


@dataclass(frozen=True, slots=True)
class Said:
    """Of some texts, what is open, text after text, and which of them could not be read and why, by number."""

    open: Open
    failed: dict[int, Failed]


# Texts whose labels are chosen at a time: enough for numpy, little for the memory.
_TOGETHER = 1024


class Decoder:
    """Heads side by side, each with its labels; along a chain if there are `transitions` (heads, BIO, BIO)."""

    def __init__(self, labels: Sequence[Sequence[str]], transitions: NDArray[np.float32] | None) -> None:
        self._tags = [TagSet(own) for own in labels]
        self._transitions = transitions

    @property
    def entity_types(self) -> list[str]:
        return sorted({entity_type for tags in self._tags for entity_type in tags.entity_types})

    @property
    def outside(self) -> list[list[bool]]:
        """Of each head's labels, which say that a word is in no mention."""
        return [tags.outside for tags in self._tags]

    def entities(self, texts: Sequence[str], words: Sequence[Words | Failed], said: Open) -> list[list[Entity]]:
        """Those of each text, in order of their offsets; a score is the mean probability of the words' labels."""
        return [
            entities
            for i in range(0, len(texts), _TOGETHER)
            for entities in self._of_group(
                texts[i : i + _TOGETHER], words[i : i + _TOGETHER], said.of_texts(i, i + _TOGETHER)
            )
        ]

    def _of_group(self, texts: Sequence[str], words: Sequence[Words | Failed], said: Open) -> list[list[Entity]]:
        found: list[list[Entity]] = [[] for _ in texts]
        if not len(said.text):
            return found
        read = [one if isinstance(one, Words) else _NO_WORDS for one in words]
        start, end = (np.concatenate([getattr(one, side) for one in read]) for side in ("start", "end"))
        # The number of a word among those of all texts.
        word = (np.cumsum([len(one) for one in read]) - [len(one) for one in read])[said.text] + said.word
        order = np.lexsort((word, said.head))
        text, word, head = said.text[order], word[order], said.head[order]
        apart = (np.diff(word) != 1) | (np.diff(head) != 0) | (np.diff(text) != 0)
        begins = np.concatenate(([True], apart))
        label, probability = self._choose(said.logits[order], head, begins)
        kinds = self.entity_types
        columns = []
        edges = np.searchsorted(head, np.arange(len(self._tags) + 1)).tolist()
        for tags, own in zip(self._tags, map(slice, edges, edges[1:]), strict=True):
            first, after, kind = tags.mentions(label[own], begins[own])
            if not len(first):
                continue
            scores = np.add.reduceat(np.append(probability[own], 0), np.stack((first, after), 1).ravel())[::2]
            ranks = np.array([kinds.index(entity_type) for entity_type in tags.entity_types])
            places = start[word[own][first]], end[word[own][after - 1]]
            columns.append((text[own][first], *places, ranks[kind], np.minimum(scores / (after - first), 1)))
        if not columns:
            return found
        in_order = np.lexsort(tuple(np.concatenate(column) for column in list(zip(*columns, strict=True))[3::-1]))
        rows = zip(*(np.concatenate(column)[in_order].tolist() for column in zip(*columns, strict=True)), strict=True)
        for which, first, after, rank, score in rows:
            found[which].append(Entity(texts[which][first:after], kinds[rank], first, after, score))
        return found

    def _choose(
        self, logits: NDArray[np.float32], head: NDArray[np.int64], begins: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The label of each pair and its probability; a run of neighbouring words begins where it says so."""
        if self._transitions is not None:
            return choose(logits, head, begins, self._transitions)
        label = logits.argmax(axis=1)
        return label, 1 / np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64).sum(axis=1)


_NO_WORDS = Words(*[np.zeros(0, dtype=np.int64)] * 4)

"""Decode a tagger's logits to entities, many texts at a time: labels, then spans, then character offsets.

The input is sparse: only logits of words that may belong to a mention leave the accelerator.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litmine.nn.crf import best_labels
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.tokenizer import TokenizedText
from litmine.text.tags import TagSet
from litmine.types import Entity


@dataclass(frozen=True, slots=True)
class CandidateLogits:
    """The logits of the (word, head) pairs that may belong to a mention; all other pairs have the label O.

    `text`, `word`, `head`: (pairs,), the index of the text, of the word in the text, and of the head. `logits`: (pairs,
    most labels of any head), -inf where a head has fewer labels.
    """

    text: NDArray[np.int64]
    word: NDArray[np.int64]
    head: NDArray[np.int64]
    logits: NDArray[np.float32]

    @classmethod
    def concatenate(cls, parts: Sequence["CandidateLogits"]) -> "CandidateLogits":
        """All parts in one, ordered by text."""
        if not parts:
            empty = np.zeros(0, dtype=np.int64)
            return cls(empty, empty, empty, np.zeros((0, 1), dtype=np.float32))
        text = np.concatenate([part.text for part in parts])
        order = np.argsort(text, kind="stable")
        word, head, logits = (
            np.concatenate([getattr(part, name) for part in parts])[order] for name in ("word", "head", "logits")
        )
        return cls(text[order], word, head, logits)

    def select_texts(self, first: int, end: int) -> "CandidateLogits":
        """The pairs of the texts from `first` up to but without `end`, renumbered from 0; pairs are ordered by text."""
        chosen = slice(*np.searchsorted(self.text, (first, end)).tolist())
        return CandidateLogits(self.text[chosen] - first, self.word[chosen], self.head[chosen], self.logits[chosen])


@dataclass(frozen=True, slots=True)
class TaggerOutput:
    """A network's output for some texts: candidates ordered by text, and failures by the index of their text."""

    candidates: CandidateLogits
    failed: dict[int, FailedItem]


# Texts decoded at a time: enough to amortise numpy's overhead, few enough to keep memory low.
_TEXTS_AT_A_TIME = 1024
_NO_WORDS = TokenizedText(*[np.zeros(0, dtype=np.int64)] * 4)


class MentionDecoder:
    """Decodes heads independently: by CRF if `transitions` (heads, BIO, BIO) is set, else each word for itself."""

    def __init__(self, labels: Sequence[Sequence[str]], transitions: NDArray[np.float32] | None) -> None:
        self._tags = [TagSet(head_labels) for head_labels in labels]
        self._transitions = transitions

    @property
    def entity_types(self) -> list[str]:
        """The entity types of all heads, sorted."""
        return sorted({entity_type for tags in self._tags for entity_type in tags.entity_types})

    @property
    def outside(self) -> list[list[bool]]:
        """For each head, which of its labels mean that a word is in no mention."""
        return [tags.outside for tags in self._tags]

    def entities(
        self, texts: Sequence[str], words: Sequence[TokenizedText | FailedItem], candidates: CandidateLogits
    ) -> list[list[Entity]]:
        """The entities of each text, ordered by offset; the score is the mean probability of the words' labels."""
        return [
            entities
            for i in range(0, len(texts), _TEXTS_AT_A_TIME)
            for entities in self._decode_group(
                texts[i : i + _TEXTS_AT_A_TIME],
                words[i : i + _TEXTS_AT_A_TIME],
                candidates.select_texts(i, i + _TEXTS_AT_A_TIME),
            )
        ]

    def _decode_group(
        self, texts: Sequence[str], words: Sequence[TokenizedText | FailedItem], candidates: CandidateLogits
    ) -> list[list[Entity]]:
        found: list[list[Entity]] = [[] for _ in texts]
        if not len(candidates.text):
            return found
        readable = [one if isinstance(one, TokenizedText) else _NO_WORDS for one in words]
        lengths = [len(one) for one in readable]
        start, end = (np.concatenate([getattr(one, side) for one in readable]) for side in ("start", "end"))
        # Words numbered over all texts.
        word = (np.cumsum(lengths) - lengths)[candidates.text] + candidates.word
        order = np.lexsort((word, candidates.head))
        text, word, head = candidates.text[order], word[order], candidates.head[order]
        # True where a run of neighbouring words under one head begins.
        new_run = (np.diff(word) != 1) | (np.diff(head) != 0) | (np.diff(text) != 0)
        begins = np.concatenate(([True], new_run))
        label, probability = self._choose_labels(candidates.logits[order], head, begins)
        entity_types = self.entity_types
        columns = []
        edges = np.searchsorted(head, np.arange(len(self._tags) + 1)).tolist()
        for tags, pairs in zip(self._tags, map(slice, edges, edges[1:]), strict=True):
            first, after, kind = tags.span_arrays(label[pairs], begins[pairs])
            if not len(first):
                continue
            sums = np.add.reduceat(np.append(probability[pairs], 0), np.stack((first, after), 1).ravel())[::2]
            ranks = np.array([entity_types.index(entity_type) for entity_type in tags.entity_types])
            offsets = start[word[pairs][first]], end[word[pairs][after - 1]]
            columns.append((text[pairs][first], *offsets, ranks[kind], np.minimum(sums / (after - first), 1)))
        if not columns:
            return found
        # By text, start, end, type.
        by_offset = np.lexsort(tuple(np.concatenate(column) for column in list(zip(*columns, strict=True))[3::-1]))
        rows = zip(*(np.concatenate(column)[by_offset].tolist() for column in zip(*columns, strict=True)), strict=True)
        for i, start_char, end_char, rank, score in rows:
            mention = texts[i][start_char:end_char]
            found[i].append(Entity(mention, entity_types[rank], start_char, end_char, score))
        return found

    def _choose_labels(
        self, logits: NDArray[np.float32], head: NDArray[np.int64], begins: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The label of each pair and its probability; `begins` is true where a run of neighbouring words begins."""
        if self._transitions is not None:
            return best_labels(logits, head, begins, self._transitions)
        label = logits.argmax(axis=1)
        return label, 1 / np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64).sum(axis=1)

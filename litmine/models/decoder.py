"""Logits to entities, many texts at a time: labels, then spans, then offsets."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from litmine.models.chain import BIO, choose
from litmine.models.words import Words
from litmine.text.tags import TagSet
from litmine.types import Entity

# The logits of a text's words: (words, labels of all heads).
Logits = NDArray[np.float32]
# Texts whose labels are chosen at a time: enough for numpy, little for the memory.
_TOGETHER = 256


class Decoder:
    """Heads side by side, each with its labels; along a chain if there are `transitions` (heads, BIO, BIO)."""

    def __init__(self, labels: Sequence[Sequence[str]], transitions: NDArray[np.float32] | None) -> None:
        self._tags = [TagSet(own) for own in labels]
        self._edges = np.cumsum([0, *(len(own) for own in labels)]).tolist()
        self._transitions = transitions

    @property
    def entity_types(self) -> list[str]:
        return sorted({entity_type for tags in self._tags for entity_type in tags.entity_types})

    def entities(self, texts: Sequence[tuple[str, Words, Logits]]) -> list[list[Entity]]:
        """Those of each text, in order of their offsets; a score is the mean probability of the words' labels."""
        groups = (texts[i : i + _TOGETHER] for i in range(0, len(texts), _TOGETHER))
        return [entities for group in groups for entities in self._of_group(group)]

    def _of_group(self, texts: Sequence[tuple[str, Words, Logits]]) -> list[list[Entity]]:
        whose = np.repeat(np.arange(len(texts)), [len(words) for _, words, _ in texts])
        first = np.diff(whose, prepend=-1) > 0
        start, end = (np.concatenate([getattr(words, side) for _, words, _ in texts]) for side in ("start", "end"))
        label, probability = self._choose(np.concatenate([logits for _, _, logits in texts]), first)
        found: list[list[Entity]] = [[] for _ in texts]
        for head, tags in enumerate(self._tags):
            own = probability[:, head].astype(np.float64)
            for word, after, entity_type in tags.spans(label[:, head], first):
                text = whose[word]
                offsets = int(start[word]), int(end[after - 1])
                score = min(float(own[word:after].mean()), 1.0)
                found[text].append(Entity(texts[text][0][slice(*offsets)], entity_type, *offsets, score))
        for entities in found:
            entities.sort(key=lambda entity: (entity.start_char, entity.end_char, entity.entity_type))
        return found

    def _choose(self, logits: Logits, first: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The label of each word under each head and its probability: both (words, heads)."""
        if self._transitions is not None:
            return choose(logits.reshape(len(logits), len(self._tags), len(BIO)), first, self._transitions)
        label = np.zeros((len(logits), len(self._tags)), dtype=np.uint8)
        probability = np.zeros(label.shape, dtype=np.float32)
        for head, (left, right) in enumerate(pairwise(self._edges)):
            own = logits[:, left:right]
            label[:, head] = own.argmax(axis=1)
            probability[:, head] = 1 / np.exp(own - own.max(axis=1, keepdims=True)).sum(axis=1)
        return label, probability

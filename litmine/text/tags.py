"""Tags to spans: IOB2, IOB1, IOBES and BILOU, typed or not, in one reading.

A span begins at a B or S, or at an I or E that continues nothing; it goes on through I and E of the same type.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OUTSIDE = "O"
UNTYPED = "Entity"
_PREFIXES = {
    "B": (True, False),
    "I": (False, False),
    "E": (False, True),
    "L": (False, True),
    "S": (True, True),
    "U": (True, True),
}


@dataclass(frozen=True, slots=True)
class Tag:
    """One label taken apart: its type, None when outside, and whether it always begins or always ends a mention."""

    entity_type: str | None
    begins: bool = False
    ends: bool = False


def parse_tag(label: str) -> Tag:
    """`B-Disease`, `I_Gene`, `S-Chemical`, plain `B`; a label without a prefix is a type of its own, `O` is outside."""
    if label in {OUTSIDE, "X", "[CLS]", "[SEP]", "[PAD]", "PAD"}:
        return Tag(None)
    prefix, separator, rest = label[:1], label[1:2], label[2:]
    if prefix in _PREFIXES and separator in {"-", "_", ""}:
        begins, ends = _PREFIXES[prefix]
        return Tag(rest or UNTYPED, begins, ends)
    return Tag(label)


class TagSet:
    """The labels of one softmax, by index, ready to turn label indices into spans."""

    def __init__(self, labels: Sequence[str]) -> None:
        tags = [parse_tag(label) for label in labels]
        self.entity_types = sorted({tag.entity_type for tag in tags if tag.entity_type is not None})
        self._type = np.array([-1 if t.entity_type is None else self.entity_types.index(t.entity_type) for t in tags])
        self._begins = np.array([tag.begins for tag in tags])
        self._ends = np.array([tag.ends for tag in tags])

    @property
    def outside(self) -> list[bool]:
        """Which labels say that a word is in no mention."""
        return [kind < 0 for kind in self._type.tolist()]

    def spans(self, labels: NDArray[np.integer], first: NDArray[np.bool_] | None = None) -> list[tuple[int, int, str]]:
        """Mentions as (first word, word after the last, type) from one label index a word; `first` as in `mentions`."""
        columns = (column.tolist() for column in self.mentions(labels, first))
        return [(start, end, self.entity_types[kind]) for start, end, kind in zip(*columns, strict=True)]

    def mentions(
        self, labels: NDArray[np.integer], first: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The first word of each mention, the word after its last, and its type's index in `entity_types`.

        `labels`: one label index a word. `first` marks the words that do not follow the one before them, as where
        another text begins; no mention goes on past one.
        """
        kind = self._type[labels]
        before = np.concatenate(([-1], kind[:-1]))
        ended = np.concatenate(([True], self._ends[labels][:-1]))
        inside = kind >= 0
        breaks = np.zeros(len(labels), dtype=bool) if first is None else first
        begins = inside & (self._begins[labels] | (before != kind) | ended | breaks)
        starts = np.flatnonzero(begins)
        stops = np.flatnonzero(begins | ~inside)
        following = np.searchsorted(stops, starts, side="right")
        return starts, np.append(stops, len(labels))[following], kind[starts]


def tags_to_spans(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Mentions of one sentence as (first word, word after the last, type), from its tags."""
    labels = sorted(set(tags) | {OUTSIDE})
    return TagSet(labels).spans(np.array([labels.index(tag) for tag in tags], dtype=np.int64))

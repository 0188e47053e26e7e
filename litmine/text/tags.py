"""Convert tags to spans. The tags may be IOB2, IOB1, IOBES or BILOU, with or without types.

A span begins at B or S, or at an I or E that does not continue a span. It continues through I and E of the same type.
BILOU's L and U are read as E and S.
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
    """A parsed label: its type (None if outside), and whether it always begins or always ends a span."""

    entity_type: str | None
    begins: bool = False
    ends: bool = False


def parse_tag(label: str) -> Tag:
    """Parse a label such as `B-Disease`, `I_Gene`, `S-Chemical` or plain `B`.

    A label without a prefix is a type by itself. `O` and special tokens such as `[PAD]` are outside.
    """
    if label in {OUTSIDE, "X", "[CLS]", "[SEP]", "[PAD]", "PAD"}:
        return Tag(None)
    prefix, separator, rest = label[:1], label[1:2], label[2:]
    if prefix in _PREFIXES and separator in {"-", "_", ""}:
        begins, ends = _PREFIXES[prefix]
        return Tag(rest or UNTYPED, begins, ends)
    return Tag(label)


class TagSet:
    """The labels of one classification head, by index; converts label indices to spans."""

    def __init__(self, labels: Sequence[str]) -> None:
        tags = [parse_tag(label) for label in labels]
        self.entity_types = sorted({tag.entity_type for tag in tags if tag.entity_type is not None})
        self._type = np.array([-1 if t.entity_type is None else self.entity_types.index(t.entity_type) for t in tags])
        self._begins = np.array([tag.begins for tag in tags])
        self._ends = np.array([tag.ends for tag in tags])

    @property
    def outside(self) -> list[bool]:
        """For each label, whether it marks a word outside any span."""
        return [kind < 0 for kind in self._type.tolist()]

    def spans(
        self, labels: NDArray[np.integer], starts_text: NDArray[np.bool_] | None = None
    ) -> list[tuple[int, int, str]]:
        """Spans as (first word, word after the last, type); the arguments are those of `span_arrays`."""
        columns = (column.tolist() for column in self.span_arrays(labels, starts_text))
        return [(start, end, self.entity_types[kind]) for start, end, kind in zip(*columns, strict=True)]

    def span_arrays(
        self, labels: NDArray[np.integer], starts_text: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Three arrays with an element per span: first word, word after the last, and type as index in `entity_types`.

        labels: the label index of each word. starts_text: true for the first word of each text, because no span
        crosses the border of two texts.
        """
        kind = self._type[labels]
        before = np.concatenate(([-1], kind[:-1]))
        ended = np.concatenate(([True], self._ends[labels][:-1]))
        inside = kind >= 0
        breaks = np.zeros(len(labels), dtype=bool) if starts_text is None else starts_text
        begins = inside & (self._begins[labels] | (before != kind) | ended | breaks)
        starts = np.flatnonzero(begins)
        stops = np.flatnonzero(begins | ~inside)
        following = np.searchsorted(stops, starts, side="right")
        return starts, np.append(stops, len(labels))[following], kind[starts]


def tags_to_spans(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Spans of one sentence as (first word, word after the last, type), from the tag of each word."""
    labels = sorted(set(tags) | {OUTSIDE})
    return TagSet(labels).spans(np.array([labels.index(tag) for tag in tags], dtype=np.int64))

"""Text with marked spans, which may overlap: cut into pieces for pages, and rendered for notebooks."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from litmine.types import Entity

# The colours of entity types on a light ground; text on them keeps a contrast of at least 7:1. The explorer's style
# sheet has the same hues, and darker ones for dark mode.
TYPE_COLOURS = {
    "Disease": "#ffd3cc",
    "Chemical": "#cfe3ff",
    "Gene": "#d3f2cf",
    "Species": "#fdeab0",
    "Variant": "#e8d6fb",
    "Person": "#f6e3d0",
    "CellLine": "#c8f0ee",
    "CellType": "#c8f0ee",
    "Anatomy": "#f9d5e8",
    "DNA": "#e3e8c4",
    "RNA": "#e3e8c4",
    "Protein": "#d3f2cf",
    "AdverseEffect": "#ffdcb8",
}
OTHER_COLOUR = "#e3e3e3"


@dataclass(frozen=True, slots=True)
class MarkedSpan:
    """A span of a text in code points, end exclusive, with its type and identifier; `name` is the concept's."""

    start_char: int
    end_char: int
    entity_type: str
    identifier: str | None = None
    score: float | None = None
    name: str = ""

    @property
    def label(self) -> str:
        """Type, name, identifier and score, as far as known: `Disease · Asthma · MESH:D001249 · 0.98`."""
        score = None if self.score is None else f"{self.score:.2f}"
        name = "" if self.name == self.identifier else self.name
        return " · ".join(filter(None, (self.entity_type, name, self.identifier, score)))


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A stretch of a text that the same spans cover; `spans` are their numbers, the shortest span first."""

    text: str
    spans: tuple[int, ...]


def cut_text(text: str, spans: Sequence[MarkedSpan], start: int = 0, end: int | None = None) -> list[TextPiece]:
    """Cut a text, or its part from `start` to `end`, wherever a span begins or ends. The pieces join to the text."""
    end = len(text) if end is None else min(end, len(text))
    inside = [
        (number, max(span.start_char, start), min(span.end_char, end))
        for number, span in enumerate(spans)
        if span.start_char < end and span.end_char > start and span.start_char < span.end_char
    ]
    begins: dict[int, list[int]] = defaultdict(list)
    ends: dict[int, list[int]] = defaultdict(list)
    for number, begin, stop in inside:
        begins[begin].append(number)
        ends[stop].append(number)
    covering: set[int] = set()
    pieces = []
    for first, after in pairwise(sorted({start, end, *begins, *ends})):
        covering.difference_update(ends[first])
        covering.update(begins[first])
        shortest = sorted(covering, key=lambda number: (spans[number].end_char - spans[number].start_char, number))
        pieces.append(TextPiece(text[first:after], tuple(shortest)))
    return pieces


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A text with its spans and a heading, which a notebook shows in colours."""

    text: str
    spans: tuple[MarkedSpan, ...] = ()
    heading: str = ""

    def __str__(self) -> str:
        lines = [self.heading, self.text] if self.heading else [self.text]
        return "\n".join([*lines, *(f"  {self.text[s.start_char : s.end_char]}  ({s.label})" for s in self.spans)])

    def _repr_html_(self) -> str:
        """HTML with its own styles and no script; whatever the text says, it stays text."""
        heading = f"<strong>{escape(self.heading)}</strong><br>" if self.heading else ""
        pieces = (self._piece(piece) for piece in cut_text(self.text, self.spans))
        types = dict.fromkeys(span.entity_type for span in self.spans)
        legend = " ".join(_mark(one, TYPE_COLOURS.get(one, OTHER_COLOUR), one) for one in types)
        return (
            f'<div style="line-height:1.8;max-width:50em">{heading}{"".join(pieces)}<br><small>{legend}</small></div>'
        )

    def _piece(self, piece: TextPiece) -> str:
        if not piece.spans:
            return escape(piece.text)
        spans = [self.spans[number] for number in piece.spans]
        colour = TYPE_COLOURS.get(spans[0].entity_type, OTHER_COLOUR)
        return _mark(piece.text, colour, "; ".join(span.label for span in spans), len(spans) > 1)


def show(text: str, entities: Sequence[Entity]) -> MarkedText:
    """A text with what a model's `annotate` found in it, which a notebook shows in colours."""
    spans = (MarkedSpan(one.start_char, one.end_char, one.entity_type, one.identifier, one.score) for one in entities)
    return MarkedText(text, tuple(spans))


def _mark(text: str, colour: str, title: str, overlap: bool = False) -> str:
    line = ";border-bottom:2px solid #333" if overlap else ""
    style = f"background:{colour};color:#111;padding:0 .15em;border-radius:.2em{line}"
    return f'<mark style="{style}" title="{escape(title)}">{escape(text)}</mark>'

"""What every format gives: a text and its spans."""

from dataclasses import dataclass

from litmine.types import Span


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence or a document of a corpus; `pmid` is a document's number, None where the file has none."""

    text: str
    spans: tuple[Span, ...]
    pmid: int | None = None

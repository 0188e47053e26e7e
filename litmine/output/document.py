"""An article with the mentions found in it, on its way out of a lake."""

from dataclasses import dataclass
from typing import NamedTuple

from litmine.types import Article


class Mention(NamedTuple):
    """A row of `all_entities`: offsets in code points of `Article.text`, half-open; `model` is name@digest."""

    start_char: int
    end_char: int
    mention: str
    entity_type: str
    score: float
    identifier: str | None
    model: str


@dataclass(frozen=True, slots=True)
class Document:
    """An article and its mentions, by start, end, type and model; they may overlap."""

    article: Article
    mentions: tuple[Mention, ...]

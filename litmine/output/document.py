"""An article with the mentions found in it, on its way out of a lake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

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
    """An article and its mentions, sorted by start, end, type and model; they may overlap.

    `more`: rows of other tasks, by the name of the task's table, with the columns of the task's view.
    """

    article: Article
    mentions: tuple[Mention, ...]
    more: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

"""An article with its mentions, as an export reads it from a lake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from litmine.types import Article


class Mention(NamedTuple):
    """A row of `all_entities`: offsets in code points of `Article.text`, half-open; models are name@digest."""

    start_char: int
    end_char: int
    mention: str
    entity_type: str
    score: float
    identifier: str | None
    model: str
    identifier_score: float | None = None
    linker: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """An article and its mentions, sorted by start, end, type and model; they may overlap.

    `more`: rows of further tasks by the name of their table, as the tasks' views have them. `as_of`, `record_class`
    (`BARE_TEXT` or `RECORD`) and `reader_version` are those of the article's current version, None where only its text
    is wanted.
    """

    article: Article
    mentions: tuple[Mention, ...]
    more: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    as_of: datetime | None = None
    record_class: int | None = None
    reader_version: int | None = None

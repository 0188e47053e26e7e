"""What the readers of all formats yield for a record."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from litmine.types import BARE_TEXT, READER_VERSION, Article, Correction, Deletion, OlderVersion, Section

# The links from a retracted article: to the notice, and to the version that replaces it. `PartialRetractionIn` is not
# one: NLM counts partial retractions as errata, and gives articles that it considers retracted the publication type.
_RETRACTED_BY = ("RetractionIn", "RetractedandRepublishedIn")


class ReadRecord(NamedTuple):
    """A record read from a file.

    mended: number of lone surrogates that became U+FFFD. record_class: `BARE_TEXT` or `RECORD`. as_of: the record's own
    date (UTC), None if it has none. reader_version: the version of the source reader that made the record; for an
    exported line, that of the litmine that exported it.
    """

    record: Article | Deletion | OlderVersion
    mended: int = 0
    record_class: int = BARE_TEXT
    as_of: datetime | None = None
    reader_version: int = READER_VERSION


def whole_abstract(title: str | None, abstract: str | None) -> tuple[Section, ...]:
    """The sections of an abstract without labelled parts: one, which is all of it."""
    if abstract is None:
        return ()
    start = 0 if title is None else len(title) + 1
    return (Section(None, start, start + len(abstract)),)


def is_retracted(publication_types: Collection[str], corrections: Iterable[Correction]) -> bool:
    """Whether an article is typed as retracted, or linked with a notice that retracts it or a version in its place."""
    return "Retracted Publication" in publication_types or any(one.kind in _RETRACTED_BY for one in corrections)

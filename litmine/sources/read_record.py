"""What the readers of all formats yield for a record."""

from datetime import datetime
from typing import NamedTuple

from litmine.types import BARE_TEXT, READER_VERSION, Article, Deletion, OlderVersion, Section


class ReadRecord(NamedTuple):
    """A record as a file has it.

    mended: number of lone surrogates that became U+FFFD. record_class: `BARE_TEXT` or `RECORD`. as_of: when its source
    said so, None if the file does not tell. reader_version: the reader that made the record, of another litmine for a
    line that it exported.
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

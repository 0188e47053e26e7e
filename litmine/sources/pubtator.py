"""Read PubTator files: `pmid|t|title`, `pmid|a|abstract`, lines of annotations, a blank line between documents.

Text is unchanged: `Article.text` is title, one space, abstract, which PubTator's offsets refer to. Articles have no
annotations; `litmine.corpora` reads them from the documents.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from litmine.errors import SourceError
from litmine.sources.jsonl import text_only_article
from litmine.sources.lines import MAX_RECORD_BYTES, numbered_lines
from litmine.sources.pmids import parse_pmid
from litmine.types import Article, UnreadableRecord

HEADER_PATTERN = re.compile(rb"([^|\t\r\n]{0,64})\|([ta])\|")
_MIN_COLUMNS = 4


@dataclass(slots=True)
class PubtatorDocument:
    """A document; `number` is the line number of its title, and `annotations` are line numbers and columns.

    `abstract` is None if there is no line for it.
    """

    number: int
    identifier: str
    title: str
    abstract: str | None = None
    annotations: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text that the annotations' offsets refer to, in code points."""
        return f"{self.title} {self.abstract}" if self.abstract else self.title


def read_pubtator(stream: BinaryIO) -> Iterator[Article | UnreadableRecord]:
    """Yield the article of each document; an unusable line becomes an `UnreadableRecord` with its number.

    Raises SourceError at a line or a document of more than 32 MiB; errors of the stream itself pass through.
    """
    for document in read_pubtator_documents(stream):
        if isinstance(document, UnreadableRecord):
            yield document
        elif (pmid := parse_pmid(document.identifier)) is None:
            why = f"The line has {document.identifier!r} instead of a PMID."
            yield UnreadableRecord(f"line {document.number}", why)
        else:
            yield text_only_article(pmid, document.title or None, document.abstract or None)


def read_pubtator_documents(stream: BinaryIO) -> Iterator[PubtatorDocument | UnreadableRecord]:
    """Yield the documents, without those whose title or abstract is unusable, and an `UnreadableRecord` for such lines.

    Raises the same errors as `read_pubtator`.
    """
    block: list[tuple[int, bytes]] = []
    size = 0
    for number, line in numbered_lines(stream):
        blank, header = not line.strip(), HEADER_PATTERN.match(line)
        # A title starts a document even without a blank line before it.
        if blank or (header is not None and header[2] == b"t"):
            yield from _parse_block(block)
            block, size = [], 0
        size += len(line)
        if size > MAX_RECORD_BYTES:
            raise SourceError(
                f"The document before line {number} is larger than {MAX_RECORD_BYTES >> 20} MiB: this is not PubTator."
            )
        if not blank:
            block.append((number, line))
    yield from _parse_block(block)


class _LineError(Exception):
    """A line is invalid; the message is the rest of a sentence that starts with "The line"."""


def _parse_block(block: list[tuple[int, bytes]]) -> Iterator[PubtatorDocument | UnreadableRecord]:
    """Yield an `UnreadableRecord` for each invalid line, then the document unless its title or abstract is invalid."""
    document: PubtatorDocument | None = None
    for number, line in block:
        header = HEADER_PATTERN.match(line)
        try:
            text = line.decode("utf-8")
            if header is not None and header[2] == b"t":
                identifier, _, title = text.split("|", 2)
                document = PubtatorDocument(number, identifier, title)
            elif header is not None:
                _add_abstract(document, text)
            else:
                _add_annotation(document, number, text)
        except (UnicodeDecodeError, _LineError) as error:
            problem = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            yield UnreadableRecord(f"line {number}", f"The line {problem}.")
            if header is not None:
                # Without its title or abstract the document would be a different text.
                return
    if document is not None:
        yield document


def _add_abstract(document: PubtatorDocument | None, line: str) -> None:
    identifier, _, abstract = line.split("|", 2)
    if document is None or document.identifier != identifier:
        raise _LineError(f"is an abstract without its title: {line[:60]!r}")
    if document.abstract is not None:
        raise _LineError(f"is a second abstract: {line[:60]!r}")
    document.abstract = abstract


def _add_annotation(document: PubtatorDocument | None, number: int, line: str) -> None:
    columns = line.split("\t")
    if document is None or document.identifier != columns[0] or len(columns) < _MIN_COLUMNS:
        raise _LineError(f"is not PubTator: {line[:60]!r}")
    document.annotations.append((number, columns))

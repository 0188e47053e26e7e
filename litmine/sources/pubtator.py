"""PubTator to articles: `pmid|t|title`, `pmid|a|abstract`, lines of annotations, a blank line between documents.

Text is kept as given: `Article.text` is title, one space, abstract, which is what PubTator's offsets count. An article
takes nothing of the annotations; corpora do.
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
_COLUMNS = 4


@dataclass(slots=True)
class PubtatorDocument:
    """A document as it stands; `number` is its title's line, and `annotations` are columns and the line's number.

    `abstract` is None where there is no such line.
    """

    number: int
    identifier: str
    title: str
    abstract: str | None = None
    annotations: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What the annotations' offsets count, in code points."""
        return f"{self.title} {self.abstract}" if self.abstract else self.title


def read_pubtator(stream: BinaryIO) -> Iterator[Article | UnreadableRecord]:
    """Yield each document's article; what cannot be used becomes an `UnreadableRecord` that numbers its line.

    Raises SourceError at a line or a document of more than 32 MiB; errors of the stream itself pass through.
    """
    for read in read_pubtator_documents(stream):
        if isinstance(read, UnreadableRecord):
            yield read
        elif (pmid := parse_pmid(read.identifier)) is None:
            yield UnreadableRecord(f"line {read.number}", f"The line has {read.identifier!r} where its PMID belongs.")
        else:
            yield text_only_article(pmid, read.title or None, read.abstract or None)


def read_pubtator_documents(stream: BinaryIO) -> Iterator[PubtatorDocument | UnreadableRecord]:
    """Yield the documents; one whose title or abstract cannot be used is left out, and the line to blame is named.

    Raises as `read_pubtator` does.
    """
    block: list[tuple[int, bytes]] = []
    size = 0
    for number, line in numbered_lines(stream):
        blank, head = not line.strip(), HEADER_PATTERN.match(line)
        # A title begins a document even where the blank line before it is missing.
        if blank or (head is not None and head[2] == b"t"):
            yield from _read(block)
            block, size = [], 0
        size += len(line)
        if size > MAX_RECORD_BYTES:
            raise SourceError(
                f"The document before line {number} is larger than {MAX_RECORD_BYTES >> 20} MiB: this is no PubTator."
            )
        if not blank:
            block.append((number, line))
    yield from _read(block)


class _LineError(Exception):
    """What is wrong with a line, as part of a sentence."""


def _read(block: list[tuple[int, bytes]]) -> Iterator[PubtatorDocument | UnreadableRecord]:
    """The document that these lines are, after what is wrong with some of them."""
    document: PubtatorDocument | None = None
    for number, line in block:
        head = HEADER_PATTERN.match(line)
        try:
            text = line.decode("utf-8")
            if head is not None and head[2] == b"t":
                identifier, _, title = text.split("|", 2)
                document = PubtatorDocument(number, identifier, title)
            elif head is not None:
                _add_abstract(document, text)
            else:
                _add_annotation(document, number, text)
        except (UnicodeDecodeError, _LineError) as error:
            problem = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            yield UnreadableRecord(f"line {number}", f"The line {problem}.")
            if head is not None:
                # Without its title or its abstract a document would pass for another text.
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
    if document is None or document.identifier != columns[0] or len(columns) < _COLUMNS:
        raise _LineError(f"is not PubTator: {line[:60]!r}")
    document.annotations.append((number, columns))

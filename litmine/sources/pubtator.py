"""Read PubTator files: `pmid|t|title`, `pmid|a|abstract`, lines of annotations, a blank line between documents.

Text is unchanged: `Article.text` is title, one space, abstract, which PubTator's offsets refer to. A line of text right
after the title or the abstract continues it; the line break stays, as one character. Articles have no annotations;
`litmine.corpora` reads them from the documents.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from litmine.errors import SourceError
from litmine.sources.encodings import NOT_UTF8, SAVE_AS_UTF8
from litmine.sources.lines import MAX_RECORD_BYTES, numbered_lines
from litmine.sources.pmids import parse_pmid
from litmine.sources.read_record import ReadRecord, whole_abstract
from litmine.types import Article, UnreadableRecord

HEADER_PATTERN = re.compile(rb"([^|\t\r\n]{0,64})\|([ta])\|")
_MIN_COLUMNS = 4
# Matches an annotation with a damaged identifier or damaged columns, which cannot be a line of text.
_ANNOTATION_LIKE = re.compile(r"\S+\t\S+\t\S+\t")
_REMEDY = "put title and abstract on one line each"


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


def read_pubtator(stream: BinaryIO) -> Iterator[ReadRecord | UnreadableRecord]:
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
            title, abstract = document.title or None, document.abstract or None
            yield ReadRecord(Article(pmid, title, abstract, whole_abstract(title, abstract)))


def read_pubtator_documents(stream: BinaryIO) -> Iterator[PubtatorDocument | UnreadableRecord]:
    """Yield the documents, without those whose title or abstract is unusable, and an `UnreadableRecord` for such lines.

    Raises the same errors as `read_pubtator`.
    """
    block: list[tuple[int, bytes]] = []
    size = 0
    for number, line in numbered_lines(stream):
        header = HEADER_PATTERN.match(line)
        if header is not None and _starts_document(header, block):
            yield from _parse_block(block)
            block, size = [], 0
        size += len(line)
        if size > MAX_RECORD_BYTES:
            raise SourceError(
                f"The document before line {number} is larger than {MAX_RECORD_BYTES >> 20} MiB: this is not PubTator."
            )
        # Keep one of several blank lines.
        if line.strip() or (block and block[-1][1].strip()):
            block.append((number, line))
    yield from _parse_block(block)


def _starts_document(header: re.Match[bytes], block: list[tuple[int, bytes]]) -> bool:
    """Whether a line of a title or an abstract starts a document, and not one of the lines before it.

    A title does, unless its abstract stands right before it: then they are one document, which is refused whole. An
    abstract does only where the document before it has its own: after a blank line an abstract may go on, and one with
    another identifier may be that document's.
    """
    before = [one for _, line in block if (one := HEADER_PATTERN.match(line))]
    if header[2] == b"t":
        return not (len(before) == 1 and before[0][2] == b"a" and before[0][1] == header[1])
    return any(one[2] == b"a" for one in before) and all(one[1] != header[1] for one in before)


class _LineError(Exception):
    """A line is invalid; the message is the rest of a sentence that starts with "The line"."""


class _TextError(_LineError):
    """A line is invalid and may be text, so the document would have a different text without it."""


def _parse_block(block: list[tuple[int, bytes]]) -> Iterator[PubtatorDocument | UnreadableRecord]:
    """Yield an `UnreadableRecord` for each invalid line, then the document unless its title or abstract is invalid."""
    document: PubtatorDocument | None = None
    after_blank = False
    for number, line in block:
        if not line.strip():
            after_blank = True
            continue
        header = HEADER_PATTERN.match(line)
        try:
            text = _decoded(line, document is not None and not document.annotations)
            if header is not None and header[2] == b"t":
                identifier, _, title = text.split("|", 2)
                document = PubtatorDocument(number, identifier, title)
            elif header is not None:
                _add_abstract(document, text)
            elif document is None or document.annotations or _ANNOTATION_LIKE.match(text):
                _add_annotation(document, number, text)
            else:
                _add_text(document, text, after_blank)
            after_blank = False
        except _LineError as error:
            yield UnreadableRecord(f"line {number}", f"The line {error}.")
            if header is not None or isinstance(error, _TextError):
                # Without its title or abstract the document would be a different text.
                return
    if document is not None:
        yield document


def _decoded(line: bytes, may_be_text: bool) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        kind = _TextError if may_be_text and not _ANNOTATION_LIKE.match(line.decode("latin-1")) else _LineError
        raise kind(f"{NOT_UTF8}; {SAVE_AS_UTF8}") from None


def _add_abstract(document: PubtatorDocument | None, line: str) -> None:
    identifier, _, abstract = line.split("|", 2)
    if document is None or document.identifier != identifier:
        raise _LineError(f"is an abstract without its title: {line[:60]!r}")
    if document.abstract is not None:
        raise _LineError(f"is a second abstract: {line[:60]!r}")
    document.abstract = abstract


def _add_text(document: PubtatorDocument, line: str, after_blank: bool) -> None:
    """Continue the title or the abstract. Raises _TextError for a line that may be text or something else."""
    if after_blank or "\t" in line or re.match(rf"{re.escape(document.identifier)}\b", line):
        raise _TextError(f"may be text or a damaged annotation, so its document was not read: {line[:60]!r}; {_REMEDY}")
    if document.abstract is None:
        document.title = f"{document.title}\n{line}"
    else:
        document.abstract = f"{document.abstract}\n{line}"


def _add_annotation(document: PubtatorDocument | None, number: int, line: str) -> None:
    columns = line.split("\t")
    if document is None or document.identifier != columns[0] or len(columns) < _MIN_COLUMNS:
        raise _LineError(f"is not PubTator: {line[:60]!r}")
    document.annotations.append((number, columns))

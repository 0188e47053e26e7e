"""PubMed XML, as a stream of bytes, to articles and deletions, one record in memory at a time.

Read are efetch sets, baseline and update files, book records, and the `MedlineCitationSet` of files before 2017.
"""

from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

from lxml import etree
from lxml.etree import _Element as Element

from litmine.errors import SourceError
from litmine.sources.lines import MAX_RECORD_BYTES
from litmine.sources.pmids import parse_pmid
from litmine.sources.pubmed_record import RecordError, element_text, read_article, read_book
from litmine.types import Article, Deletion, UnreadableRecord

ParsedRecord = Article | Deletion | UnreadableRecord
_RECORDS = {
    "PubmedArticleSet": ("PubmedArticle", "PubmedBookArticle", "DeleteCitation", "DeleteDocument"),
    "PubmedBookArticleSet": ("PubmedBookArticle", "DeleteDocument"),
    "MedlineCitationSet": ("MedlineCitation", "DeleteCitation"),
}
_CHUNK = 1 << 15
_LONGEST_PROLOGUE = 1 << 20


def read_pubmed_xml(stream: BinaryIO) -> Iterator[ParsedRecord]:
    """Yield the records of a set in order; an unusable record becomes an `UnreadableRecord` with its number.

    Raises SourceError when the document is not a PubMed set or declares an entity (before any record), or is
    damaged or has no record in 32 MiB (after every whole record before that). Errors of the stream itself pass through,
    likewise late.
    Entities are not expanded and nothing but the stream is read, whatever the document asks for.
    """
    prologue = _Prologue(stream)
    if prologue.root not in _RECORDS:
        raise SourceError(f"The XML holds <{prologue.root[:40]}>, not one of {', '.join(_RECORDS)}.")
    elements = etree.iterparse(
        prologue,
        tag=_RECORDS[prologue.root],
        resolve_entities=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
        chunk_size=_CHUNK,
    )
    try:
        for number, (_, element) in enumerate(elements, start=1):
            try:
                yield from _read(element, number)
            except RecordError as problem:
                yield UnreadableRecord(f"record {number}", f"The record {problem}.")
            _forget(element)
            prologue.unfinished = 0
    except etree.XMLSyntaxError as error:
        # libxml2 says some things on several lines.
        raise SourceError(f"The XML is damaged: {' '.join(str(error.msg).split())[:200]}.") from error


class _Prologue:
    """A stream of XML whose prologue has been looked through: `root` is its first tag; `read` starts from the top.

    `unfinished` counts the bytes that were read since the last record, of which the parser keeps a tree many times as
    large: `read` raises SourceError when they are more than a record can have.

    The looking is done by expat, before lxml sees a byte: libxml2 expands entities while it reads a DTD, and without
    its limits, which `huge_tree` lifts.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.root = ""
        self.unfinished = 0
        self._stream = stream
        self._head = stream.read(_CHUNK).lstrip(b" \t\r\n")
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._at_root
        # Every token of a DTD; expat's handler of declarations is silent on those after `%name;` and on `lt`.
        parser.DefaultHandler = self._at_token
        chunk = self._head
        try:
            while True:
                parser.Parse(chunk, not chunk)
                if len(self._head) > _LONGEST_PROLOGUE:
                    raise SourceError(f"The XML has no element in its first {_LONGEST_PROLOGUE >> 20} MiB.")
                chunk = stream.read(_CHUNK)
                self._head += chunk
        except _RootReached:
            return
        # pyexpat says ValueError and LookupError of encodings that it cannot read
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise SourceError(f"The XML is damaged: {error}.") from error

    def read(self, size: int) -> bytes:
        if self.unfinished > MAX_RECORD_BYTES:
            raise SourceError(f"The XML has no whole record in {MAX_RECORD_BYTES >> 20} MiB, which no PubMed file has.")
        chunk, self._head = self._head or self._stream.read(size), b""
        self.unfinished += len(chunk)
        return chunk

    def _at_root(self, tag: str, _: dict[str, str]) -> None:
        self.root = tag
        raise _RootReached

    def _at_token(self, token: str) -> None:
        if token == "<!ENTITY":
            raise SourceError("The XML declares entities in a DTD, which no PubMed file does, and is refused.")


class _RootReached(Exception):  # noqa: N818 -- a signal, no error
    """Stops expat at the first tag."""


def _read(element: Element, number: int) -> Iterator[ParsedRecord]:
    """The records in one child of the set: an article, or any number of deletions."""
    match element.tag:
        case "PubmedArticle":
            yield read_article(_child(element, "MedlineCitation"), element.find("PubmedData"))
        case "MedlineCitation":
            yield read_article(element, None)
        case "PubmedBookArticle":
            yield read_book(_child(element, "BookDocument"), element.find("PubmedBookData"))
        case _:
            for child in element:
                given = element_text(child)
                pmid = parse_pmid(given)
                bad = UnreadableRecord(f"record {number}", f"The record deletes {given[:40]!r}, which is no PMID.")
                yield bad if pmid is None else Deletion(pmid)


def _child(element: Element, tag: str) -> Element:
    child = element.find(tag)
    if child is None:
        raise RecordError(f"has no {tag}")
    return child


def _forget(element: Element) -> None:
    """Free the element's content and all before it, at each level; lxml may still add to the element itself."""
    element.clear()
    for parent in element.iterancestors():
        while element.getprevious() is not None:
            del parent[0]
        element = parent

"""Read articles and deletions from a stream of PubMed XML, one record in memory at a time.

Supported are EFetch responses, baseline and update files, book records, and the `MedlineCitationSet` of files before
2017.
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
_RECORD_TAGS = {
    "PubmedArticleSet": ("PubmedArticle", "PubmedBookArticle", "DeleteCitation", "DeleteDocument"),
    "PubmedBookArticleSet": ("PubmedBookArticle", "DeleteDocument"),
    "MedlineCitationSet": ("MedlineCitation", "DeleteCitation"),
}
_CHUNK_BYTES = 1 << 15
_MAX_PROLOGUE_BYTES = 1 << 20


def read_pubmed_xml(stream: BinaryIO) -> Iterator[ParsedRecord]:
    """Yield the records of a set in order; an unusable record becomes an `UnreadableRecord` with its number.

    Raises SourceError before the first record when the document is not a PubMed set or declares an entity, and after
    the complete records when it is damaged or has no record in 32 MiB. Errors of the stream itself pass through. For
    security, entities are not expanded and nothing but the stream is read.
    """
    checked = _CheckedXmlStream(stream)
    if checked.root not in _RECORD_TAGS:
        raise SourceError(f"The XML has the root element <{checked.root[:40]}>, not one of {', '.join(_RECORD_TAGS)}.")
    elements = etree.iterparse(
        checked,
        tag=_RECORD_TAGS[checked.root],
        resolve_entities=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
        chunk_size=_CHUNK_BYTES,
    )
    try:
        for number, (_, element) in enumerate(elements, start=1):
            try:
                yield from _read_element(element, number)
            except RecordError as error:
                yield UnreadableRecord(f"record {number}", f"The record {error}.")
            _free_memory(element)
            checked.unfinished = 0
    except etree.XMLSyntaxError as error:
        # Some messages of libxml2 have several lines.
        raise SourceError(f"The XML is damaged: {' '.join(str(error.msg).split())[:200]}.") from error


class _CheckedXmlStream:
    """An XML stream with a checked prologue: `root` is its first tag, and `read` starts at the beginning.

    `unfinished` is the number of bytes since the last record, set to 0 by the caller after each record. `read` raises
    SourceError when they exceed the largest record, because the parser's tree is many times larger.

    Expat checks the prologue before lxml reads it: libxml2 expands entities while it reads a DTD, and `huge_tree`
    removes its limits.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.root = ""
        self.unfinished = 0
        self._stream = stream
        self._head = stream.read(_CHUNK_BYTES).lstrip(b" \t\r\n")
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._at_root
        # Sees every token of a DTD; expat's EntityDeclHandler misses declarations after `%name;` and those of `lt`.
        parser.DefaultHandler = self._at_token
        chunk = self._head
        try:
            while True:
                parser.Parse(chunk, not chunk)
                if len(self._head) > _MAX_PROLOGUE_BYTES:
                    raise SourceError(f"The XML has no element in its first {_MAX_PROLOGUE_BYTES >> 20} MiB.")
                chunk = stream.read(_CHUNK_BYTES)
                self._head += chunk
        except _RootReached:
            return
        # pyexpat raises ValueError and LookupError for unknown encodings.
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise SourceError(f"The XML is damaged: {error}.") from error

    def read(self, size: int) -> bytes:
        if self.unfinished > MAX_RECORD_BYTES:
            raise SourceError(
                f"The XML has no complete record in {MAX_RECORD_BYTES >> 20} MiB; check that this is a PubMed file."
            )
        chunk, self._head = self._head or self._stream.read(size), b""
        self.unfinished += len(chunk)
        return chunk

    def _at_root(self, tag: str, _: dict[str, str]) -> None:
        self.root = tag
        raise _RootReached

    def _at_token(self, token: str) -> None:
        if token == "<!ENTITY":
            raise SourceError("The XML declares entities in a DTD and is refused, as PubMed files have none.")


class _RootReached(Exception):  # noqa: N818 -- a signal, not an error
    """Stops expat at the first tag."""


def _read_element(element: Element, number: int) -> Iterator[ParsedRecord]:
    """The records in one child of the set: an article, or the PMIDs of deleted records."""
    match element.tag:
        case "PubmedArticle":
            yield read_article(_child(element, "MedlineCitation"), element.find("PubmedData"))
        case "MedlineCitation":
            yield read_article(element, None)
        case "PubmedBookArticle":
            yield read_book(_child(element, "BookDocument"), element.find("PubmedBookData"))
        case _:
            for child in element:
                text = element_text(child)
                pmid = parse_pmid(text)
                if pmid is None:
                    why = f"The record deletes {text[:40]!r}, which is not a PMID."
                    yield UnreadableRecord(f"record {number}", why)
                else:
                    yield Deletion(pmid)


def _child(element: Element, tag: str) -> Element:
    child = element.find(tag)
    if child is None:
        raise RecordError(f"has no {tag}")
    return child


def _free_memory(element: Element) -> None:
    """Free the content of the element and all elements before it; lxml may still add to the element itself."""
    element.clear()
    for parent in element.iterancestors():
        while element.getprevious() is not None:
            del parent[0]
        element = parent

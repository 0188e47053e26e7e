"""Read articles and deletions from a stream of PubMed XML, one record in memory at a time.

Supported are EFetch responses, baseline and update files, book records, and the `MedlineCitationSet` of files before
2017.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import BinaryIO

from lxml import etree
from lxml.etree import _Element as Element

from litmine.errors import SourceError
from litmine.sources.pmids import parse_pmid
from litmine.sources.pubmed_record import read_article, read_book
from litmine.sources.pubmed_versions import GreatestVersions
from litmine.sources.xml_elements import RecordError, element_text
from litmine.sources.xml_stream import CHUNK_BYTES, CheckedXmlStream, ParserError, describe_damage, pmid_of_record
from litmine.types import Article, Deletion, OlderVersion, UnreadableRecord

ParsedRecord = Article | Deletion | OlderVersion | UnreadableRecord
_RECORD_TAGS = {
    "PubmedArticleSet": ("PubmedArticle", "PubmedBookArticle", "DeleteCitation", "DeleteDocument"),
    "PubmedBookArticleSet": ("PubmedBookArticle", "DeleteDocument"),
    "MedlineCitationSet": ("MedlineCitation", "DeleteCitation"),
}


def read_pubmed_xml(stream: BinaryIO) -> Iterator[ParsedRecord]:
    """Yield the records of one or more sets in order; an unusable one becomes an `UnreadableRecord` with its number.

    After a record that is not well-formed, for example with a character that XML forbids, reading continues if its
    start and end tags are found. An element that is no record becomes an `UnreadableRecord` too.

    Raises SourceError before the first record when the document is not a PubMed set or declares an entity, and after
    the complete records when it is damaged or has no record in 32 MiB. Errors of the stream itself pass through. For
    security, entities are not expanded and nothing but the stream is read.
    """
    checked = CheckedXmlStream(stream, _RECORD_TAGS)
    versions = GreatestVersions()
    number = 0
    while True:
        tags = _RECORD_TAGS.get(checked.root)
        if tags is None:
            raise SourceError(
                f"The XML has the root element <{checked.root[:40]}>, not one of {', '.join(_RECORD_TAGS)}."
            )
        elements = etree.iterparse(
            checked,
            tag=tags,
            resolve_entities=False,
            remove_comments=True,
            remove_pis=True,
            huge_tree=True,
            chunk_size=CHUNK_BYTES,
        )
        checked.find_error = partial(_fatal_error, elements)
        try:
            for _, element in elements:
                number += 1
                yield from _read_or_report(element, number, versions)
                for other in _free_memory(element, tags):
                    yield _not_a_record(other, number - 1)
                checked.count_record(element)
        except (etree.XMLSyntaxError, ParserError) as error:
            following = checked.next_document()
            if following is not None:
                checked = following
                continue
            number += 1
            yield _skip_damaged_record(checked, number, error)
        else:
            for child in elements.root:
                if _has_no_record(child, tags):
                    yield _not_a_record(child, number)
            return


def _skip_damaged_record(checked: CheckedXmlStream, number: int, error: Exception) -> UnreadableRecord:
    """Skip the record at which the parser stopped. Raises SourceError when its end is not found."""
    # Some messages of libxml2 have several lines.
    message = " ".join(str(error.msg if isinstance(error, etree.XMLSyntaxError) else error).split())[:200]
    record = checked.skip_record()
    if record is None:
        raise SourceError(f"The XML is damaged: {message}.") from error
    pmid = pmid_of_record(record)
    where = f"record {number}" if pmid is None else f"record {number} (PMID {pmid})"
    return UnreadableRecord(where, f"The record {describe_damage(record, message)}.")


def _fatal_error(elements: "etree.iterparse[tuple[str, Element]]") -> str | None:
    """The first error at which libxml2 stopped: lxml raises none for an undeclared entity."""
    return next((entry.message for entry in elements.error_log if entry.level == etree.ErrorLevels.FATAL), None)


def _read_or_report(element: Element, number: int, versions: GreatestVersions) -> Iterator[ParsedRecord]:
    """The records of an element; an unusable one becomes an `UnreadableRecord`."""
    try:
        yield from _read_element(element, number, versions)
    except RecordError as error:
        yield UnreadableRecord(f"record {number}", f"The record {error}.")


def _read_element(element: Element, number: int, versions: GreatestVersions) -> Iterator[ParsedRecord]:
    """The records in one child of the set: an article, or the PMIDs of deleted records."""
    match element.tag:
        case "PubmedArticle":
            citation = _child(element, "MedlineCitation")
            yield versions.keep(read_article(citation, _first(element, "PubmedData")), _first(citation, "PMID"))
        case "MedlineCitation":
            yield versions.keep(read_article(element, None), _first(element, "PMID"))
        case "PubmedBookArticle":
            yield read_book(_child(element, "BookDocument"), _first(element, "PubmedBookData"))
        case _:
            for child in element:
                text = element_text(child)
                pmid = parse_pmid(text)
                if pmid is None:
                    why = f"The record deletes {text[:40]!r}, which is not a PMID."
                    yield UnreadableRecord(f"record {number}", why)
                else:
                    yield versions.keep(Deletion(pmid), child)


def _child(element: Element, tag: str) -> Element:
    child = _first(element, tag)
    if child is None:
        raise RecordError(f"has no {tag}")
    return child


def _first(element: Element, tag: str) -> Element | None:
    # `find` and `iterchildren(tag)` have the same result, and prepare a path or a filter each time.
    for child in element:
        if child.tag == tag:
            return child
    return None


def _free_memory(element: Element, tags: Sequence[str]) -> list[Element]:
    """Free the content of the element and all elements before it; lxml may still add to the element itself.

    Returns the children of the set before it that have no record.
    """
    element.clear()
    others = []
    while (parent := element.getparent()) is not None:
        while element.getprevious() is not None:
            if parent.getparent() is None and _has_no_record(parent[0], tags):
                others.append(parent[0])
            del parent[0]
        element = parent
    return others


def _has_no_record(element: Element, tags: Sequence[str]) -> bool:
    return element.tag not in tags and isinstance(element.tag, str) and next(element.iter(*tags), None) is None


def _not_a_record(element: Element, number: int) -> UnreadableRecord:
    where = f"after record {number}" if number else "before record 1"
    return UnreadableRecord(where, f"The element <{str(element.tag)[:60]}> is no record of PubMed and was not read.")

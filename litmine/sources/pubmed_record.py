"""Convert a record of PubMed XML, an lxml element, to an `Article`, and PubMed's partial dates to ISO dates.

For speed, the children of an element are grouped by tag in one pass instead of searched by path, so that most of a
record (affiliations, grants, references) is never visited.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import cast

from lxml import etree
from lxml.etree import _Element as Element

from litmine.sources.pmids import parse_pmid
from litmine.types import Article, MeshHeading, Section

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR = re.compile(r"[12][0-9]{3}")
# The first year and the month after it in "1998 Dec-1999 Jan", "2000 Spring", "2004-2005 Winter", "1999 Jul 8-14".
_MEDLINE_DATE = re.compile(r"(?<![0-9])([12][0-9]{3})(?![0-9])(?: ([A-Za-z]{3}))?")
_WHITE_SPACE = re.compile(r"[ \t\r\n]+")
_PMCID = re.compile(r"PMC[0-9]+")
_RETRACTED_PUBLICATION = "D016441"

Children = dict[str, list[Element]]


class RecordError(Exception):
    """A record is unusable; the message is the rest of a sentence that starts with "The record"."""


def read_article(citation: Element, data: Element | None) -> Article:
    """The article in a `MedlineCitation`; `data` is the record's `PubmedData` element, if any.

    Raises RecordError when it has no valid PMID or uses an undeclared entity.
    """
    record = _children(citation)
    article = _children_of_first(record, "Article")
    journal = _children_of_first(article, "Journal")
    identifiers = _children_of_first(_children(data), "ArticleIdList").get("ArticleId", [])
    locations = [element for element in article.get("ELocationID", []) if element.get("ValidYN") != "N"]
    title = _first_text(article, "ArticleTitle")
    abstract, sections = _abstract(article, title)
    pub_date = _publication_date(
        _children_of_first(journal, "JournalIssue").get("PubDate", []) + article.get("ArticleDate", [])
    )
    publication_types = _children_of_first(article, "PublicationTypeList").get("PublicationType", [])
    corrections = _children_of_first(record, "CommentsCorrectionsList").get("CommentsCorrections", [])
    return Article(
        pmid=_pmid(record),
        title=title,
        abstract=abstract,
        sections=sections,
        journal=(
            _first_text(journal, "Title")
            or _first_text(journal, "ISOAbbreviation")
            or _first_text(_children_of_first(record, "MedlineJournalInfo"), "MedlineTA")
        ),
        pub_date=pub_date,
        year=int(pub_date[:4]) if pub_date else None,
        authors=_authors(article.get("AuthorList", [])),
        mesh=_mesh(record),
        keywords=_keywords(record),
        publication_types=_all_texts(publication_types),
        doi=_identifier(identifiers, "IdType", "doi") or _identifier(locations, "EIdType", "doi"),
        pmcid=_pmcid(identifiers, record),
        language=", ".join(_all_texts(article.get("Language", []))) or None,
        retracted=_is_retracted(publication_types)
        or any(correction.get("RefType") == "RetractionIn" for correction in corrections),
        revised=_revised(record),
    )


def read_book(document: Element, data: Element | None) -> Article:
    """The article in a `BookDocument`, a book or a chapter; `data` is the record's `PubmedBookData` element, if any.

    Raises the same errors as `read_article`.
    """
    record = _children(document)
    book = _children_of_first(record, "Book")
    identifiers = _children_of_first(_children(data), "ArticleIdList").get("ArticleId", [])
    identifiers = identifiers + _children_of_first(record, "ArticleIdList").get("ArticleId", [])
    book_title = _first_text(book, "BookTitle")
    title = _first_text(record, "ArticleTitle") or book_title
    abstract, sections = _abstract(record, title)
    pub_date = _publication_date(book.get("PubDate", []) + record.get("ContributionDate", []))
    publication_types = record.get("PublicationType", [])
    return Article(
        pmid=_pmid(record),
        title=title,
        abstract=abstract,
        sections=sections,
        journal=book_title,
        pub_date=pub_date,
        year=int(pub_date[:4]) if pub_date else None,
        authors=_authors(record.get("AuthorList", [])) or _authors(book.get("AuthorList", [])),
        keywords=_keywords(record),
        publication_types=_all_texts(publication_types),
        doi=_identifier(identifiers, "IdType", "doi"),
        pmcid=_pmcid(identifiers, record),
        language=", ".join(_all_texts(record.get("Language", []))) or None,
        retracted=_is_retracted(publication_types),
        revised=_revised(record),
    )


def element_text(element: Element) -> str:
    """The text of an element and its children, with white space normalised: runs become one space, ends are stripped.

    Raises RecordError for an undeclared entity, because its text is unknown and must not be lost unnoticed.
    """
    if len(element) == 0:
        text = element.text or ""
    else:
        for entity in element.iter(etree.Entity):
            raise RecordError(f"uses the undeclared entity {str(entity.text)[:40]}")
        text = "".join(cast("Iterator[str]", element.itertext()))
    return _normalize_spaces(text)


def _normalize_spaces(text: str) -> str:
    if "\n" in text or "  " in text or "\t" in text or "\r" in text:
        text = _WHITE_SPACE.sub(" ", text)
    return text.strip(" ")


def _children(element: Element | None) -> Children:
    """The children of an element by tag."""
    groups: Children = defaultdict(list)
    if element is not None:
        for child in element:
            groups[child.tag].append(child)
    return groups


def _children_of_first(groups: Children, tag: str) -> Children:
    """The children of the first element with that tag."""
    return _children(groups[tag][0]) if tag in groups else {}


def _first_text(groups: Children, tag: str) -> str | None:
    return element_text(groups[tag][0]) or None if tag in groups else None


def _all_texts(elements: Iterable[Element]) -> tuple[str, ...]:
    return tuple(text for element in elements if (text := element_text(element)))


def _pmid(record: Children) -> int:
    text = _first_text(record, "PMID")
    pmid = parse_pmid(text)
    if pmid is None:
        raise RecordError("has no PMID" if text is None else f"has {text[:40]!r} instead of a PMID")
    return pmid


def _abstract(parent: Children, title: str | None) -> tuple[str | None, tuple[Section, ...]]:
    """The first abstract, and its sections with their offsets in the text: title, one space, abstract."""
    parts: list[str] = []
    sections: list[Section] = []
    start = 0 if title is None else len(title) + 1
    for element in _children_of_first(parent, "Abstract").get("AbstractText", []):
        text = element_text(element)
        if not text:
            continue
        label = _normalize_spaces(element.get("Label", "")) or None
        prefix = f"{label}: " if label else ""
        start += len(prefix)
        sections.append(Section(label, start, start + len(text)))
        parts.append(prefix + text)
        start += len(text) + 1
    return " ".join(parts) or None, tuple(sections)


def _publication_date(elements: Iterable[Element]) -> str | None:
    """The first of several dates that has a year."""
    dates = (parse_publication_date(_date_parts(element)) for element in elements)
    return next(filter(None, dates), None)


def _revised(record: Children) -> date | None:
    return parse_exact_date(_date_parts(record["DateRevised"][0])) if "DateRevised" in record else None


def _date_parts(element: Element) -> dict[str, str]:
    return {child.tag: element_text(child) for child in element}


def _authors(lists: Iterable[Element]) -> tuple[str, ...]:
    """The names in the first list that is not a list of editors."""
    for authors in lists:
        if authors.get("Type") != "editors":
            return tuple(name for author in authors if author.get("ValidYN") != "N" and (name := _author_name(author)))
    return ()


def _author_name(author: Element) -> str:
    """`Last, Fore Suffix`, as in MEDLINE's FAU field, or the name of a group."""
    last = fore = initials = suffix = ""
    for child in author:
        match child.tag:
            case "LastName":
                last = element_text(child)
            case "ForeName":
                fore = element_text(child)
            case "Initials":
                initials = element_text(child)
            case "Suffix":
                suffix = element_text(child)
            case "CollectiveName":
                return element_text(child)
    return ", ".join(filter(None, (last, " ".join(filter(None, (fore or initials, suffix))))))


def _mesh(record: Children) -> tuple[MeshHeading, ...]:
    headings = (
        _mesh_heading(element) for element in _children_of_first(record, "MeshHeadingList").get("MeshHeading", [])
    )
    return tuple(heading for heading in headings if heading is not None)


def _mesh_heading(element: Element) -> MeshHeading | None:
    """The first descriptor with its qualifiers; None if it has no name."""
    # One pass over the terms: a record has about a dozen headings, and they take more time than the rest of the record.
    descriptor: Element | None = None
    qualifiers: list[str] = []
    major = False
    for term in element:
        if term.tag == "QualifierName":
            if text := element_text(term):
                qualifiers.append(text)
        elif descriptor is None and term.tag == "DescriptorName":
            descriptor = term
        else:
            continue
        major = major or term.get("MajorTopicYN") == "Y"
    if descriptor is None or not (name := element_text(descriptor)):
        return None
    return MeshHeading(descriptor.get("UI"), name, major, tuple(qualifiers))


def _keywords(record: Children) -> tuple[str, ...]:
    return _all_texts(keyword for keywords in record.get("KeywordList", []) for keyword in keywords)


def _is_retracted(publication_types: Iterable[Element]) -> bool:
    return any(
        element.get("UI") == _RETRACTED_PUBLICATION or element.text == "Retracted Publication"
        for element in publication_types
    )


def _identifier(elements: Iterable[Element], attribute: str, id_type: str) -> str | None:
    return next(
        (text for element in elements if element.get(attribute) == id_type and (text := element_text(element))), None
    )


def _pmcid(identifiers: Iterable[Element], record: Children) -> str | None:
    """The PMCID, `PMC1234567`; older files have it in an `OtherID`, sometimes followed by an embargo date."""
    candidates = [
        _identifier(identifiers, "IdType", "pmc"),
        *(element_text(other) for other in record.get("OtherID", [])),
    ]
    return next((match[0] for text in candidates if text and (match := _PMCID.match(text))), None)


def parse_publication_date(parts: Mapping[str, str]) -> str | None:
    """The date as `2013`, `2013-05` or `2013-05-07`, with the parts that are present and valid; None without a year.

    For a season the result is its year, for a range of months the first month.
    """
    year, month, day = parts.get("Year", ""), parts.get("Month", ""), parts.get("Day", "")
    if not _YEAR.fullmatch(year):
        medline_date = _MEDLINE_DATE.search(parts.get("MedlineDate", ""))
        if medline_date is None:
            return None
        year, month, day = medline_date[1], medline_date[2] or "", ""
    number = _month(month)
    if number is None:
        return year
    exact = parse_exact_date({"Year": year, "Month": str(number), "Day": day})
    return exact.isoformat() if exact else f"{year}-{number:02}"


def parse_exact_date(parts: Mapping[str, str]) -> date | None:
    """The date of a year, month and day in digits; None if one is missing or the date is invalid."""
    try:
        return date(int(parts["Year"]), int(parts["Month"]), int(parts["Day"]))
    except (KeyError, ValueError):
        return None


def _month(text: str) -> int | None:
    name = text[:3].lower()
    if name in _MONTHS:
        return _MONTHS.index(name) + 1
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else 0
    return number if 1 <= number <= 12 else None

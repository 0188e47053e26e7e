"""Convert one record of PubMed XML, an lxml element, to an `Article`, and PubMed's partial dates to ISO dates.

Children are grouped by tag in one pass and looked up, not searched by path: most of a record (affiliations, grants,
references) is never visited, which makes reading fast.
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
# "1998 Dec-1999 Jan", "2000 Spring", "2004-2005 Winter", "1999 Jul 8-14": the first year, and the month beside it.
_MEDLINE_DATE = re.compile(r"(?<![0-9])([12][0-9]{3})(?![0-9])(?: ([A-Za-z]{3}))?")


def parse_publication_date(parts: Mapping[str, str]) -> str | None:
    """`2013`, `2013-05` or `2013-05-07`: as much of the date as is there and possible; None without a year.

    A season says no more than its year, and of a range the first month counts.
    """
    year, month, day = parts.get("Year", ""), parts.get("Month", ""), parts.get("Day", "")
    if not _YEAR.fullmatch(year):
        spelled = _MEDLINE_DATE.search(parts.get("MedlineDate", ""))
        if spelled is None:
            return None
        year, month, day = spelled[1], spelled[2] or "", ""
    number = _month(month)
    if number is None:
        return year
    exact = parse_exact_date({"Year": year, "Month": str(number), "Day": day})
    return exact.isoformat() if exact else f"{year}-{number:02}"


def parse_exact_date(parts: Mapping[str, str]) -> date | None:
    """The day that year, month and day name; None when one is missing or there is no such day."""
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


_BLANKS = re.compile(r"[ \t\r\n]+")
_PMCID = re.compile(r"PMC[0-9]+")
_RETRACTED_PUBLICATION = "D016441"

Children = dict[str, list[Element]]


class RecordError(Exception):
    """A record that says too little, or something that cannot be read; the message says what, as part of a sentence."""


def read_article(citation: Element, data: Element | None) -> Article:
    """The article in a `MedlineCitation`; `data` is the `PubmedData` beside it, if the record has one.

    Raises RecordError when it has no valid PMID or uses an entity that nothing declares.
    """
    record = _children(citation)
    article = _only_children(record, "Article")
    journal = _only_children(article, "Journal")
    identifiers = _only_children(_children(data), "ArticleIdList").get("ArticleId", [])
    locations = [at for at in article.get("ELocationID", []) if at.get("ValidYN") != "N"]
    title = _first_words(article, "ArticleTitle")
    abstract, sections = _abstract(article, title)
    pub_date = _publication_date(
        _only_children(journal, "JournalIssue").get("PubDate", []) + article.get("ArticleDate", [])
    )
    publication_types = _only_children(article, "PublicationTypeList").get("PublicationType", [])
    corrections = _only_children(record, "CommentsCorrectionsList").get("CommentsCorrections", [])
    return Article(
        pmid=_pmid(record),
        title=title,
        abstract=abstract,
        sections=sections,
        journal=(
            _first_words(journal, "Title")
            or _first_words(journal, "ISOAbbreviation")
            or _first_words(_only_children(record, "MedlineJournalInfo"), "MedlineTA")
        ),
        pub_date=pub_date,
        year=int(pub_date[:4]) if pub_date else None,
        authors=_authors(article.get("AuthorList", [])),
        mesh=_mesh(record),
        keywords=_keywords(record),
        publication_types=_all_words(publication_types),
        doi=_identifier(identifiers, "IdType", "doi") or _identifier(locations, "EIdType", "doi"),
        pmcid=_pmcid(identifiers, record),
        language=", ".join(_all_words(article.get("Language", []))) or None,
        retracted=_is_retracted(publication_types) or any(it.get("RefType") == "RetractionIn" for it in corrections),
        revised=_revised(record),
    )


def read_book(document: Element, data: Element | None) -> Article:
    """The article in a `BookDocument`, a book or a chapter of one; `data` is the `PubmedBookData` beside it.

    Raises RecordError as `read_article` does.
    """
    record = _children(document)
    book = _only_children(record, "Book")
    identifiers = _only_children(_children(data), "ArticleIdList").get("ArticleId", [])
    identifiers = identifiers + _only_children(record, "ArticleIdList").get("ArticleId", [])
    book_title = _first_words(book, "BookTitle")
    title = _first_words(record, "ArticleTitle") or book_title
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
        publication_types=_all_words(publication_types),
        doi=_identifier(identifiers, "IdType", "doi"),
        pmcid=_pmcid(identifiers, record),
        language=", ".join(_all_words(record.get("Language", []))) or None,
        retracted=_is_retracted(publication_types),
        revised=_revised(record),
    )


def element_text(element: Element) -> str:
    """The element's string value: runs of space, tab and line break as one space, ends stripped, nothing else changed.

    Raises RecordError for an entity that nothing declares: its text is not to be had, and must not vanish.
    """
    if len(element) == 0:
        text = element.text or ""
    else:
        for entity in element.iter(etree.Entity):
            raise RecordError(f"uses {str(entity.text)[:40]}, an entity that nothing declares")
        text = "".join(cast("Iterator[str]", element.itertext()))
    return _one_spaced(text)


def _one_spaced(text: str) -> str:
    if "\n" in text or "  " in text or "\t" in text or "\r" in text:
        text = _BLANKS.sub(" ", text)
    return text.strip(" ")


def _children(element: Element | None) -> Children:
    groups: Children = defaultdict(list)
    if element is not None:
        for child in element:
            groups[child.tag].append(child)
    return groups


def _only_children(groups: Children, tag: str) -> Children:
    """The children of the first element with that tag."""
    return _children(groups[tag][0]) if tag in groups else {}


def _first_words(groups: Children, tag: str) -> str | None:
    return element_text(groups[tag][0]) or None if tag in groups else None


def _all_words(elements: Iterable[Element]) -> tuple[str, ...]:
    return tuple(text for element in elements if (text := element_text(element)))


def _pmid(record: Children) -> int:
    given = _first_words(record, "PMID")
    pmid = parse_pmid(given)
    if pmid is None:
        raise RecordError("has no PMID" if given is None else f"has {given[:40]!r} where its PMID belongs")
    return pmid


def _abstract(parent: Children, title: str | None) -> tuple[str | None, tuple[Section, ...]]:
    """The first abstract, and its parts with where their words stand in title + one space + abstract."""
    parts: list[str] = []
    sections: list[Section] = []
    start = 0 if title is None else len(title) + 1
    for part in _only_children(parent, "Abstract").get("AbstractText", []):
        text = element_text(part)
        if not text:
            continue
        label = _one_spaced(part.get("Label", "")) or None
        lead = f"{label}: " if label else ""
        start += len(lead)
        sections.append(Section(label, start, start + len(text)))
        parts.append(lead + text)
        start += len(text) + 1
    return " ".join(parts) or None, tuple(sections)


def _publication_date(elements: Iterable[Element]) -> str | None:
    """The first of several dates that says at least a year."""
    return next((found for element in elements if (found := parse_publication_date(_date_parts(element)))), None)


def _revised(record: Children) -> date | None:
    return parse_exact_date(_date_parts(record["DateRevised"][0])) if "DateRevised" in record else None


def _date_parts(element: Element) -> dict[str, str]:
    return {child.tag: element_text(child) for child in element}


def _authors(lists: Iterable[Element]) -> tuple[str, ...]:
    """The names in the first list that is not one of editors."""
    for authors in lists:
        if authors.get("Type") != "editors":
            return tuple(name for author in authors if author.get("ValidYN") != "N" and (name := _name(author)))
    return ()


def _name(author: Element) -> str:
    """`Last, Fore`, a suffix such as Jr at the end, as in MEDLINE's FAU field; a group's name as it is."""
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
    headings = (_heading(element) for element in _only_children(record, "MeshHeadingList").get("MeshHeading", []))
    return tuple(heading for heading in headings if heading is not None)


def _heading(element: Element) -> MeshHeading | None:
    """The first descriptor with its qualifiers; None when it has no name."""
    # In one pass: a record has a dozen of these, which cost more than all else that is read of it.
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
    return _all_words(keyword for keywords in record.get("KeywordList", []) for keyword in keywords)


def _is_retracted(publication_types: Iterable[Element]) -> bool:
    return any(it.get("UI") == _RETRACTED_PUBLICATION or it.text == "Retracted Publication" for it in publication_types)


def _identifier(elements: Iterable[Element], attribute: str, kind: str) -> str | None:
    return next((text for it in elements if it.get(attribute) == kind and (text := element_text(it))), None)


def _pmcid(identifiers: Iterable[Element], record: Children) -> str | None:
    """`PMC1234567`; files of the older form say it in an `OtherID`, at times followed by an embargo."""
    given = [_identifier(identifiers, "IdType", "pmc"), *(element_text(other) for other in record.get("OtherID", []))]
    return next((found[0] for text in given if text and (found := _PMCID.match(text))), None)

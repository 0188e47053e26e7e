"""Convert a record of PubMed XML, an lxml element, to an `Article`, and PubMed's partial dates to ISO dates."""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from lxml.etree import _Element as Element

from litmine.sources.pmids import parse_pmid
from litmine.sources.pubmed_authors import read_authors
from litmine.sources.pubmed_citation import (
    is_retracted_record,
    read_chemicals,
    read_corrections,
    read_data_banks,
    read_grants,
    read_pages,
)
from litmine.sources.pubmed_text import read_abstract, read_title
from litmine.sources.xml_elements import (
    Children,
    RecordError,
    all_texts,
    child_elements,
    children,
    children_of_first,
    element_text,
    first_text,
    list_items,
)
from litmine.types import Article, MeshHeading

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR = re.compile(r"[12][0-9]{3}")
# The first year and the month after it in "1998 Dec-1999 Jan", "2000 Spring", "2004-2005 Winter", "1999 Jul 8-14".
_MEDLINE_DATE = re.compile(r"(?<![0-9])([12][0-9]{3})(?![0-9])(?: ([A-Za-z]{3}))?")
_PMCID = re.compile(r"PMC[0-9]+")


def read_article(citation: Element, data: Element | None) -> Article:
    """The article in a `MedlineCitation`; `data` is the record's `PubmedData` element, if any.

    Raises RecordError when it has no valid PMID or uses an undeclared entity.
    """
    record = children(citation)
    article = children_of_first(record, "Article")
    journal = children_of_first(article, "Journal")
    journal_info = children_of_first(record, "MedlineJournalInfo")
    issue = children_of_first(journal, "JournalIssue")
    identifiers = list_items(children(data), "ArticleIdList", "ArticleId")
    locations = [element for element in article.get("ELocationID", []) if element.get("ValidYN") != "N"]
    title = read_title(article)
    abstract, sections = read_abstract(article, record, title)
    pub_date = _publication_date(issue.get("PubDate", []) + article.get("ArticleDate", []))
    publication_types = list_items(article, "PublicationTypeList", "PublicationType")
    corrections = read_corrections(record)
    authors, affiliations = read_authors(article.get("AuthorList", []), article.get("Affiliation", ()))
    abbreviation = first_text(journal_info, "MedlineTA") or first_text(journal, "ISOAbbreviation")
    return Article(
        pmid=_pmid(record),
        title=title,
        abstract=abstract,
        sections=sections,
        journal=first_text(journal, "Title") or first_text(journal, "ISOAbbreviation") or abbreviation,
        pub_date=pub_date,
        year=int(pub_date[:4]) if pub_date else None,
        authors=authors,
        mesh=_mesh(record),
        keywords=_keywords(record),
        publication_types=all_texts(publication_types),
        doi=_identifier(identifiers, "IdType", "doi") or _identifier(locations, "EIdType", "doi"),
        pmcid=_pmcid(identifiers, record),
        language=", ".join(all_texts(article.get("Language", []))) or None,
        retracted=is_retracted_record(publication_types, corrections),
        revised=_revised(record),
        affiliations=affiliations,
        chemicals=read_chemicals(record),
        grants=read_grants(article),
        journal_abbreviation=abbreviation,
        issn=first_text(journal, "ISSN") or first_text(journal_info, "ISSNLinking"),
        volume=first_text(issue, "Volume"),
        issue=first_text(issue, "Issue"),
        pages=read_pages(article),
        status=citation.get("Status"),
        corrections=corrections,
        data_banks=read_data_banks(article),
    )


def read_book(document: Element, data: Element | None) -> Article:
    """The article in a `BookDocument`, a book or a chapter; `data` is the record's `PubmedBookData` element, if any.

    Raises the same errors as `read_article`.
    """
    record = children(document)
    book = children_of_first(record, "Book")
    identifiers = list_items(children(data), "ArticleIdList", "ArticleId")
    identifiers = identifiers + list_items(record, "ArticleIdList", "ArticleId")
    book_title = first_text(book, "BookTitle")
    title = first_text(record, "ArticleTitle") or book_title
    abstract, sections = read_abstract(record, record, title)
    pub_date = _publication_date(book.get("PubDate", []) + record.get("ContributionDate", []))
    publication_types = record.get("PublicationType", [])
    authors, affiliations = read_authors(record.get("AuthorList", []))
    if not authors:
        authors, affiliations = read_authors(book.get("AuthorList", []))
    return Article(
        pmid=_pmid(record),
        title=title,
        abstract=abstract,
        sections=sections,
        journal=book_title,
        pub_date=pub_date,
        year=int(pub_date[:4]) if pub_date else None,
        authors=authors,
        keywords=_keywords(record),
        publication_types=all_texts(publication_types),
        doi=_identifier(identifiers, "IdType", "doi"),
        pmcid=_pmcid(identifiers, record),
        language=", ".join(all_texts(record.get("Language", []))) or None,
        retracted=is_retracted_record(publication_types),
        revised=_revised(record),
        affiliations=affiliations,
        grants=read_grants(record),
        volume=first_text(book, "Volume"),
        pages=read_pages(record),
    )


def _pmid(record: Children) -> int:
    text = first_text(record, "PMID")
    pmid = parse_pmid(text)
    if pmid is None:
        raise RecordError("has no PMID" if text is None else f"has {text[:40]!r} instead of a PMID")
    return pmid


def _publication_date(elements: Iterable[Element]) -> str | None:
    """The first of several dates that has a year."""
    dates = (parse_publication_date(_date_parts(element)) for element in elements)
    return next(filter(None, dates), None)


def _revised(record: Children) -> date | None:
    return parse_exact_date(_date_parts(record["DateRevised"][0])) if "DateRevised" in record else None


def _date_parts(element: Element) -> dict[str, str]:
    return {child.tag: element_text(child) for child in child_elements(element)}


def _mesh(record: Children) -> tuple[MeshHeading, ...]:
    headings = map(_mesh_heading, list_items(record, "MeshHeadingList", "MeshHeading"))
    return tuple(heading for heading in headings if heading is not None)


def _mesh_heading(element: Element) -> MeshHeading | None:
    """The first descriptor with its qualifiers; None if it has no name."""
    # One pass over the terms: a record has about a dozen headings, and they take more time than the rest of the record.
    descriptor: Element | None = None
    qualifiers: list[str] = []
    major = False
    for term in child_elements(element):
        tag = term.tag
        if tag == "QualifierName":
            if text := element_text(term):
                qualifiers.append(text)
        elif descriptor is None and tag == "DescriptorName":
            descriptor = term
        else:
            continue
        major = major or term.get("MajorTopicYN") == "Y"
    if descriptor is None or not (name := element_text(descriptor)):
        return None
    return MeshHeading(descriptor.get("UI"), name, major, tuple(qualifiers))


def _keywords(record: Children) -> tuple[str, ...]:
    return all_texts(keyword for keywords in record.get("KeywordList", []) for keyword in child_elements(keywords))


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
    # OverflowError: a number of more than 64 bits.
    except (KeyError, ValueError, OverflowError):
        return None


def _month(text: str) -> int | None:
    name = text[:3].lower()
    if name in _MONTHS:
        return _MONTHS.index(name) + 1
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else 0
    return number if 1 <= number <= 12 else None

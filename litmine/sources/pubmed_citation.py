"""Fields of a PubMed XML record besides its text: corrections and retraction, substances, grants, and pages."""

from collections.abc import Iterable

from lxml.etree import _Element as Element

from litmine.sources.pmids import parse_pmid
from litmine.sources.read_record import is_retracted
from litmine.sources.xml_elements import Children, children, children_of_first, element_text, first_text
from litmine.types import Chemical, Correction, Grant

_RETRACTED_PUBLICATION = "D016441"


def read_corrections(record: Children) -> tuple[Correction, ...]:
    """The articles that a `MedlineCitation` is linked with, in both directions, without those that it cites.

    They are sorted, because PubMed changes the order of the links from year to year.
    """
    links = [
        _correction(element)
        for element in children_of_first(record, "CommentsCorrectionsList").get("CommentsCorrections", [])
        # A record may cite hundreds of articles and link to one or two.
        if element.get("RefType", "Cites") != "Cites"
    ]
    return tuple(sorted(links, key=lambda link: (link.kind, link.pmid or 0, link.citation or "", link.note or "")))


def _correction(element: Element) -> Correction:
    parts = children(element)
    return Correction(
        kind=element.get("RefType", ""),
        pmid=parse_pmid(first_text(parts, "PMID")),
        citation=first_text(parts, "RefSource"),
        note=first_text(parts, "Note"),
    )


def is_retracted_record(publication_types: Iterable[Element], corrections: Iterable[Correction] = ()) -> bool:
    """Whether a record is retracted by an identifier or a name of its types, or by its links."""
    types = list(publication_types)
    return any(it.get("UI") == _RETRACTED_PUBLICATION for it in types) or is_retracted(
        [it.text or "" for it in types], corrections
    )


def read_chemicals(record: Children) -> tuple[Chemical, ...]:
    """The substances of a `MedlineCitation`, with the registry number where it has one."""
    return tuple(
        chemical
        for element in children_of_first(record, "ChemicalList").get("Chemical", [])
        if (chemical := _chemical(element)).name
    )


def _chemical(element: Element) -> Chemical:
    number = ui = None
    name = ""
    for part in element:
        tag = part.tag
        if tag == "RegistryNumber":
            number = element_text(part)
        elif tag == "NameOfSubstance":
            name, ui = element_text(part), part.get("UI")
    # NLM writes 0 where there is no number.
    return Chemical(number if number and number != "0" else None, name, ui)


def read_grants(article: Children) -> tuple[Grant, ...]:
    """The grants of an `Article` or a `BookDocument`."""
    grants = []
    for element in children_of_first(article, "GrantList").get("Grant", []):
        parts = children(element)
        grant = Grant(
            first_text(parts, "GrantID"),
            first_text(parts, "Acronym"),
            first_text(parts, "Agency"),
            first_text(parts, "Country"),
        )
        if grant != Grant():
            grants.append(grant)
    return tuple(grants)


def read_pages(article: Children) -> str | None:
    """The pages of an `Article` or a `BookDocument` as MEDLINE writes them, `123-30`, or else first and last."""
    pages = dict.fromkeys(("StartPage", "EndPage", "MedlinePgn"), "")
    for pagination in article.get("Pagination", ())[:1]:
        for part in pagination:
            pages[part.tag] = element_text(part)
    return pages["MedlinePgn"] or "-".join(filter(None, (pages["StartPage"], pages["EndPage"]))) or None

"""Fields of a PubMed XML record besides its text: corrections, substances, grants, data banks, and pages."""

from collections.abc import Iterable

from lxml.etree import _Element as Element

from litmine.sources.pmids import parse_pmid
from litmine.sources.read_record import is_retracted
from litmine.sources.study_values import data_bank_number
from litmine.sources.xml_elements import (
    Children,
    all_texts,
    child_elements,
    children,
    element_text,
    first_text,
    list_items,
)
from litmine.types import Chemical, Correction, DataBank, Grant

_RETRACTED_PUBLICATION = "D016441"
_NO_GRANT = Grant()


def read_corrections(record: Children) -> tuple[Correction, ...]:
    """The articles that a `MedlineCitation` is linked with, in both directions, without those that it cites.

    They are sorted, because PubMed changes the order of the links from year to year.
    """
    links = [
        _correction(element)
        for element in list_items(record, "CommentsCorrectionsList", "CommentsCorrections")
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
        chemical for element in list_items(record, "ChemicalList", "Chemical") if (chemical := _chemical(element)).name
    )


def _chemical(element: Element) -> Chemical:
    number = ui = None
    name = ""
    for part in child_elements(element):
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
    for element in list_items(article, "GrantList", "Grant"):
        parts = children(element)
        grant = Grant(
            first_text(parts, "GrantID"),
            first_text(parts, "Acronym"),
            first_text(parts, "Agency"),
            first_text(parts, "Country"),
        )
        if grant != _NO_GRANT:
            grants.append(grant)
    return tuple(grants)


def read_data_banks(article: Children) -> tuple[DataBank, ...]:
    """The data banks of an `Article` with the numbers there."""
    banks = []
    for element in list_items(article, "DataBankList", "DataBank"):
        parts = children(element)
        numbers = all_texts(list_items(parts, "AccessionNumberList", "AccessionNumber"))
        if name := first_text(parts, "DataBankName"):
            banks.append(DataBank(name, tuple(map(data_bank_number, numbers))))
    return tuple(banks)


def read_pages(article: Children) -> str | None:
    """The pages of an `Article` or a `BookDocument` as MEDLINE writes them, `123-30`, or else first and last."""
    pages = dict.fromkeys(("StartPage", "EndPage", "MedlinePgn"), "")
    for pagination in article.get("Pagination", ())[:1]:
        for part in child_elements(pagination):
            pages[part.tag] = element_text(part)
    return pages["MedlinePgn"] or "-".join(filter(None, (pages["StartPage"], pages["EndPage"]))) or None

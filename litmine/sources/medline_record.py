"""Convert a record of MEDLINE text to an `Article`, with the same fields as from PubMed XML if the text has them.

The text has no identifiers of MeSH terms and substances, and marks neither the parts of an abstract nor editors.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from litmine.sources.identifiers import find_doi, find_issn
from litmine.sources.pmids import parse_pmid
from litmine.sources.pubmed_record import parse_exact_date, parse_publication_date
from litmine.sources.read_record import is_retracted, whole_abstract
from litmine.sources.study_values import data_bank_number
from litmine.types import Article, AuthorAffiliation, Chemical, Correction, DataBank, Grant, MeshHeading, Section

_WHITE_SPACE = re.compile(r"[ \t\r\n]+")
_DATE = re.compile(r"([12][0-9]{3})(?: ([A-Za-z]{3}))?(?: ([0-9]{1,2}))?")
_DAY = re.compile(r"([12][0-9]{3})/?([01][0-9])/?([0-3][0-9])(?![0-9])")
_DOI_MARK = " [doi]"
_PMCID = re.compile(r"PMC[0-9]+")
_ORCID = re.compile(r"(?<![0-9])([0-9]{4})-?([0-9]{4})-?([0-9]{4})-?([0-9]{3}[0-9Xx])(?![0-9])")
_CHEMICAL = re.compile(r"(\S+|EC \S+) \((.*)\)")
_ACRONYM = re.compile(r"[A-Z][A-Z_]{1,3}")
_LINKED_PMID = re.compile(r"\s*\bPMID: ?([0-9]{1,19})\b.*", re.DOTALL)
_NO_TITLE = re.compile(r"\[Not Available\]\.?", re.IGNORECASE)
# The labels of a structured abstract: capitals, at its beginning and after the end of a sentence.
_LABEL = re.compile(r"(?:^|(?<=[.?!)\]%;\"”'’] ))([A-Z][A-Z ,/&()'’-]{3,78}[A-Z)]): ")
# The tags that link articles, and what PubMed XML calls the link (RefType).
_LINKS = {
    "CIN": "CommentIn",
    "CON": "CommentOn",
    "CRF": "CorrectedandRepublishedFrom",
    "CRI": "CorrectedandRepublishedIn",
    "ECF": "ExpressionOfConcernFor",
    "ECI": "ExpressionOfConcernIn",
    "EFR": "ErratumFor",
    "EIN": "ErratumIn",
    "ORI": "OriginalReportIn",
    "PRIN": "PartialRetractionIn",
    "PROF": "PartialRetractionOf",
    "RIN": "RetractionIn",
    "ROF": "RetractionOf",
    "RPF": "RepublishedFrom",
    "RPI": "RepublishedIn",
    "RRF": "RetractedandRepublishedFrom",
    "RRI": "RetractedandRepublishedIn",
    "SPIN": "SummaryForPatientsIn",
    "UIN": "UpdateIn",
    "UOF": "UpdateOf",
}

Record = Mapping[str, Any]


def read_medline_record(record: Record, fields: Sequence[tuple[str, str]]) -> Article:
    """The article of a record as `Bio.Medline` has it; `fields` are its tags and values in order.

    Raises ValueError, with the rest of a sentence that starts with "The record", when it has no valid PMID.
    """
    pmid = parse_pmid(_text(record, "PMID"))
    if pmid is None:
        raise ValueError(f"has {str(record.get('PMID', ''))[:40]!r} instead of a PMID")
    title, abstract = _title(record), _abstract(record)
    pub_date = _publication_date(record)
    names, affiliations = _authors(fields)
    corrections = tuple(_correction(tag, value) for tag, value in fields if tag in _LINKS and value)
    publication_types = _texts(record, "PT")
    return Article(
        pmid=pmid,
        title=title,
        abstract=abstract,
        sections=split_sections(title, abstract),
        journal=_text(record, "JT") or _text(record, "TA") or _text(record, "BTI"),
        pub_date=pub_date,
        year=int(pub_date[:4]) if pub_date else None,
        authors=names,
        mesh=tuple(_mesh_heading(text) for text in _texts(record, "MH")),
        keywords=tuple(text for one in _texts(record, "OT") if (text := one.removeprefix("*"))),
        publication_types=publication_types,
        doi=_doi((*_texts(record, "AID"), *_texts(record, "LID"))),
        pmcid=_first_match(_PMCID, _texts(record, "PMC")),
        language=", ".join(_texts(record, "LA")) or None,
        retracted=is_retracted(publication_types, corrections),
        revised=parse_exact_date(_day(_text(record, "LR"))),
        affiliations=affiliations,
        chemicals=tuple(_chemical(text) for text in _texts(record, "RN")),
        grants=tuple(_grant(text) for text in _texts(record, "GR")),
        journal_abbreviation=_text(record, "TA"),
        issn=next(filter(None, map(find_issn, _texts(record, "IS"))), None),
        volume=_text(record, "VI"),
        issue=_text(record, "IP"),
        pages=_text(record, "PG"),
        status=_text(record, "STAT"),
        corrections=corrections,
        data_banks=_data_banks(_texts(record, "SI")),
    )


def split_sections(title: str | None, abstract: str | None) -> tuple[Section, ...]:
    """The parts of an abstract with their labels; one part without a label if the abstract does not begin with one."""
    labels = list(_LABEL.finditer(abstract)) if abstract else []
    if abstract is None or not labels or labels[0].start() > 0:
        return whole_abstract(title, abstract)
    start = 0 if title is None else len(title) + 1
    # The space before the next label belongs to no part.
    ends = [*(label.start() - 1 for label in labels[1:]), len(abstract)]
    return tuple(Section(it[1], start + it.end(), start + end) for it, end in zip(labels, ends, strict=True))


def _texts(record: Record, tag: str) -> tuple[str, ...]:
    values = record.get(tag, ())
    texts = (_normalize(value) for value in ([values] if isinstance(values, str) else values))
    return tuple(text for text in texts if text)


def _text(record: Record, tag: str) -> str | None:
    return " ".join(_texts(record, tag)) or None


def _normalize(text: str) -> str:
    return _WHITE_SPACE.sub(" ", text).strip(" ")


def _title(record: Record) -> str | None:
    title = _text(record, "TI") or _text(record, "BTI")
    if title is None or _NO_TITLE.fullmatch(title):
        return _text(record, "TT") or title
    return title


def _abstract(record: Record) -> str | None:
    """The abstract, or the first other one if that is English."""
    abstract = _text(record, "AB")
    if abstract is None and "eng" in _texts(record, "OABL")[:1]:
        return next(iter(_texts(record, "OAB")), None)
    return abstract


def _doi(texts: Iterable[str]) -> str | None:
    """The first article identifier that is marked as a DOI."""
    dois = (find_doi(text.removesuffix(_DOI_MARK)) for text in texts if text.endswith(_DOI_MARK))
    return next(filter(None, dois), None)


def _publication_date(record: Record) -> str | None:
    """The date of the issue, or else that of the electronic article."""
    date = _text(record, "DP") or ""
    parts = _DATE.fullmatch(date)
    issue = dict(zip(("Year", "Month", "Day"), (part or "" for part in parts.groups()), strict=True)) if parts else {}
    return parse_publication_date(issue or {"MedlineDate": date}) or parse_publication_date(_day(_text(record, "DEP")))


def _day(text: str | None) -> dict[str, str]:
    day = _DAY.match(text or "")
    return dict(zip(("Year", "Month", "Day"), day.groups(), strict=True)) if day else {}


def _authors(fields: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[AuthorAffiliation, ...]]:
    """Full names and groups in order, short names where there are no full ones, with affiliations and ORCID."""
    tags = {tag for tag, _ in fields}
    naming = ("FAU", "CN") if "FAU" in tags else ("AU", "CN")
    names: list[str] = []
    places: list[list[str]] = []
    orcids: list[str | None] = []
    for tag, value in fields:
        if tag in naming and value:
            names.append(_normalize(value))
            places.append([])
            orcids.append(None)
        elif names and tag == "AD" and value:
            places[-1].append(_normalize(value))
        elif names and tag == "AUID" and (orcid := _ORCID.search(value)):
            orcids[-1] = "-".join(orcid.groups()).upper()
    found = (AuthorAffiliation(name, tuple(of), orcid) for name, of, orcid in zip(names, places, orcids, strict=True))
    return tuple(names), tuple(one for one in found if one.affiliations or one.orcid)


def _mesh_heading(text: str) -> MeshHeading:
    """`Gout/*drug therapy/genetics`: descriptor and qualifiers, an asterisk before main topics."""
    name, *qualifiers = text.split("/")
    plain = tuple(qualifier.removeprefix("*") for qualifier in qualifiers if qualifier)
    return MeshHeading(None, name.removeprefix("*"), "*" in text, plain)


def _chemical(text: str) -> Chemical:
    """`R16CO5Y76E (Aspirin)`; NLM writes 0 where there is no number."""
    parts = _CHEMICAL.fullmatch(text)
    if parts is None:
        return Chemical(None, text)
    return Chemical(None if parts[1] == "0" else parts[1], parts[2])


def _grant(text: str) -> Grant:
    """`HL1/HL/NHLBI NIH HHS/United States`; number and acronym may be missing, and a number may have slashes."""
    *number, agency, country = [None, *text.split("/")] if "/" in text else [None, text, None]
    parts = [part for part in number if part]
    acronym = parts.pop() if parts and _ACRONYM.fullmatch(parts[-1]) else None
    return Grant("/".join(parts) or None, acronym, agency or None, country or None)


def _correction(tag: str, text: str) -> Correction:
    """`Lancet. 2001 Jan 6;357(9249):1. PMID: 11197392`."""
    linked = _LINKED_PMID.search(text)
    citation = _normalize(text[: linked.start()] if linked else text)
    return Correction(_LINKS[tag], parse_pmid(linked[1]) if linked else None, citation or None)


def _data_banks(texts: Iterable[str]) -> tuple[DataBank, ...]:
    """`ClinicalTrials.gov/NCT01234567`: one line for each number, or for a data bank without one."""
    banks: dict[str, list[str]] = {}
    for text in texts:
        name, _, number = text.partition("/")
        if name:
            banks.setdefault(name, []).extend([data_bank_number(number)] if number else [])
    return tuple(DataBank(name, tuple(numbers)) for name, numbers in banks.items())


def _first_match(pattern: re.Pattern[str], texts: Iterable[str]) -> str | None:
    return next(_matches(pattern, texts), None)


def _matches(pattern: re.Pattern[str], texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        if found := pattern.search(text):
            yield found[1] if pattern.groups else found[0]

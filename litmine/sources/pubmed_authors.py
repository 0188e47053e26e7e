"""Authors of a record of PubMed XML: their names, and the affiliations and ORCID of those that have any."""

import re
from collections.abc import Iterable, Sequence

from lxml.etree import _Element as Element

from litmine.sources.xml_elements import all_texts, child_elements, element_text
from litmine.types import AuthorAffiliation

_ORCID = re.compile(r"(?<![0-9])([0-9]{4})-?([0-9]{4})-?([0-9]{4})-?([0-9]{3}[0-9Xx])(?![0-9])")

Authors = tuple[tuple[str, ...], tuple[AuthorAffiliation, ...]]


def read_authors(lists: Iterable[Element], of_first: Sequence[Element] = ()) -> Authors:
    """The names in the first `AuthorList` that is not a list of editors, and the affiliations of these authors.

    of_first: `Affiliation` elements of the article itself, which belong to its first author: files before 2014 have
    them.
    """
    for authors in lists:
        if authors.get("Type") != "editors":
            break
    else:
        return (), ()
    names: list[str] = []
    affiliations: list[AuthorAffiliation] = []
    for author in child_elements(authors):
        if author.get("ValidYN") == "N":
            continue
        name, places, orcid = _read_author(author)
        if not name:
            continue
        if of_first and not names:
            places = [*all_texts(of_first), *places]
        names.append(name)
        if places or orcid:
            affiliations.append(AuthorAffiliation(name, tuple(places), orcid))
    return tuple(names), tuple(affiliations)


def _read_author(author: Element) -> tuple[str, list[str], str | None]:
    """The name, the affiliations and the ORCID."""
    # Comparisons in the usual order of the elements: records have more elements of authors than others, and a
    # dictionary of their texts costs half as much again.
    last = fore = initials = suffix = group = ""
    places: list[str] = []
    orcid = None
    for child in child_elements(author):
        tag = child.tag
        if tag == "LastName":
            last = element_text(child)
        elif tag == "ForeName":
            fore = element_text(child)
        elif tag == "Initials":
            initials = element_text(child)
        elif tag == "Suffix":
            suffix = element_text(child)
        elif tag == "CollectiveName":
            group = element_text(child)
        elif tag == "Identifier":
            orcid = orcid or _orcid(child)
        else:
            _add_places(child, places)
    return group or _name(last, fore or initials, suffix), places, orcid


def _name(last: str, given: str, suffix: str) -> str:
    """`Last, Fore Suffix`, as in MEDLINE's FAU field."""
    if suffix:
        given = f"{given} {suffix}" if given else suffix
    return f"{last}, {given}" if last and given else last or given


def _add_places(element: Element, places: list[str]) -> None:
    """Add the affiliations of an `AffiliationInfo`; files of 2014 have an `Affiliation` without it."""
    elements = child_elements(element) if element.tag == "AffiliationInfo" else [element]
    places += [text for it in elements if it.tag == "Affiliation" and (text := element_text(it))]


def _orcid(identifier: Element) -> str | None:
    """An ORCID as four groups of four characters, whether the record has digits alone, hyphens or an address.

    A text that is no ORCID is kept, and an identifier of another source is not.
    """
    if identifier.get("Source") != "ORCID":
        return None
    text = element_text(identifier)
    found = _ORCID.search(text)
    return "-".join(found.groups()).upper() if found else text or None

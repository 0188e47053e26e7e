"""Authors of a record of PubMed XML: their names, and the affiliations and ORCID of those that have any."""

import re
from collections.abc import Iterable, Sequence

from lxml.etree import _Element as Element

from litmine.sources.xml_elements import all_texts, element_text
from litmine.types import AuthorAffiliation

_ORCID = re.compile(r"(?<![0-9])([0-9]{4})-?([0-9]{4})-?([0-9]{4})-?([0-9]{3}[0-9Xx])(?![0-9])")
_NAME_PARTS = ("LastName", "ForeName", "Initials", "Suffix", "CollectiveName")

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
    for author in authors:
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
    """The name, `Last, Fore Suffix` as in MEDLINE's FAU field or a group's, the affiliations and the ORCID."""
    parts = dict.fromkeys(_NAME_PARTS, "")
    places: list[str] = []
    orcid = None
    for child in author:
        tag = child.tag
        if tag in parts:
            parts[tag] = element_text(child)
        elif tag == "AffiliationInfo":
            places += [text for it in child if it.tag == "Affiliation" and (text := element_text(it))]
        elif tag == "Identifier" and child.get("Source") == "ORCID":
            orcid = orcid or _orcid(element_text(child))
        # Files of 2014 have it without an `AffiliationInfo`.
        elif tag == "Affiliation" and (text := element_text(child)):
            places.append(text)
    last, fore, initials, suffix, group = parts.values()
    given = fore or initials
    given = f"{given} {suffix}" if given and suffix else given or suffix
    return group or (f"{last}, {given}" if last and given else last or given), places, orcid


def _orcid(text: str) -> str | None:
    """An ORCID as four groups of four characters, whether the record has digits alone, hyphens or an address.

    A text that is no ORCID is kept.
    """
    found = _ORCID.search(text)
    return "-".join(found.groups()).upper() if found else text or None

"""One form for the identifiers of articles and journals, which programs write in several: DOI, PMCID and ISSN."""

import re
from urllib.parse import unquote

_DOI_ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?(?:dx\.)?doi\.org/(?:doi:)?", re.IGNORECASE)
_DOI_PREFIX = re.compile(r"(?:info:doi/|doi\s*:)\s*", re.IGNORECASE)
_DOI = re.compile(r"10\.[0-9]{4,9}/\S+")
_PMCID = re.compile(r"(?:.*[:/ ])?(?:PMC)?([0-9]{1,10})(?:\.[0-9]+)?/?", re.IGNORECASE | re.DOTALL)
_ISSN = re.compile(r"(?<![0-9-])([0-9]{4})-?([0-9]{3}[0-9Xx])(?![0-9-])")


def normalize_doi(text: str) -> str:
    """A DOI as PubMed has it, `10.1000/182`: without address, prefix and the spaces around it.

    Capitals stay, because PubMed's records have them as the publisher sent them. Text that is no DOI stays as it is.
    """
    doi = text.strip()
    if address := _DOI_ADDRESS.match(doi):
        return unquote(doi[address.end() :])
    return _DOI_PREFIX.sub("", doi, count=1) if _DOI_PREFIX.match(doi) else doi


def find_doi(text: str) -> str | None:
    """The first DOI in a field of a reference manager, `10.1000/182`, without what stands around it; None if none."""
    found = _DOI.search(normalize_doi(text))
    return found[0] if found else None


def normalize_pmcid(text: str) -> str | None:
    """A PMCID as PubMed has it, `PMC1234567`, from an address, a version (`PMC12.1`) or a number; None for others."""
    found = _PMCID.fullmatch(text.strip())
    return f"PMC{found[1]}" if found else None


def find_issn(text: str) -> str | None:
    """The first ISSN in a text, `1234-567X`; None if there is none."""
    found = _ISSN.search(text)
    return f"{found[1]}-{found[2].upper()}" if found else None

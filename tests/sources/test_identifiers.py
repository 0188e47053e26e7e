"""DOIs, PMCIDs and ISSNs have one form, whatever a program writes around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.sources.identifiers import find_doi, find_issn, normalize_doi, normalize_pmcid


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("10.1000/Ab.182", "10.1000/Ab.182"),
        ("https://doi.org/10.1000/182", "10.1000/182"),
        ("http://dx.doi.org/10.1000/182", "10.1000/182"),
        ("HTTPS://www.doi.org/10.1000/182 ", "10.1000/182"),
        ("doi.org/10.1000/182", "10.1000/182"),
        ("doi:10.1000/182", "10.1000/182"),
        ("DOI: 10.1000/182", "10.1000/182"),
        ("info:doi/10.1000/182", "10.1000/182"),
        ("https://doi.org/10.1002/%28SICI%291097", "10.1002/(SICI)1097"),
        ("10.1002/a%28b", "10.1002/a%28b"),
        ("doing well", "doing well"),
    ],
)
def test_a_doi_loses_what_stands_before_it(text: str, doi: str) -> None:
    assert normalize_doi(text) == doi


@given(st.from_regex(r"10\.[0-9]{4,9}/[!-~]+", fullmatch=True))
def test_a_plain_doi_stays_as_it_is(doi: str) -> None:
    assert normalize_doi(doi) == doi
    assert normalize_doi(f"https://doi.org/{doi.replace('%', '%25')}") == doi
    assert find_doi(f" doi: {doi} (accessed today)") == doi


@pytest.mark.parametrize(
    ("text", "pmcid"),
    [
        ("PMC123", "PMC123"),
        ("pmc123", "PMC123"),
        ("123", "PMC123"),
        ("PMC123.2", "PMC123"),
        ("PMCID: PMC123", "PMC123"),
        ("https://www.ncbi.nlm.nih.gov/pmc/articles/PMC123/", "PMC123"),
        ("none", None),
        ("NIHMS123", None),
        ("", None),
    ],
)
def test_a_pmcid_has_its_prefix(text: str, pmcid: str | None) -> None:
    assert normalize_pmcid(text) == pmcid


@pytest.mark.parametrize(
    ("text", "issn"),
    [
        ("1234-567X", "1234-567X"),
        ("1234567x", "1234-567X"),
        ("1234-5678 (Electronic) 8765-4321 (Print)", "1234-5678"),
        ("9780306406157", None),
        ("978-0-306-40615-7", None),
        ("", None),
    ],
)
def test_an_issn_has_its_hyphen(text: str, issn: str | None) -> None:
    assert find_issn(text) == issn

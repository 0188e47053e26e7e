"""RIS: a record with one PMID is an article, any other is named."""

import io

import pytest

from litmine.sources.read_record import ReadRecord
from litmine.sources.ris import read_ris
from litmine.types import BARE_TEXT, Article, Section, UnreadableRecord

WHOLE = b"""TY  - JOUR
DB  - PubMed
AN  - 31000001
TI  - A title
AU  - Miller, A. B.
AU  - Doe, J.
JF  - Journal of Examples
JA  - J Ex
PY  - 2013/05/07/
VL  - 38
IS  - 9
SP  - 891
EP  - 2
SN  - 1234-567X (Electronic)
DO  - https://doi.org/10.1000/right.1
KW  - aspirin
KW  - gout
LA  - eng
AB  - The abstract
goes on without an indent.
ER  -
"""


def read(content: bytes) -> list[Article | UnreadableRecord]:
    found = list(read_ris(io.BytesIO(content)))
    assert all(it.record_class == BARE_TEXT for it in found if isinstance(it, ReadRecord))
    return [it.record if isinstance(it, ReadRecord) else it for it in found]  # type: ignore[misc]


def test_a_record_with_a_pmid_is_an_article() -> None:
    assert read(WHOLE) == [
        Article(
            pmid=31000001,
            title="A title",
            abstract="The abstract goes on without an indent.",
            sections=(Section(None, 8, 47),),
            journal="Journal of Examples",
            pub_date="2013-05-07",
            year=2013,
            authors=("Miller, A. B.", "Doe, J."),
            keywords=("aspirin", "gout"),
            doi="10.1000/right.1",
            language="eng",
            journal_abbreviation="J Ex",
            issn="1234-567X",
            volume="38",
            issue="9",
            pages="891-2",
        )
    ]


@pytest.mark.parametrize(
    ("lines", "pmids"),
    [
        ("AN  - 5", 0),
        ("AN  - 5\nDP  - Embase", 0),
        ("AN  - 5\nDP  - NLM", 1),
        ("AN  - PMID: 5", 1),
        ("N1  - PMID:5; see also 6", 1),
        ("UR  - https://www.ncbi.nlm.nih.gov/pubmed/5\nAN  - PMID 5", 1),
        ("UR  - https://pubmed.ncbi.nlm.nih.gov/5/\nN1  - PMID 6", 2),
    ],
)
def test_a_pmid_is_read_where_it_is_named(lines: str, pmids: int) -> None:
    found = read(f"TY  - JOUR\nTI  - Cough\n{lines}\nER  - \n\nTY  - JOUR\nAN  - PMID:9\nER  - \n".encode())
    assert found[1] == Article(9)
    if pmids == 1:
        assert found[0] == Article(5, "Cough")
    else:
        what = "names 2 PMIDs, and litmine cannot tell which is its own" if pmids else "has no PMID"
        assert isinstance(found[0], UnreadableRecord)
        assert found[0].why.startswith(f"The record 'Cough' {what}: add a line `AN  - PMID:` with it, or save")


@pytest.mark.parametrize(
    ("content", "where", "why"),
    [
        (b"what\nTY  - JOUR\n", "line 1", "The line is not RIS: 'what'."),
        (b"TI  - A\nAN  - PMID:1\nER  - \n", "line 1", "The record has no type (TY), so its beginning may be missing"),
        (
            b"TY  - JOUR\nAN  - PMID:1\nAB  - A\nAB  - B\n",
            "line 1",
            "The record has several fields AB; it was not read.",
        ),
        (b"TY  - JOUR\nAN  - PMID:1\nTI  - \xe9\nER  - \n", "line 3", "The line is not UTF-8 (perhaps Latin-1 or"),
    ],
)
def test_a_record_is_refused_whole(content: bytes, where: str, why: str) -> None:
    bad, *_, good = read(content + b"TY  - JOUR\nAN  - PMID:9\nER  - \n")
    assert isinstance(bad, UnreadableRecord)
    assert bad.where == where
    assert bad.why.startswith(why)
    assert good == Article(9)

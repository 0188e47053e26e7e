"""MEDLINE text (`.nbib`) gives what PubMed XML gives, or the record is refused whole."""

import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import SourceError
from litmine.sources import lines
from litmine.sources.medline import read_medline
from litmine.sources.medline_record import split_sections
from litmine.sources.read_record import ReadRecord
from litmine.types import (
    RECORD,
    Article,
    AuthorAffiliation,
    Chemical,
    Correction,
    Grant,
    MeshHeading,
    Section,
    UnreadableRecord,
)

WHOLE = """
PMID- 31000001
OWN - NLM
STAT- MEDLINE
LR  - 20240315
IS  - 1234-567X (Electronic)
IS  - 0123-4567 (Linking)
VI  - 38
IP  - 9
DP  - 2013 Mar 16
TI  - Effect of a drug whose name is so long that its title does not end on the first
      line: a randomised trial.
PG  - 891-2
LID - 10.1000/wrong.1 [doi]
LID - S0000(13)1 [pii]
AB  - BACKGROUND: It is new. METHODS: We gave 10 mg (CODE: 3) to 20
      people. RESULTS AND CONCLUSIONS: It helps.
FAU - Miller, Ann B
AU  - Miller AB
AUID- ORCID: 0000000218250097
AD  - Department of Examples, University of Nowhere, in a town with quite a long
      name.
AD  - Second Place.
FAU - Doe, Jane
AU  - Doe J
CN  - EXAMPLE Group
LA  - eng
LA  - fre
GR  - R01 XY123/XY/NXYZ NIH HHS/United States
GR  - A/1/Some Trust/United Kingdom
PT  - Journal Article
PT  - Retracted Publication
TA  - J Ex
JT  - Journal of examples
RN  - R16CO5Y76E (Aspirin (acid))
RN  - 0 (Placebos)
RN  - EC 1.14.99.1 (Prostaglandin-Endoperoxide Synthases)
CIN - J Ex. 2013 May 2;36(1):1675-84. PMID: 31000002
RIN - J Ex. 2014;38:1
MH  - *Aspirin/administration & dosage/therapeutic use
MH  - Gout/*drug therapy
MH  - Humans
OT  - *aspirin
OT  - a keyword that needs a second line in the file because it is longer than
      others
PMC - PMC7654321
AID - 10.1000/right.1 [doi]
PST - ppublish
"""


def read(text: str | bytes) -> list[Article | UnreadableRecord]:
    found = list(read_medline(io.BytesIO(text.encode() if isinstance(text, str) else text)))
    assert all(it.record_class == RECORD for it in found if isinstance(it, ReadRecord))
    return [it.record if isinstance(it, ReadRecord) else it for it in found]  # type: ignore[misc]


def test_a_record_has_the_fields_of_pubmed_xml() -> None:
    [article] = read(WHOLE)
    assert isinstance(article, Article)
    assert article == Article(
        pmid=31000001,
        title="Effect of a drug whose name is so long that its title does not end on the first"
        " line: a randomised trial.",
        abstract="BACKGROUND: It is new. METHODS: We gave 10 mg (CODE: 3) to 20"
        " people. RESULTS AND CONCLUSIONS: It helps.",
        sections=article.sections,
        journal="Journal of examples",
        pub_date="2013-03-16",
        year=2013,
        authors=("Miller, Ann B", "Doe, Jane", "EXAMPLE Group"),
        mesh=(
            MeshHeading(None, "Aspirin", True, ("administration & dosage", "therapeutic use")),
            MeshHeading(None, "Gout", True, ("drug therapy",)),
            MeshHeading(None, "Humans", False),
        ),
        keywords=("aspirin", "a keyword that needs a second line in the file because it is longer than others"),
        publication_types=("Journal Article", "Retracted Publication"),
        doi="10.1000/right.1",
        pmcid="PMC7654321",
        language="eng, fre",
        retracted=True,
        revised=date(2024, 3, 15),
        affiliations=(
            AuthorAffiliation(
                "Miller, Ann B",
                (
                    "Department of Examples, University of Nowhere, in a town with quite a long name.",
                    "Second Place.",
                ),
                "0000-0002-1825-0097",
            ),
        ),
        chemicals=(
            Chemical("R16CO5Y76E", "Aspirin (acid)"),
            Chemical(None, "Placebos"),
            Chemical("EC 1.14.99.1", "Prostaglandin-Endoperoxide Synthases"),
        ),
        grants=(
            Grant("R01 XY123", "XY", "NXYZ NIH HHS", "United States"),
            Grant("A/1", None, "Some Trust", "United Kingdom"),
        ),
        journal_abbreviation="J Ex",
        issn="1234-567X",
        volume="38",
        issue="9",
        pages="891-2",
        status="MEDLINE",
        corrections=(
            Correction("CommentIn", 31000002, "J Ex. 2013 May 2;36(1):1675-84."),
            Correction("RetractionIn", None, "J Ex. 2014;38:1"),
        ),
    )
    assert [(it.label, article.text[it.start_char : it.end_char]) for it in article.sections] == [
        ("BACKGROUND", "It is new."),
        ("METHODS", "We gave 10 mg (CODE: 3) to 20 people."),
        ("RESULTS AND CONCLUSIONS", "It helps."),
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("DP  - 1998 Dec-1999 Jan", Article(7, pub_date="1998-12", year=1998)),
        ("DP  - 2000 Spring", Article(7, pub_date="2000", year=2000)),
        ("DEP - 20130507", Article(7, pub_date="2013-05-07", year=2013)),
        ("TI  - [Not Available].\nTT  - Über Gicht.", Article(7, "Über Gicht.")),
        ("BTI - A book", Article(7, "A book", journal="A book")),
        ("AU  - Doe J\nCN  - Group", Article(7, authors=("Doe J", "Group"))),
        ("RIN - J Ex.", Article(7, retracted=True, corrections=(Correction("RetractionIn", None, "J Ex."),))),
        ("PRIN- J Ex. PMID: 8", Article(7, corrections=(Correction("PartialRetractionIn", 8, "J Ex."),))),
        ("AB  - Text.\n\n      More.", Article(7, None, "Text. More.", (Section(None, 0, 11),))),
        ("OAB - English.\nOABL- eng", Article(7, None, "English.", (Section(None, 0, 8),))),
        ("OAB - Deutsch.\nOABL- ger", Article(7)),
    ],
)  # fmt: skip
def test_single_fields(lines: str, expected: Article) -> None:
    assert read(f"PMID- 7\n{lines}\n\nPMID- 8\n") == [expected, Article(8)]


@pytest.mark.parametrize(
    ("lines", "where", "why"),
    [
        (b"PMID- x\n", "line 1", "The record has 'x' instead of a PMID."),
        (b"PMID- 1\nTI  - A\nwhat is this\n", "line 3", "The line is not MEDLINE text, and its record was not read:"),
        (b"PMID- 1\nTI  - \xe9\n", "line 2", "The line is not UTF-8 (perhaps Latin-1 or Windows-1252), and its record"),
        (b"STAT- MEDLINE\nTI  - A\n", "line 1", "The record has no PMID."),
        (
            b"PMID- 1\nTI  - A\n\nPMIX- 2\nTI  - B\n",
            "line 1",
            "The record has 2 fields TI and was not read: the PMID of",
        ),
    ],
)
def test_a_record_is_refused_whole_and_the_rest_is_read(lines: bytes, where: str, why: str) -> None:
    bad, good = read(lines + b"\nPMID- 9\n")
    assert isinstance(bad, UnreadableRecord)
    assert bad.where == where
    assert bad.why.startswith(why)
    assert good == Article(9)


WORD = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=12)


@given(st.lists(WORD, min_size=1), st.lists(WORD, min_size=1), st.integers(10, 80))
def test_wrapped_lines_are_joined(title: list[str], abstract: list[str], width: int) -> None:
    def wrapped(words: list[str]) -> str:
        lines = [""]
        for word in words:
            if lines[-1] and len(lines[-1]) + len(word) > width:
                lines.append("")
            lines[-1] += f" {word}" if lines[-1] else word
        return "\n      ".join(lines)

    [article] = read(f"PMID- 5\nTI  - {wrapped(title)}\nAB  - {wrapped(abstract)}\n")
    assert isinstance(article, Article)
    assert (article.title, article.abstract) == (" ".join(title), " ".join(abstract))


@given(
    st.none() | st.text(min_size=1),
    st.none() | st.from_regex(r"(AIM|METHODS|x)(: |\. |[A-Z. ]{0,9}){0,20}", fullmatch=True),
)
def test_sections_are_in_order_and_cover_the_abstract(title: str | None, abstract: str | None) -> None:
    text = " ".join(part for part in (title, abstract) if part is not None)
    sections = split_sections(title, abstract)
    end = 0 if title is None else len(title) + 1
    for section in sections:
        between = text[end : section.start_char]
        assert between.strip(" ") == (f"{section.label}:" if section.label else "")
        end = section.end_char
    assert not sections or end == len(text)


def test_a_record_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_RECORD_BYTES", 1000)
    stream = io.BytesIO(b"PMID- 1\n\nPMID- 2\n" + b"OT  - word\n" * 100_000)
    reading = read_medline(stream)
    assert next(reading) == ReadRecord(Article(1), record_class=RECORD)
    with pytest.raises(SourceError, match=r"The record before line [0-9]+ is larger than"):
        next(reading)
    assert stream.tell() < 2000

"""What a record says beside its text: affiliations, substances, grants, journal issue, status and corrections."""

import io

import pytest

from litmine.sources.pubmed_xml import read_pubmed_xml
from litmine.types import Article, AuthorAffiliation, Chemical, Correction, Grant


def _read(inside: str = "", article: str = "", status: str = "MEDLINE") -> Article:
    document = (
        f'<PubmedArticleSet><PubmedArticle><MedlineCitation Status="{status}"><PMID>1</PMID>'
        f"<Article>{article}</Article>{inside}</MedlineCitation></PubmedArticle></PubmedArticleSet>"
    )
    [read] = read_pubmed_xml(io.BytesIO(document.encode()))
    assert isinstance(read, Article)
    return read


def _author(inside: str, name: str = "Roth", valid: str = "Y") -> str:
    return f'<Author ValidYN="{valid}"><LastName>{name}</LastName><ForeName>Ida</ForeName>{inside}</Author>'


def _place(text: str) -> str:
    return f"<AffiliationInfo><Affiliation>{text}</Affiliation></AffiliationInfo>"


def test_affiliations_belong_to_their_authors() -> None:
    authors = (
        _author(_place("Ward 1 &amp; 2,\n Basel.") + _place("Ward <sup>3</sup>, Bern.") + _place(" "))
        + _author("", "Abel")
        + _author(_place("Nowhere."), "Rothe", valid="N")
        + f"<Author><CollectiveName>The Basel Group</CollectiveName>{_place('Basel.')}</Author>"
    )
    read = _read(article=f"<AuthorList>{authors}</AuthorList>")
    assert read.authors == ("Roth, Ida", "Abel, Ida", "The Basel Group")
    assert read.affiliations == (
        AuthorAffiliation("Roth, Ida", ("Ward 1 & 2, Basel.", "Ward 3, Bern.")),
        AuthorAffiliation("The Basel Group", ("Basel.",)),
    )


@pytest.mark.parametrize("place", ["author", "article"])
def test_affiliations_of_older_files(place: str) -> None:
    element = "<Affiliation>Basel.</Affiliation>"
    first = _author(element if place == "author" else "")
    article = f"{element if place == 'article' else ''}<AuthorList>{first}{_author('', 'Abel')}</AuthorList>"
    assert _read(article=article).affiliations == (AuthorAffiliation("Roth, Ida", ("Basel.",)),)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0000-0002-1825-009X", "0000-0002-1825-009X"),
        ("000000021825009x", "0000-0002-1825-009X"),
        ("https://orcid.org/0000-0002-1825-0097", "0000-0002-1825-0097"),
        ("http://orcid.org/0000000218250097", "0000-0002-1825-0097"),
        ("0000-0002-1825", "0000-0002-1825"),
        (" ", None),
    ],
)
def test_an_orcid_has_one_form(written: str, read: str | None) -> None:
    identifiers = f'<Identifier Source="ISNI">1</Identifier><Identifier Source="ORCID">{written}</Identifier>'
    affiliations = _read(article=f"<AuthorList>{_author(identifiers)}</AuthorList>").affiliations
    assert affiliations == ((AuthorAffiliation("Roth, Ida", (), read),) if read else ())


def test_substances() -> None:
    chemicals = "".join(
        f"<Chemical><RegistryNumber>{number}</RegistryNumber><NameOfSubstance {ui}>{name}</NameOfSubstance></Chemical>"
        for number, ui, name in (
            ("EC 1.1.1.1", 'UI="D000001"', "Enzyme"),
            ("0", "", "A-<i>b</i>"),
            ("50-00-0", "", " "),
        )
    )
    assert _read(f"<ChemicalList>{chemicals}</ChemicalList>").chemicals == (
        Chemical("EC 1.1.1.1", "Enzyme", "D000001"),
        Chemical(None, "A-b", None),
    )


def test_grants() -> None:
    grants = (
        "<Grant><GrantID>R01 HL1</GrantID><Acronym>HL</Acronym><Agency>NHLBI</Agency><Country>US</Country></Grant>"
        "<Grant><Agency>Trust</Agency><Country/></Grant><Grant/>"
    )
    assert _read(article=f"<GrantList>{grants}</GrantList>").grants == (
        Grant("R01 HL1", "HL", "NHLBI", "US"),
        Grant(agency="Trust"),
    )


def test_the_journal_issue() -> None:
    journal = (
        "<Journal><ISSN>1111-1111</ISSN><JournalIssue><Volume>12 Suppl 1</Volume><Issue>3</Issue></JournalIssue>"
        "<Title>The Journal</Title><ISOAbbreviation>J. Iso</ISOAbbreviation></Journal>"
    )
    info = "<MedlineJournalInfo><MedlineTA>J Nlm</MedlineTA><ISSNLinking>2222-2222</ISSNLinking></MedlineJournalInfo>"
    read = _read(info, journal)
    assert (read.journal, read.journal_abbreviation, read.issn) == ("The Journal", "J Nlm", "1111-1111")
    assert (read.volume, read.issue) == ("12 Suppl 1", "3")
    assert (_read(info).issn, _read("", journal).journal_abbreviation) == ("2222-2222", "J. Iso")


@pytest.mark.parametrize(
    ("inside", "pages"),
    [
        ("<StartPage>123</StartPage><EndPage>130</EndPage><MedlinePgn>123-30</MedlinePgn>", "123-30"),
        ("<StartPage>123</StartPage><EndPage>130</EndPage>", "123-130"),
        ("<StartPage>e12</StartPage>", "e12"),
        ("<MedlinePgn/>", None),
    ],
)
def test_pages(inside: str, pages: str | None) -> None:
    assert _read(article=f"<Pagination>{inside}</Pagination>").pages == pages


def test_the_status() -> None:
    assert _read(status="PubMed-not-MEDLINE").status == "PubMed-not-MEDLINE"


def _links(*kinds: str) -> str:
    links = "".join(
        f'<CommentsCorrections RefType="{kind}"><RefSource>J. {kind}</RefSource><PMID>7</PMID></CommentsCorrections>'
        for kind in kinds
    )
    return f"<CommentsCorrectionsList>{links}</CommentsCorrectionsList>"


def test_corrections_in_both_directions_without_references() -> None:
    note = (
        '<CommentsCorrectionsList><CommentsCorrections RefType="ErratumIn"><RefSource>J. 1998;2:1</RefSource>'
        "<Note>Rothe [corrected to Roth]</Note></CommentsCorrections></CommentsCorrectionsList>"
    )
    assert _read(note).corrections == (
        Correction("ErratumIn", citation="J. 1998;2:1", note="Rothe [corrected to Roth]"),
    )
    kinds = ("Cites", "ErratumFor", "CommentOn", "Cites", "SomethingNewIn")
    for order in (kinds, kinds[::-1]):
        assert _read(_links(*order)).corrections == tuple(
            Correction(kind, 7, f"J. {kind}") for kind in ("CommentOn", "ErratumFor", "SomethingNewIn")
        )


@pytest.mark.parametrize(
    ("kind", "retracted"),
    [
        ("RetractionIn", True),
        ("RetractedandRepublishedIn", True),
        ("RetractionOf", False),
        ("RetractedandRepublishedFrom", False),
        ("PartialRetractionIn", False),
        ("CorrectedandRepublishedIn", False),
        ("ExpressionOfConcernIn", False),
        ("ErratumIn", False),
        ("UpdateIn", False),
    ],
)
def test_which_links_say_that_an_article_is_retracted(kind: str, retracted: bool) -> None:
    assert _read(_links(kind)).retracted is retracted

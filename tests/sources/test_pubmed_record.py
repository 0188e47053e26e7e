"""Fields of a record other than its text."""

import io
from datetime import date

import pytest

from litmine.sources.pubmed_xml import read_pubmed_xml
from litmine.types import Article, AuthorAffiliation, MeshHeading

FULL = """
<PubmedArticleSet><PubmedArticle>
<MedlineCitation Status="MEDLINE">
  <PMID Version="1">123</PMID>
  <DateRevised><Year>2020</Year><Month>04</Month><Day>28</Day></DateRevised>
  <Article>
    <Journal>
      <JournalIssue><PubDate><Year>2011</Year><Month>Jan</Month></PubDate></JournalIssue>
      <Title>Journal of
        tests</Title><ISOAbbreviation>J Tests</ISOAbbreviation>
    </Journal>
    <ArticleTitle>A title.</ArticleTitle>
    <ELocationID EIdType="doi" ValidYN="N">10.1/invalid</ELocationID>
    <ELocationID EIdType="pii" ValidYN="Y">S1</ELocationID>
    <ELocationID EIdType="doi" ValidYN="Y">10.1/located</ELocationID>
    <AuthorList>
      <Author ValidYN="Y"><LastName>Ångström</LastName><ForeName>Anders J</ForeName><Initials>AJ</Initials>
        <AffiliationInfo><Affiliation>Uppsala</Affiliation></AffiliationInfo></Author>
      <Author ValidYN="N"><LastName>Angstrom</LastName><ForeName>Anders</ForeName></Author>
      <Author><LastName>King</LastName><Initials>ML</Initials><Suffix>Jr</Suffix></Author>
      <Author><LastName>Plato</LastName></Author>
      <Author><CollectiveName>The <i>E. coli</i> Group</CollectiveName></Author>
    </AuthorList>
    <Language>eng</Language><Language>fre</Language>
    <PublicationTypeList>
      <PublicationType UI="D016428">Journal Article</PublicationType>
      <PublicationType UI="D016454">Review</PublicationType>
    </PublicationTypeList>
  </Article>
  <MedlineJournalInfo><MedlineTA>J Test</MedlineTA></MedlineJournalInfo>
  <CommentsCorrectionsList>
    <CommentsCorrections RefType="Cites"><PMID>9</PMID></CommentsCorrections>
  </CommentsCorrectionsList>
  <MeshHeadingList>
    <MeshHeading><DescriptorName UI="D008697" MajorTopicYN="N">Methane</DescriptorName>
      <QualifierName UI="Q000378" MajorTopicYN="Y">metabolism</QualifierName>
      <QualifierName UI="Q000737" MajorTopicYN="N">chemistry</QualifierName></MeshHeading>
    <MeshHeading><DescriptorName UI="D006801" MajorTopicYN="N">Humans</DescriptorName></MeshHeading>
    <MeshHeading><DescriptorName UI="D012722" MajorTopicYN="Y">Sewage</DescriptorName></MeshHeading>
  </MeshHeadingList>
  <KeywordList Owner="NASA"><Keyword>space</Keyword></KeywordList>
  <KeywordList Owner="NOTNLM"><Keyword>CO<sub>2</sub></Keyword><Keyword> </Keyword></KeywordList>
</MedlineCitation>
<PubmedData>
  <ArticleIdList><ArticleId IdType="pubmed">123</ArticleId><ArticleId IdType="doi">10.1/own</ArticleId>
    <ArticleId IdType="pmc">PMC77</ArticleId></ArticleIdList>
  <ReferenceList><Reference><ArticleIdList><ArticleId IdType="doi">10.1/cited</ArticleId>
    <ArticleId IdType="pmc">PMC999</ArticleId></ArticleIdList></Reference></ReferenceList>
</PubmedData>
</PubmedArticle></PubmedArticleSet>
"""


def _read(document: str) -> Article:
    [article] = read_pubmed_xml(io.BytesIO(document.encode()))
    assert isinstance(article, Article)
    return article


def _citation(inside: str, article: str = "", data: str = "") -> Article:
    return _read(
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID>"
        f"<Article>{article}</Article>{inside}</MedlineCitation>{data}</PubmedArticle></PubmedArticleSet>"
    )


def test_every_field() -> None:
    assert _read(FULL) == Article(
        pmid=123,
        title="A title.",
        journal="Journal of tests",
        pub_date="2011-01",
        year=2011,
        authors=("Ångström, Anders J", "King, ML Jr", "Plato", "The E. coli Group"),
        mesh=(
            MeshHeading("D008697", "Methane", True, ("metabolism", "chemistry")),
            MeshHeading("D006801", "Humans", False),
            MeshHeading("D012722", "Sewage", True),
        ),
        keywords=("space", "CO2"),
        publication_types=("Journal Article", "Review"),
        doi="10.1/own",
        pmcid="PMC77",
        language="eng, fre",
        revised=date(2020, 4, 28),
        affiliations=(AuthorAffiliation("Ångström, Anders J", ("Uppsala",)),),
        journal_abbreviation="J Test",
        status="MEDLINE",
    )


def test_a_bare_record_has_its_pmid_and_nothing_else() -> None:
    assert _read(
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID></MedlineCitation></PubmedArticle>"
        "</PubmedArticleSet>"
    ) == Article(pmid=7)


def test_identifiers_of_references_are_ignored() -> None:
    located = '<ArticleId IdType="doi">10.1/own</ArticleId>'
    assert _read(FULL.replace(located, "")).doi == "10.1/located"
    stripped = FULL.replace(located, "").replace('ValidYN="Y">10.1/located', 'ValidYN="N">10.1/located')
    assert _read(stripped).doi is None
    assert _read(FULL.replace('<ArticleId IdType="pmc">PMC77</ArticleId>', "")).pmcid is None


def test_the_journal_falls_back_to_its_abbreviations() -> None:
    ta = "<MedlineJournalInfo><MedlineTA>J Test</MedlineTA></MedlineJournalInfo>"
    iso = "<Journal><ISOAbbreviation>J. Test.</ISOAbbreviation></Journal>"
    assert _citation(ta, iso).journal == "J. Test."
    assert _citation(ta).journal == "J Test"


@pytest.mark.parametrize(
    ("date_xml", "expected"),
    [
        ("<Year>2013</Year>", "2013"),
        ("<Year>2013</Year><Month>May</Month>", "2013-05"),
        ("<Year>2013</Year><Month>05</Month><Day>7</Day>", "2013-05-07"),
        ("<Year>2013</Year><Month>5</Month><Day>31</Day>", "2013-05-31"),
        ("<Year>2013</Year><Month>Feb</Month><Day>30</Day>", "2013-02"),
        ("<Year>2013</Year><Month>13</Month><Day>1</Day>", "2013"),
        (f"<Year>2013</Year><Month>5</Month><Day>{'7' * 21}</Day>", "2013-05"),
        (f"<Year>2013</Year><Month>{'7' * 21}</Month><Day>1</Day>", "2013"),
        (f"<Year>{'7' * 21}</Year><Month>5</Month>", None),
        ("<Year>2013</Year><Day>1</Day>", "2013"),
        ("<Year>1976</Year><Season>Fall</Season>", "1976"),
        ("<MedlineDate>1998 Dec-1999 Jan</MedlineDate>", "1998-12"),
        ("<MedlineDate>2000 Spring</MedlineDate>", "2000"),
        ("<MedlineDate>2000 Mar-Apr</MedlineDate>", "2000-03"),
        ("<MedlineDate>1999 Jul 8-14</MedlineDate>", "1999-07"),
        ("<MedlineDate>Winter 2004-2005</MedlineDate>", "2004"),
        ("<MedlineDate>unknown</MedlineDate>", None),
        ("<Year>199</Year>", None),
        ("", None),
    ],
)
def test_publication_dates(date_xml: str, expected: str | None) -> None:
    article = _citation("", f"<Journal><JournalIssue><PubDate>{date_xml}</PubDate></JournalIssue></Journal>")
    assert article.pub_date == expected
    assert article.year == (int(expected[:4]) if expected else None)


def test_the_article_date_is_used_if_the_issue_has_none() -> None:
    electronic = "<ArticleDate><Year>2014</Year><Month>02</Month><Day>03</Day></ArticleDate>"
    assert _citation("", f"<Journal/>{electronic}").pub_date == "2014-02-03"


@pytest.mark.parametrize(
    "day",
    [
        "<Month>02</Month><Day>30</Day>",
        "<Month>Feb</Month><Day>3</Day>",
        "<Month>2</Month>",
        f"<Month>2</Month><Day>{'7' * 21}</Day>",
        f"<Month>{'7' * 21}</Month><Day>2</Day>",
        f"<Month>2</Month><Day>{'7' * 5000}</Day>",
        f"<Month>2</Month><Day>-{'7' * 21}</Day>",
    ],
)
def test_an_impossible_revision_date_is_none(day: str) -> None:
    assert _citation(f"<DateRevised><Year>2014</Year>{day}</DateRevised>").revised is None


@pytest.mark.parametrize(
    ("inside", "article", "expected"),
    [
        ("", '<PublicationType UI="D016441">Publication Retirada</PublicationType>', True),
        ("", "<PublicationType>Retracted Publication</PublicationType>", True),
        ("", '<PublicationType UI="D016440">Retraction of Publication</PublicationType>', False),
        ('<CommentsCorrections RefType="RetractionIn"/>', "", True),
        ('<CommentsCorrections RefType="RetractionOf"/>', "", False),
    ],
)
def test_retracted(inside: str, article: str, expected: bool) -> None:
    corrections = f"<CommentsCorrectionsList>{inside}</CommentsCorrectionsList>"
    types = f"<PublicationTypeList>{article}</PublicationTypeList>"
    assert _citation(corrections, types).retracted is expected


def test_comments_between_elements_are_ignored() -> None:
    comment = "<!-- not this -->"
    assert _read(FULL.replace("><", f">{comment}<").replace(">\n", f">{comment}\n")) == _read(FULL)


def test_the_pmcid_may_be_in_an_other_id() -> None:
    article = _citation(
        '<OtherID Source="NLM">NIHMS7 [Available on 12/22/16]</OtherID>'
        '<OtherID Source="NLM">PMC4688250 [Available on 12/22/16]</OtherID>'
    )
    assert article.pmcid == "PMC4688250"


BOOK = """
<PubmedArticleSet><PubmedBookArticle>
<BookDocument>
  <PMID Version="1">20301295</PMID>
  <ArticleIdList><ArticleId IdType="bookaccession">NBK1116</ArticleId></ArticleIdList>
  <Book>
    <PubDate><Year>1993</Year></PubDate><BookTitle book="gene">GeneReviews<sup>®</sup></BookTitle>
    <AuthorList Type="editors"><Author><LastName>Adam</LastName><ForeName>Margaret P</ForeName></Author></AuthorList>
    <AuthorList Type="authors"><Author><LastName>Book</LastName><ForeName>Author</ForeName></Author></AuthorList>
  </Book>
  <ArticleTitle book="gene" part="hd">Huntington Disease</ArticleTitle>
  <Language>eng</Language>
  <AuthorList Type="authors"><Author><LastName>Caron</LastName><ForeName>Nicholas S</ForeName></Author></AuthorList>
  <PublicationType UI="D016454">Review</PublicationType>
  <Abstract><AbstractText Label="DIAGNOSIS">By <i>HTT</i>.</AbstractText></Abstract>
  <KeywordList><Keyword>chorea</Keyword></KeywordList>
  <ContributionDate><Year>1998</Year><Month>10</Month><Day>23</Day></ContributionDate>
  <DateRevised><Year>2020</Year><Month>6</Month><Day>11</Day></DateRevised>
</BookDocument>
<PubmedBookData><ArticleIdList><ArticleId IdType="pubmed">20301295</ArticleId>
  <ArticleId IdType="doi">10.1/book</ArticleId></ArticleIdList></PubmedBookData>
</PubmedBookArticle></PubmedArticleSet>
"""


def test_a_chapter_of_a_book() -> None:
    article = _read(BOOK)
    assert article.text == "Huntington Disease DIAGNOSIS: By HTT."
    assert [article.text[it.start_char : it.end_char] for it in article.sections] == ["By HTT."]
    assert (article.pmid, article.journal, article.pub_date) == (20301295, "GeneReviews®", "1993")
    assert (article.authors, article.language, article.doi) == (("Caron, Nicholas S",), "eng", "10.1/book")
    assert (article.keywords, article.publication_types) == (("chorea",), ("Review",))
    assert article.revised == date(2020, 6, 11)


def test_a_whole_book_has_its_own_title_and_authors() -> None:
    start, end = BOOK.index("<ArticleTitle"), BOOK.index("<PublicationType")
    article = _read(BOOK[:start] + BOOK[end:])
    assert (article.title, article.journal, article.authors) == ("GeneReviews®", "GeneReviews®", ("Book, Author",))

"""Titles, abstracts and sections, compared with the standard library's XML parser."""

import gzip
import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from hypothesis import given
from hypothesis import strategies as st

from litmine.sources.pubmed_xml import read_pubmed_xml
from litmine.types import Article

# All characters that XML 1.0 allows; those in TRICKY are easily mistaken for spaces.
TRICKY = "\t\n\r \x7f\x85\xa0\u0301\u2009\u200b\u200d\u2028\u3000\ufeff\ufffd\U0001d6fd<>&\"'"
ALLOWED = st.one_of(
    st.sampled_from(TRICKY),
    st.characters(min_codepoint=0x20, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"),
)


def _escape(character: str) -> str:
    """The character as XML, as a reference where a parser would change it."""
    return f"&#{ord(character)};" if character == "\r" else escape(character)


@st.composite
def markup(draw: st.DrawFn, depth: int = 2) -> str:
    """Text with inline markup, MathML, CDATA, comments and processing instructions."""
    pieces = []
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["text", "reference", "element", "math", "cdata", "comment", "instruction"]))
        text = draw(st.text(ALLOWED, max_size=8))
        if kind == "text":
            pieces.append("".join(map(_escape, text)))
        elif kind == "reference":
            pieces.append("".join(f"&#x{ord(character):x};" for character in text))
        elif kind in ("element", "math"):
            inner = draw(markup(depth - 1)) if depth else escape(text)
            tag = draw(st.sampled_from(["i", "b", "sup", "sub", "u", "DispFormula"])) if kind == "element" else "m:mi"
            pieces.append(f"<{tag}>{inner}</{tag}>")
        elif kind == "cdata":
            pieces.append(f"<![CDATA[{text.replace(']]>', '')}]]>")
        elif kind == "comment":
            pieces.append(f"<!--{text.replace('-', '')}-->")
        else:
            pieces.append("<?page 7?>")
    return "".join(pieces)


parts = st.lists(st.tuples(st.none() | st.text(ALLOWED, max_size=6), markup()), max_size=4)


def _document(title: str, abstract: list[tuple[str | None, str]]) -> bytes:
    labelled = "".join(
        f"<AbstractText{'' if label is None else ' Label=' + quoteattr(label)}>{text}</AbstractText>"
        for label, text in abstract
    )
    return (
        '<PubmedArticleSet xmlns:m="http://www.w3.org/1998/Math/MathML"><PubmedArticle><MedlineCitation><PMID>1</PMID>'
        f"<Article><ArticleTitle>{title}</ArticleTitle><Abstract>{labelled}</Abstract>"
        "<Abstract><AbstractText>a second</AbstractText></Abstract></Article>"
        "<OtherAbstract><AbstractText>autre</AbstractText></OtherAbstract>"
        "</MedlineCitation></PubmedArticle></PubmedArticleSet>"
    ).encode()


def _normalize_spaces(text: str) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")


def _expected(article: ET.Element) -> tuple[str | None, str | None, list[tuple[str | None, str]]]:
    """Title, abstract and labelled sections, by the standard library's parser."""
    title = article.find("ArticleTitle")
    sections = [
        (_normalize_spaces(part.get("Label", "")) or None, section_text)
        for part in article.findall("Abstract[1]/AbstractText")
        if (section_text := _normalize_spaces("".join(part.itertext())))
    ]
    abstract = " ".join(f"{label}: {section_text}" if label else section_text for label, section_text in sections)
    return _normalize_spaces("".join(title.itertext()) if title is not None else "") or None, abstract or None, sections


def _assert_same(article: Article, element: ET.Element) -> None:
    title, abstract, sections = _expected(element)
    assert article.title == title
    assert article.abstract == abstract
    assert [(it.label, article.text[it.start_char : it.end_char]) for it in article.sections] == sections


@given(title=markup(), abstract=parts)
def test_any_text_is_the_string_value_of_its_xml(title: str, abstract: list[tuple[str | None, str]]) -> None:
    document = _document(title, abstract)
    [article] = read_pubmed_xml(io.BytesIO(document))
    assert isinstance(article, Article)
    element = ET.fromstring(document).find(".//Article")
    assert element is not None
    _assert_same(article, element)


def test_real_records_are_the_string_value_of_their_xml(sample_data: Path) -> None:
    files = sorted((sample_data / "pubmed").glob("*.xml.gz")) + sorted((sample_data / "pubmed" / "odd").glob("*.xml"))
    assert files
    for file in files:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        articles = [record for record in read_pubmed_xml(io.BytesIO(content)) if isinstance(record, Article)]
        citations = list(ET.fromstring(content).iter("MedlineCitation"))
        assert [str(article.pmid) for article in articles] == [citation.findtext("PMID") for citation in citations]
        for article, citation in zip(articles, citations, strict=True):
            element = citation.find("Article")
            assert element is not None
            _assert_same(article, element)


def _single_article(title: str, abstract: list[tuple[str | None, str]]) -> Article:
    [article] = read_pubmed_xml(io.BytesIO(_document(title, abstract)))
    assert isinstance(article, Article)
    return article


def test_labels_precede_sections_and_are_not_part_of_them() -> None:
    article = _single_article(
        "T<sub>4</sub>.", [("AIM", "To <i>see</i>."), (None, "We saw."), (" ", " "), ("  END\tNOTE ", "x")]
    )
    assert article.text == "T4. AIM: To see. We saw. END NOTE: x"
    assert [(it.label, article.text[it.start_char : it.end_char]) for it in article.sections] == [
        ("AIM", "To see."),
        (None, "We saw."),
        ("END NOTE", "x"),
    ]


def test_only_space_tab_and_line_break_are_white_space() -> None:
    article = _single_article(" \xa0a\n\t b\u2009\u2009c\u200b ", [(None, "d&#13;\n&#x85;e")])
    assert article.title == "\xa0a b\u2009\u2009c\u200b"
    assert article.abstract == "d \x85e"


def test_comments_and_instructions_are_removed_from_text() -> None:
    article = _single_article("be<!-- not this -->fore <?nor this?>after", [(None, "<i>in<!--c--></i><!--d-->side")])
    assert article.text == "before after inside"


def test_a_record_without_text_has_no_sections() -> None:
    article = _single_article(" <i> </i>", [("EMPTY", "\n")])
    assert (article.title, article.abstract, article.sections, article.text) == (None, None, (), "")


def test_an_abstract_without_a_title_starts_at_zero() -> None:
    article = _single_article("", [("A", "b")])
    assert article.text == "A: b"
    assert [(it.start_char, it.end_char) for it in article.sections] == [(3, 4)]

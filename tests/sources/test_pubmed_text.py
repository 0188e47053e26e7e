"""Titles, abstracts and sections, compared with the standard library's XML parser."""

import gzip
import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
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


KINDS = ["text", "reference", "element", "math", "cdata", "comment", "instruction", "power", "annotation"]
NUMBERS = ["10", "2", " 4 x 10", "(1,000", "IL-10", "B12", "m", "-", "\u2212", "5-10"]


@st.composite
def markup(draw: st.DrawFn, depth: int = 2) -> str:
    """Text with inline markup, powers, MathML, annotations, CDATA, comments and processing instructions."""
    pieces = []
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(KINDS))
        text = draw(st.text(ALLOWED, max_size=8))
        if kind == "text":
            pieces.append("".join(map(_escape, text)))
        elif kind == "reference":
            pieces.append("".join(f"&#x{ord(character):x};" for character in text))
        elif kind in ("element", "math"):
            inner = draw(markup(depth - 1)) if depth else escape(text)
            tag = draw(st.sampled_from(["i", "b", "sup", "sub", "u", "DispFormula"])) if kind == "element" else "m:mi"
            pieces.append(f"<{tag}>{inner}</{tag}>")
        elif kind == "power":
            number, exponent = draw(st.sampled_from(NUMBERS)), draw(st.sampled_from([*NUMBERS, "6", "-8", " 3 ", "2+"]))
            pieces.append(f"{number}<sup>{exponent}</sup>")
        elif kind == "annotation":
            pieces.append(f'<m:annotation encoding="application/x-tex">{escape(text)}</m:annotation>')
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
        '<OtherAbstract Language="fre"><AbstractText>autre</AbstractText></OtherAbstract>'
        "</MedlineCitation></PubmedArticle></PubmedArticleSet>"
    ).encode()


def _normalize_spaces(text: str) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")


def _string_value(element: ET.Element) -> str:
    """All text of an element but that of annotations."""
    pieces = [element.text or ""]
    for child in element:
        if not child.tag.endswith("}annotation"):
            pieces.append(_string_value(child))
        pieces.append(child.tail or "")
    return "".join(pieces)


def _expected(citation: ET.Element) -> tuple[str | None, list[tuple[str | None, str]]]:
    """Title and labelled sections, by the standard library's parser; powers have no `^`."""
    title = citation.find("Article/ArticleTitle")
    parts = citation.findall("Article/Abstract[1]/AbstractText")
    if title is None or not _normalize_spaces(_string_value(title)):
        title = citation.find("Article/VernacularTitle")
    if not any(_normalize_spaces(_string_value(part)) for part in parts):
        parts = citation.findall("OtherAbstract[@Language='eng'][1]/AbstractText")
    sections = []
    for part in parts:
        label = _normalize_spaces(part.get("Label", "")).rstrip(" :\uff1a")
        if section_text := _normalize_spaces(_string_value(part)):
            sections.append((None if label in ("", "UNLABELLED") else label, section_text))
    return _normalize_spaces(_string_value(title) if title is not None else "") or None, sections


def _assert_same(article: Article, citation: ET.Element) -> None:
    title, sections = _expected(citation)
    _assert_same_text(article.title, title)
    read = [(it.label, article.text[it.start_char : it.end_char]) for it in article.sections]
    assert [label for label, _ in read] == [label for label, _ in sections]
    for (_, text), (_, expected) in zip(read, sections, strict=True):
        _assert_same_text(text, expected)
    abstract = " ".join(f"{label}: {text}" if label else text for label, text in read)
    assert article.abstract == (abstract or None)
    assert article.text == " ".join(filter(None, (article.title, article.abstract)))


def _assert_same_text(text: str | None, expected: str | None) -> None:
    """They are the same but for the `^` of powers, and white space before an exponent."""
    if text is None or expected is None or text.count("^") == expected.count("^"):
        assert text == expected
    else:
        assert re.sub(r"\^| ", "", text) == re.sub(r"\^| ", "", expected)


@given(title=markup(), abstract=parts)
def test_any_text_is_the_string_value_of_its_xml(title: str, abstract: list[tuple[str | None, str]]) -> None:
    document = _document(title, abstract)
    [article] = read_pubmed_xml(io.BytesIO(document))
    assert isinstance(article, Article)
    citation = ET.fromstring(document).find(".//MedlineCitation")
    assert citation is not None
    _assert_same(article, citation)


def test_real_records_are_the_string_value_of_their_xml(sample_data: Path) -> None:
    files = sorted((sample_data / "pubmed").glob("*.xml.gz")) + sorted((sample_data / "pubmed" / "odd").glob("*.xml"))
    assert files
    # Records with markup or entities that were escaped twice, which the test below has.
    escaped = {14668030, 20139284}
    for file in files:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        articles = [record for record in read_pubmed_xml(io.BytesIO(content)) if isinstance(record, Article)]
        citations = list(ET.fromstring(content).iter("MedlineCitation"))
        assert [str(article.pmid) for article in articles] == [citation.findtext("PMID") for citation in citations]
        for article, citation in zip(articles, citations, strict=True):
            if article.pmid not in escaped:
                _assert_same(article, citation)


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


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("3 × 10<sup>5</sup> cells", "3 × 10^5 cells"),
        ("P = 7 × 10<sup>-9</sup>.", "P = 7 × 10^-9."),
        ("10<sup>\u22124</sup> M, 10<sup>+3</sup>, 10<sup> 2 </sup>and 10<sup>4.5</sup>", "10^\u22124 M, 10^+3, 10^2 and 10^4.5"),
        ("10<sup>3</sup>-10<sup>5</sup>/mL, 10<sup>3-5</sup>/mL", "10^3-10^5/mL, 10^3-5/mL"),
        ("4x10<sup>9</sup>/L, 4 x 10<sup>9</sup>, (2<sup>8</sup>), 1,000<sup>2</sup>", "4x10^9/L, 4 x 10^9, (2^8), 1,000^2"),
        ("2.4×10<sup>28</sup>, ~10<sup>2</sup>, =10<sup>2</sup>, µ/10<sup>5</sup>", "2.4×10^28, ~10^2, =10^2, µ/10^5"),
        ("10<sup>a4</sup>, 10<sup>/4</sup>, 10<sup>(4)</sup>, 10<sup>st</sup>, a.10<sup>3</sup>", "10a4, 10/4, 10(4), 10st, a.103"),
        ("<b>10</b><sup>6</sup>, 10<i><sup>6</sup></i>, 10<sup><i>-</i>6</sup>", "10^6, 10^6, 10^-6"),
        ("10&lt;sup&gt;6&lt;/sup&gt; and m&lt;sup&gt;2&lt;/sup&gt;", "10^6 and m2"),
        ("CD8<sup>+</sup>, Apoe<sup>-/-</sup>, SO<sub>4</sub><sup>2-</sup>", "CD8+, Apoe-/-, SO42-"),
        ("HCO<sub>3</sub><sup>-</sup>, Ca<sup>2+</sup>, H<sub>2</sub>O", "HCO3-, Ca2+, H2O"),
        ("kg/m<sup>2</sup>, min<sup>-1</sup>, Ser<sup>473</sup>, R<sup>2</sup>", "kg/m2, min-1, Ser473, R2"),
        ("<sup>18</sup>F, [1,2,6,7<sup>3</sup>H], [5.2.1.0<sup>2,6</sup>], the 2<sup>nd</sup>", "18F, [1,2,6,73H], [5.2.1.02,6], the 2nd"),
        ("IL-6<sup>1</sup>, B12<sup>3</sup>, log<sub>10</sub><sup>2</sup>, 2<sup>-\u0394\u0394Ct</sup>", "IL-61, B123, log102, 2-\u0394\u0394Ct"),
    ],
)  # fmt: skip
def test_only_powers_of_bare_numbers_have_a_sign(xml: str, text: str) -> None:
    assert _single_article("T.", [(None, xml)]).abstract == text


def test_formulas_are_read_once_and_as_they_are_presented() -> None:
    power = "<m:msup>\n <m:mn>10</m:mn>\n <m:mrow><m:mo>-</m:mo>\n<m:mn>7</m:mn></m:mrow></m:msup>"
    square = "<m:msup><m:mi>y</m:mi><m:mn>2</m:mn></m:msup>"
    tex = '<m:annotation encoding="application/x-tex">\\begin{document}$$y^{2}$$</m:annotation>'
    content = "<m:annotation-xml encoding='MathML-Content'><m:ci>y</m:ci></m:annotation-xml>"
    article = _single_article(
        f"Of <m:math><m:semantics>{square}{tex}</m:semantics></m:math>.",
        [("M", f"So <m:math><m:semantics>{square}{content}{tex}</m:semantics></m:math> is {power} m.")],
    )
    assert article.text == "Of y2. M: So y2 is 10^-7 m."


@pytest.mark.parametrize(
    ("label", "expected"),
    [("UNLABELLED", None), ("Unassigned", None), ("UNSPECIFIED:", None), (":", None), ("AIMS:", "AIMS"), ("AIMS : ", "AIMS"), ("AIMS:\uff1a", "AIMS"), ("WHY?", "WHY?"), ("A &amp; B", "A & B"), ("UNLABELLED DRUG", "UNLABELLED DRUG")],
)  # fmt: skip
def test_fillers_are_no_labels_and_one_colon_follows_a_label(label: str, expected: str | None) -> None:
    article = _single_article("T.", [(label, "We saw."), ("END", "x")])
    assert article.abstract == ("" if expected is None else f"{expected}: ") + "We saw. END: x"
    assert [(it.label, article.text[it.start_char : it.end_char]) for it in article.sections] == [
        (expected, "We saw."),
        ("END", "x"),
    ]


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("Nose &amp;amp; throat, TNF-&amp;alpha;, &amp;#x3b2;, p&amp;lt;0.01", "Nose & throat, TNF-α, β, p<0.01"),
        ("&amp;amp;amp;gt; and &amp;amp;nbsp;x", "> and \xa0x"),
        ("CO&lt;sub&gt;2&lt;/sub&gt; in &lt;i&gt;E. &lt;b&gt;coli&lt;/b&gt;&lt;/i&gt;", "CO2 in E. coli"),
        ("CO&amp;lt;sub&amp;gt;2&amp;lt;/sub&amp;gt;", "CO2"),
        ("mm&lt;PRE&gt;3&lt;/PRE&gt;; one&lt;br/&gt;two; &lt;p&gt;three&lt;/p&gt;", "mm3; one two; three"),
        ("&lt;mml:math xmlns:mml='u'&gt;&lt;mml:mi&gt;q&lt;/mml:mi&gt;&lt;mml:annotation&gt;$q$&lt;/mml:annotation&gt;&lt;/mml:math&gt;", "q"),
        ("a&lt;b and c&gt;d, if x&lt;i&gt;y, &lt;r.m.s.&gt;, R&amp;D; &amp;#1; &amp;#xD800; &amp;nosuch;", "a<b and c>d, if x<i>y, <r.m.s.>, R&D; &#1; &#xD800; &nosuch;"),
    ],
)  # fmt: skip
def test_what_was_escaped_twice_is_read_as_it_was_meant(xml: str, text: str) -> None:
    article = _single_article(xml, [("A", xml)])
    assert (article.title, article.abstract) == (text, f"A: {text}")
    [section] = article.sections
    assert article.text[section.start_char : section.end_char] == text


@given(st.text(st.sampled_from("&<>/;#xamplt123 subi:^\n"), max_size=60))
def test_mending_loses_nothing_but_tags_and_entities(text: str) -> None:
    article = _single_article(escape(text), [("A", escape(text)), (None, escape(text))])
    kept = _normalize_spaces(text)
    if not re.search(r"&[^ ]*;|<[^<>]+>", kept):
        assert article.title == (kept or None)
    sections = [article.text[it.start_char : it.end_char] for it in article.sections]
    assert sections == ([article.title] * 2 if article.title else [])


def _citation(article: str, after: str = "") -> Article:
    [record] = read_pubmed_xml(
        io.BytesIO(
            f"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article>{article}</Article>{after}"
            "</MedlineCitation></PubmedArticle></PubmedArticleSet>".encode()
        )
    )
    assert isinstance(record, Article)
    return record


def _other(text: str, attributes: str = "", label: str = "") -> str:
    return f"<OtherAbstract {attributes}><AbstractText {label}>{text}</AbstractText></OtherAbstract>"


FRENCH = _other("Autre.", 'Type="Publisher" Language="fre"')
FILLER = _other("Abstract available from the publisher.", 'Type="Publisher" Language="eng"')
ENGLISH = _other("Half of them.", 'Type="PIP" Language="eng"', 'Label="RESULT"') + _other("Later.", 'Language="eng"')


@pytest.mark.parametrize("empty", ["", "<Abstract/>", "<Abstract><AbstractText> </AbstractText></Abstract>"])
def test_the_first_english_other_abstract_counts_where_there_is_no_abstract(empty: str) -> None:
    title = "<ArticleTitle>T.</ArticleTitle>"
    article = _citation(title + empty, FRENCH + FILLER + ENGLISH)
    assert article.text == "T. RESULT: Half of them."
    [section] = article.sections
    assert article.text[section.start_char : section.end_char] == "Half of them."
    assert _citation(title + empty, _other("By default.")).abstract == "By default."
    assert (_citation(title + empty, FRENCH + FILLER).abstract, _citation(title, FRENCH).sections) == (None, ())
    own = "<Abstract><AbstractText>Own.</AbstractText></Abstract>"
    assert _citation(title + own, ENGLISH).text == "T. Own."


@pytest.mark.parametrize(
    "filler", ["[Not Available].", "[not available]", "Not Available", "[In Process Citation]", ""]
)
def test_the_vernacular_title_counts_for_a_filler(filler: str) -> None:
    vernacular = "<VernacularTitle>Sur l'asthme.</VernacularTitle>"
    assert _citation(f"<ArticleTitle>{filler}</ArticleTitle>{vernacular}").title == "Sur l'asthme."
    assert _citation(f"<ArticleTitle>{filler}</ArticleTitle>").title == (filler or None)
    assert _citation(f"<ArticleTitle>[On asthma].</ArticleTitle>{vernacular}").title == "[On asthma]."

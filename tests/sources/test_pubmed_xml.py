"""Sets of records are read from streams, also damaged ones; unsafe documents are refused."""

import io
import resource
from collections.abc import Iterator
from itertools import chain, repeat
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import SourceError
from litmine.sources import xml_stream
from litmine.sources.pubmed_xml import ParsedRecord, read_pubmed_xml
from litmine.types import Article, Deletion, UnreadableRecord


def _article(pmid: object, title: str = "A title.") -> str:
    citation = f"<MedlineCitation><PMID>{pmid}</PMID><Article><ArticleTitle>{title}</ArticleTitle></Article>"
    return f"<PubmedArticle>{citation}</MedlineCitation></PubmedArticle>"


def _set(*records: str) -> str:
    return f"<PubmedArticleSet>{''.join(records)}</PubmedArticleSet>"


def _read(document: str | bytes) -> list[ParsedRecord]:
    return list(read_pubmed_xml(io.BytesIO(document.encode() if isinstance(document, str) else document)))


def _read_until_error(stream: BinaryIO) -> tuple[list[ParsedRecord], SourceError]:
    records: list[ParsedRecord] = []
    with pytest.raises(SourceError) as caught:
        records.extend(_append_all(records, read_pubmed_xml(stream)))
    return records, caught.value


def _append_all(records: list[ParsedRecord], new_records: Iterator[ParsedRecord]) -> list[ParsedRecord]:
    for record in new_records:
        records.append(record)  # noqa: PERF402 -- keeps the records before an error
    return []


def test_articles_and_deletions_in_the_order_of_the_file() -> None:
    deletions = "<DeleteCitation><PMID>2</PMID><PMID>3</PMID></DeleteCitation>"
    book = "<PubmedBookArticle><BookDocument><PMID>4</PMID></BookDocument></PubmedBookArticle>"
    document = _set(
        _article(1), book, _article(1, "Again."), deletions, "<DeleteDocument><PMID>5</PMID></DeleteDocument>"
    )
    assert _read(document) == [
        Article(1, "A title."),
        Article(4),
        Article(1, "Again."),
        Deletion(2),
        Deletion(3),
        Deletion(5),
    ]


def test_the_root_element_of_files_before_2017() -> None:
    citation = "<MedlineCitation><PMID>1</PMID></MedlineCitation>"
    document = f"<MedlineCitationSet>{citation}<DeleteCitation><PMID>2</PMID></DeleteCitation></MedlineCitationSet>"
    assert _read(document) == [Article(1), Deletion(2)]


@pytest.mark.parametrize(
    "document", ["<PubmedArticleSet/>", "\n\n<?xml version='1.0'?><PubmedArticleSet/>", "\ufeff" + _set()]
)
def test_an_empty_set_has_no_records(document: str) -> None:
    assert _read(document) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_any_declared_encoding(encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?>' + _set(_article(1, "naïve"))
    assert _read(document.encode(encoding)) == [Article(1, "naïve")]


@pytest.mark.parametrize("pmid", ["", "0", "-4", "1.5", "abc", "²", "9223372036854775808", "1" * 5000])
def test_only_a_record_without_a_valid_pmid_is_lost(pmid: str) -> None:
    first, bad, last = _read(_set(_article(1), _article(pmid), _article(3)))
    assert (first, last) == (Article(1, "A title."), Article(3, "A title."))
    assert isinstance(bad, UnreadableRecord)
    assert bad.where == "record 2"
    assert "PMID" in bad.why


def test_only_a_record_without_a_citation_is_lost() -> None:
    bad, good = _read(_set("<PubmedArticle/>", _article(3)))
    assert bad == UnreadableRecord("record 1", "The record has no MedlineCitation.")
    assert good == Article(3, "A title.")


def test_only_an_invalid_deletion_is_lost() -> None:
    bad, good = _read(_set("<DeleteCitation><PMID>x</PMID><PMID>3</PMID></DeleteCitation>"))
    assert isinstance(bad, UnreadableRecord)
    assert good == Deletion(3)


def test_the_greatest_pmid() -> None:
    assert _read(_set(_article(2**63 - 1))) == [Article(2**63 - 1, "A title.")]


@pytest.mark.parametrize("document", ["<html><body/></html>", "<eFetchResult><ERROR>x</ERROR></eFetchResult>"])
def test_another_root_element_is_refused(document: str) -> None:
    with pytest.raises(SourceError, match=r"The XML has the root element <\w+>, not one of PubmedArticleSet"):
        _read(document)


@pytest.mark.parametrize(
    "document", ["", "<", "<!DOCTYPE x", "<?xml version='1.0' encoding='utf-7'?><PubmedArticleSet/>"]
)
def test_damage_before_the_root_element(document: str) -> None:
    with pytest.raises(SourceError, match="The XML is damaged"):
        _read(document)


def test_an_endless_prologue_is_not_read_completely() -> None:
    stream = io.BytesIO(b"<!--" + b"x" * (4 << 20) + b"--><PubmedArticleSet/>")
    with pytest.raises(SourceError, match="no element in its first 1 MiB"):
        list(read_pubmed_xml(stream))
    assert stream.tell() < 2 << 20


@pytest.mark.parametrize("cut", [1, 10, 100, 150])
def test_every_complete_record_before_damage_is_read(cut: int) -> None:
    whole = _set(*(_article(pmid) for pmid in range(1, 2001))).encode()
    records, error = _read_until_error(io.BytesIO(whole[:-cut]))
    expected = whole[:-cut].count(b"</PubmedArticle>")
    assert 1998 <= expected <= 2000
    assert records == [Article(pmid, "A title.") for pmid in range(1, expected + 1)]
    assert str(error).startswith("The XML is damaged: ")


DAMAGE = {
    b"<oops>": "is damaged: Opening and ending tag mismatch",
    b"&#1;": "is damaged: xmlParseCharRef: invalid xmlChar value 1",
    b"\x01": "has the character U+0001, which XML forbids",
    b"\x0b": "has the character U+000B, which XML forbids",
    b"\0": "has the character U+0000, which XML forbids",
    b"\xef\xbf\xbf": "is damaged: ",
    b"\xff": "is not UTF-8",
    b"</Article>": "is damaged: Opening and ending tag mismatch",
    b"&nbsp;": "is damaged: Entity 'nbsp' not defined",
    b"R&D": "is damaged: ",
    b"a < b": "is damaged: ",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("filling", ["", "word " * 40_000], ids=["short", "longer than a chunk"])
def test_damage_inside_a_record_costs_this_record(damage: bytes, filling: str) -> None:
    document = _set(_article(1), _article(2, f"{filling}@{filling}"), _article(3), _article(4)).encode()
    first, bad, *others = _read(document.replace(b"@", damage))
    assert [first, *others] == [Article(1, "A title."), Article(3, "A title."), Article(4, "A title.")]
    assert isinstance(bad, UnreadableRecord)
    assert bad.where == "record 2 (PMID 2)"
    assert bad.why.startswith(f"The record {DAMAGE[damage]}")


@pytest.mark.parametrize(
    "damage", [b"</PubmedArticle>", b"<PubmedArticle>", b"</PubmedArticleSet>", b"<!--", b"<![CDATA["]
)
def test_damage_to_the_borders_of_a_record_is_reported(damage: bytes) -> None:
    document = _set(_article(1), _article(2, "@"), _article(3)).encode().replace(b"@", damage)
    records: list[ParsedRecord] = []
    problems = []
    try:
        records.extend(_append_all(records, read_pubmed_xml(io.BytesIO(document))))
    except SourceError as error:
        problems.append(str(error))
    problems += [record.why for record in records if isinstance(record, UnreadableRecord)]
    assert problems
    assert all("The XML is damaged" in problem or problem.startswith("The record ") for problem in problems)
    assert records[0] == Article(1, "A title.")


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 300)), max_size=60), st.integers(1, 400))
def test_only_damaged_records_are_lost_wherever_chunks_end(records: list[tuple[bool, int]], size: int) -> None:
    document = _set(*(_article(n, "x" * long + "@" * good) for n, (good, long) in enumerate(records, 1)))
    document = document.replace("@</", "</").replace("x</", "\x0b</") if records else document
    good = [n for n, (_, long) in enumerate(records, 1) if not long]
    read = list(read_pubmed_xml(_SmallReads(document.encode(), size)))
    assert [it.pmid for it in read if isinstance(it, Article)] == good
    bad = [it.where for it in read if isinstance(it, UnreadableRecord)]
    assert bad == [f"record {n} (PMID {n})" for n in range(1, len(records) + 1) if n not in good]


class _SmallReads(io.BytesIO):
    """Returns at most `size` bytes at once."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self._size = size

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._size if size is None or size < 0 else min(size, self._size))


def test_a_damaged_record_does_not_let_a_declared_entity_in() -> None:
    document = _set(_article(1, "\x01")) + '<!DOCTYPE PubmedArticleSet [<!ENTITY a "b">]>' + _set(_article(2))
    records, error = _read_until_error(io.BytesIO(document.encode()))
    assert [type(record) for record in records] == [UnreadableRecord]
    assert "declares entities" in str(error)


DECLARATION = '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD" "https://localhost:9/x.dtd">\n'


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 15])
@pytest.mark.parametrize("prologue", ["", "\n", DECLARATION, "\n\n" + DECLARATION])
def test_several_documents_in_one_file(prologue: str, size: int) -> None:
    documents = [_set(_article(1), _article(2)), _set(), "<PubmedArticleSet/>", _set(_article("x"), _article(3)) + "\n"]
    content = DECLARATION + prologue.join(documents)
    *good, bad, last = read_pubmed_xml(_SmallReads(content.encode(), size))
    assert [*good, last] == [Article(1, "A title."), Article(2, "A title."), Article(3, "A title.")]
    assert isinstance(bad, UnreadableRecord)
    assert bad.where == "record 3"


def test_documents_of_other_kinds_after_the_first_are_read_or_refused() -> None:
    old = "<MedlineCitationSet><MedlineCitation><PMID>2</PMID></MedlineCitation></MedlineCitationSet>"
    assert _read(_set(_article(1)) + old) == [Article(1, "A title."), Article(2)]
    for other, message in {"<html/>": "root element <html>", "more": "damaged", "<": "damaged"}.items():
        records, error = _read_until_error(io.BytesIO((_set(_article(1)) + other).encode()))
        assert records == [Article(1, "A title.")]
        assert message in str(error)


def test_elements_that_are_no_records_are_reported() -> None:
    document = _set("<Odd/>", _article(1), "<pubmedarticle><PMID>2</PMID></pubmedarticle>", _article(3), "<Last/>")
    assert _read(document) == [
        Article(1, "A title."),
        UnreadableRecord("before record 1", "The element <Odd> is no record of PubMed and was not read."),
        Article(3, "A title."),
        UnreadableRecord("after record 1", "The element <pubmedarticle> is no record of PubMed and was not read."),
        UnreadableRecord("after record 2", "The element <Last> is no record of PubMed and was not read."),
    ]


def test_records_in_a_namespace_are_reported() -> None:
    [bad] = _read(_set(_article(1)).replace("Set>", 'Set xmlns="urn:a">', 1))
    why = "The element <{urn:a}PubmedArticle> is no record of PubMed and was not read."
    assert bad == UnreadableRecord("before record 1", why)


BILLION_LAUGHS = '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">'


@pytest.mark.parametrize(
    "subset",
    [
        '<!ENTITY a "harmless">',
        BILLION_LAUGHS,
        BILLION_LAUGHS + '<!ATTLIST PubmedArticleSet x CDATA "&c;">',
        '<!ENTITY a SYSTEM "file:///etc/hostname">',
        '<!ENTITY a SYSTEM "http://localhost:9/">',
        '<!ENTITY % a "<!ELEMENT x ANY>"> %a;',
        '<!ENTITY % a SYSTEM "http://localhost:9/"> %a;',
        '%undeclared; <!ENTITY a "behind a reference">',
        '<!ENTITY lt "&#38;#60;">',
        '<!NOTATION n SYSTEM "n"><!ENTITY a SYSTEM "a.gif" NDATA n>',
    ],
)
@pytest.mark.parametrize(
    "doctype", ["PubmedArticleSet", 'PubmedArticleSet PUBLIC "-//NLM//DTD" "https://localhost:9/x.dtd"']
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_that_declares_an_entity_is_refused(subset: str, doctype: str, encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE {doctype} [{subset}]>' + _set(_article(1))
    records, error = _read_until_error(io.BytesIO(document.encode(encoding)))
    assert records == []
    assert "declares entities" in str(error)


def test_a_dtd_without_entities_is_read_and_no_other_file() -> None:
    doctype = 'PubmedArticleSet PUBLIC "-//NLM//DTD" "https://localhost:9/x.dtd"'
    document = f'<!DOCTYPE {doctype} [<!ELEMENT PMID ANY><!-- 100 %; <!ENTITY a "b"> -->]>'
    assert _read(document + _set(_article(1))) == [Article(1, "A title.")]


def test_a_record_with_an_undeclared_entity_is_reported_and_not_shortened() -> None:
    doctype = '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD" "https://localhost:9/x.dtd">'
    first, bad, last = _read(doctype + _set(_article(1), _article(2, "one &nbsp; <i>two</i>"), _article(3)))
    assert (first, last) == (Article(1, "A title."), Article(3, "A title."))
    assert bad == UnreadableRecord("record 2", "The record uses the undeclared entity &nbsp;.")


def test_a_text_beyond_the_parsers_usual_limit() -> None:
    long = "word " * 2_200_000
    [article] = _read(_set(_article(1, long)))
    assert isinstance(article, Article)
    assert article.title == long.strip()


ENDLESS = {
    "junk": (b"<PubmedArticleSet>", b"<a>junk</a>" * 1000),
    "an unfinished record": (b"<PubmedArticleSet><PubmedArticle>", b"<a>junk</a>" * 1000),
    "text": (b"<PubmedArticleSet><PubmedArticle>", b"x" * 10_000),
    "an attribute": (b"<PubmedArticleSet><PubmedArticle a='", b"x" * 10_000),
    "a comment": (b"<PubmedArticleSet><!--", b"x" * 10_000),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_data_without_a_complete_record_are_not_read_completely(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small gzip file may decompress to gigabytes, all of which the parser would keep in memory."""
    monkeypatch.setattr(xml_stream, "MAX_RECORD_BYTES", 1 << 18)
    start, more = ENDLESS[kind]
    document = io.BytesIO(start.replace(b">", b">" + _article(1).encode(), 1) + more * (4_000_000 // len(more)))
    records, error = _read_until_error(document)
    assert records == [Article(1, "A title.")]
    assert "no complete record" in str(error)
    assert document.tell() < 1 << 20


def test_nesting_is_limited() -> None:
    document = io.BytesIO(b"<PubmedArticleSet><PubmedArticle>" + b"<a>" * 1_000_000)
    _, error = _read_until_error(document)
    assert "Excessive depth" in str(error)


class _LongSet(io.BytesIO):
    """A set of 30 times `copies` records, of which at most 30 are in memory."""

    def __init__(self, copies: int, before: str = "", after: str = "") -> None:
        super().__init__()
        record = before + _article(1, "A title of some length. " * 40) + after
        self._chunks = chain(["<PubmedArticleSet>"], repeat(record * 30, copies), ["</PubmedArticleSet>"])

    def read(self, _: int | None = -1) -> bytes:
        return next(self._chunks, "").encode()


@pytest.mark.parametrize(("before", "after"), [("", ""), ("<x><y>" + "<z/>" * 100 + "</y>", "</x>")])
def test_memory_does_not_grow_with_the_file(before: str, after: str) -> None:
    def peak_kib(copies: int) -> int:
        assert len([None for _ in read_pubmed_xml(_LongSet(copies, before, after))]) == copies * 30
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    small = peak_kib(50)
    assert peak_kib(1000) - small < 8_000  # for 30 MB of XML, whose tree is many times larger

"""PubTator documents: text is unchanged, so that offsets hold, and unusable lines are reported by number."""

import io
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import SourceError
from litmine.sources import pubtator
from litmine.sources.pubtator import PubtatorDocument, read_pubtator, read_pubtator_documents
from litmine.sources.read_record import ReadRecord
from litmine.types import Article, Section, UnreadableRecord

TITLE = "  β-blockers | hypotension\u2028 "
ABSTRACT = "They  lower\tit\u00a0."


def read(*lines: str | bytes, end: bytes = b"\n") -> list[Article | UnreadableRecord]:
    encoded = [line if isinstance(line, bytes) else line.encode() for line in lines]
    return records(io.BytesIO(b"".join(line + end for line in encoded)))


def records(stream: BinaryIO) -> list[Article | UnreadableRecord]:
    return [it.record if isinstance(it, ReadRecord) else it for it in read_pubtator(stream)]  # type: ignore[misc]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_text_is_unchanged(end: bytes, mark: bytes) -> None:
    [first, second] = read(
        mark + f"1|t|{TITLE}".encode(),
        f"1|a|{ABSTRACT}",
        "1\t2\t12\tβ-blockers\tChemical\tD000319",
        "1\tCID\tD000319\tD007022",
        "",
        "2|t|Title",
        "2|a|",
        end=end,
    )
    assert isinstance(first, Article)
    assert first == Article(1, TITLE, ABSTRACT, (Section(None, len(TITLE) + 1, len(TITLE) + 1 + len(ABSTRACT)),))
    assert first.text[2:12] == "β-blockers"
    assert second == Article(2, "Title")


@pytest.mark.parametrize(
    ("lines", "article"),
    [
        (("1|t|", "1|a|Abstract"), Article(1, None, "Abstract", (Section(None, 0, 8),))),
        (("1|t|", "1|a|"), Article(1)),
        (("1|t|Title",), Article(1, "Title")),
        (("1|t|a|t|b",), Article(1, "a|t|b")),
        (("", " ", "1|t|Title", "\t"), Article(1, "Title")),
    ],
)
def test_parts_of_a_document_may_be_missing(lines: tuple[str, ...], article: Article) -> None:
    assert read(*lines) == [article]


def test_a_blank_line_between_documents_may_be_missing() -> None:
    assert read("1|t|One", "1|a|A", "2|t|Two", "3|t|Three") == [
        Article(1, "One", "A", (Section(None, 4, 5),)),
        Article(2, "Two"),
        Article(3, "Three"),
    ]


def test_text_may_continue_on_the_next_lines() -> None:
    [one, two] = read(
        "1|t|Cough", "and wheeze", "1|a|AIM: Rest.", "RESULT: It helps.", "1\t0\t5\tCough\tDisease", "2|t|B"
    )
    assert isinstance(one, Article)
    assert (one.title, one.abstract) == ("Cough\nand wheeze", "AIM: Rest.\nRESULT: It helps.")
    assert one.text[one.sections[0].start_char : one.sections[0].end_char] == one.abstract
    assert two == Article(2, "B")


def test_blank_lines_within_a_document_are_skipped() -> None:
    assert read("1|t|One", "", "1|a|A", "", "1\t0\t3\tOne\tGene") == [Article(1, "One", "A", (Section(None, 4, 5),))]


LATIN_1 = (
    "is not UTF-8 (perhaps Latin-1 or Windows-1252); save the file as UTF-8, for example with:"
    " iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW."
)
UNSURE = (
    "may be text or a damaged annotation, so its document was not read: {}; put title and abstract on one line each."
)


@pytest.mark.parametrize(
    ("lines", "number", "why", "pmids"),
    [
        (["PMC1|t|Title", "PMC1|a|Abstract"], 1, "has 'PMC1' instead of a PMID.", [9]),
        (["1|t|Title", b"1|a|\xff", "1\t0\t5\tTitle\tGene", "1|a|x"], 2, LATIN_1, [9]),
        ([b"1|t|\xff", "1|a|Abstract"], 1, LATIN_1, [9]),
        (["1|t|Title", "1|a|A", b"more \xff"], 3, LATIN_1, [9]),
        (["1|t|Title", "2|a|Abstract"], 2, "is an abstract without its title: '2|a|Abstract'.", [9]),
        (["1|a|Abstract", "1\t0\t5\tTitle\tGene"], 1, "is an abstract without its title: '1|a|Abstract'.", [9]),
        (["1|t|Title", "1|a|A", "1|a|B"], 3, "is a second abstract: '1|a|B'.", [9]),
        (["2|a|Abstract", "2|t|Title"], 1, "is an abstract without its title: '2|a|Abstract'.", [9]),
        (
            ["2|a|Abstract", "", "2|t|Title", "2\t0\t5\tTitle\tGene"],
            1,
            "is an abstract without its title: '2|a|Abstract'.",
            [9],
        ),
        (
            ["1|t|Title", "1|a|A", "", "2|a|Abstract", "2|t|Title"],
            4,
            "is an abstract without its title: '2|a|Abstract'.",
            [1, 9],
        ),
        (
            ["1|t|Title", "1|a|A", "", "2|a|Abstract", "3|t|Title"],
            4,
            "is an abstract without its title: '2|a|Abstract'.",
            [1, 3, 9],
        ),
        (["1|t|Title", b"1\t0\t5\t\xff\tGene"], 2, LATIN_1, [1, 9]),
        (["1|t|Title", "1\t0\t5\tTitle\tGene", "what is this"], 3, "is not PubTator: 'what is this'.", [1, 9]),
        (["1|t|Title", "1\t0\t5"], 2, UNSURE.format("'1\\t0\\t5'"), [9]),
        (["1|t|Title", "1 0 5 Title Gene"], 2, UNSURE.format("'1 0 5 Title Gene'"), [9]),
        (["1|t|Title", "1|a|One.", "", "Two."], 4, UNSURE.format("'Two.'"), [9]),
        (["1|t|Title", "2\t0\t5\tTitle\tGene"], 2, "is not PubTator: '2\\t0\\t5\\tTitle\\tGene'.", [1, 9]),
    ],
)
def test_an_unusable_line_is_reported_and_the_rest_is_read(
    lines: list[str | bytes], number: int, why: str, pmids: list[int]
) -> None:
    found = read(*lines, "", "9|t|Nine")
    assert [it for it in found if isinstance(it, UnreadableRecord)] == [
        UnreadableRecord(f"line {number}", f"The line {why}")
    ]
    assert [it.pmid for it in found if isinstance(it, Article)] == pmids


def test_documents_for_a_corpus() -> None:
    stream = io.BytesIO(b"\nPMC1|t|Title\nPMC1|a|Abstract\nPMC1\t6\t14\tAbstract\tGene\n")
    [document] = read_pubtator_documents(stream)
    assert document == PubtatorDocument(2, "PMC1", "Title", "Abstract", [(4, ["PMC1", "6", "14", "Abstract", "Gene"])])
    assert document.text[6:14] == "Abstract"


def test_an_endless_line_is_refused() -> None:
    class Endless(io.RawIOBase):
        def readline(self, size: int | None = -1, /) -> bytes:
            return b"1|t|" + b"x" * ((size or 0) - 4)

    with pytest.raises(SourceError, match="Line 1 is longer than 32 MiB"):
        list(read_pubtator(Endless()))  # type: ignore[arg-type]


LINE = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]))


@given(documents=st.lists(st.tuples(LINE, LINE), max_size=4))
def test_any_text_is_unchanged(documents: list[tuple[str, str]]) -> None:
    lines = [line for i, (t, a) in enumerate(documents, 1) for line in (f"{i}|t|{t}", f"{i}|a|{a}", "")]
    found = [(it.title, it.abstract) for it in read(*lines) if isinstance(it, Article)]
    assert found == [(title or None, abstract or None) for title, abstract in documents]


def test_mentions_of_the_sample_documents_match_their_offsets(sample_data: Path) -> None:
    with (sample_data / "documents" / "NCBI-disease_dev.pubtator").open("rb") as stream:
        documents = [it for it in read_pubtator_documents(stream) if isinstance(it, PubtatorDocument)]
        stream.seek(0)
        texts = {it.pmid: it.text for it in records(stream) if isinstance(it, Article)}
    mentions = [columns for document in documents for _, columns in document.annotations]
    assert len(mentions) > 20
    for pmid, start, end, mention, *_ in mentions:
        assert texts[int(pmid)][int(start) : int(end)] == mention


def test_a_document_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pubtator, "MAX_RECORD_BYTES", 1000)
    stream = io.BytesIO(b"1|t|One\n\n2|t|Two\n" + b"2\t0\t3\tTwo\tGene\n" * 100_000)
    reading = read_pubtator(stream)
    assert next(reading) == ReadRecord(Article(1, "One"))
    with pytest.raises(SourceError, match=r"The document before line [0-9]{2} is larger than"):
        next(reading)
    assert stream.tell() < 2000

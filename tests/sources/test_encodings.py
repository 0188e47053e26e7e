"""A text reads the same in UTF-8 and UTF-16, marked or not; what is in another encoding is named, never guessed."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import QuestionError, SourceError
from litmine.sources import encodings
from litmine.sources.encodings import decode_start, decode_text
from litmine.sources.formats import read_records
from litmine.sources.lines import numbered_lines
from litmine.sources.questions import read_questions
from litmine.sources.read_record import ReadRecord
from litmine.types import UnreadableRecord

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff|"), min_size=1)
# A text of one line that no format takes for its own marks; ends are stripped by some formats.
LINES = WORDS.map(lambda text: f"x{' '.join(text.split())}x")


def in_format(name: str, title: str, abstract: str) -> str:
    match name:
        case "jsonl":
            return json.dumps({"pmid": 1, "title": title, "abstract": abstract}, ensure_ascii=False) + "\n"
        case "pubtator":
            return f"1|t|{title}\n1|a|{abstract}\n"
        case "medline":
            return f"PMID- 1\nTI  - {title}\nAB  - {abstract}\n"
    return f"TY  - JOUR\nAN  - PMID:1\nTI  - {title}\nAB  - {abstract}\nER  - \n"


def read(content: bytes) -> list[object]:
    return list(read_records(io.BufferedReader(io.BytesIO(content))))


@pytest.mark.parametrize("name", ["jsonl", "pubtator", "medline", "ris"])
@given(LINES, LINES)
def test_any_text_reads_the_same_in_every_encoding(name: str, title: str, abstract: str) -> None:
    text = in_format(name, title, abstract)
    first, *others = [read(text.encode(encoding)) for encoding in ENCODINGS]
    [record] = first
    assert isinstance(record, ReadRecord)
    assert (record.record.title, record.record.abstract) == (title, abstract)  # type: ignore[union-attr]
    assert all(other == first for other in others)


@pytest.mark.parametrize("name", ["jsonl", "pubtator", "medline", "ris"])
@given(LINES, LINES)
def test_latin_1_is_ascii_or_named(name: str, title: str, abstract: str) -> None:
    title, abstract = (text.encode("latin-1", "ignore").decode("latin-1") for text in (title, abstract))
    found = read(in_format(name, title, abstract).encode("latin-1"))
    for it in found:
        if isinstance(it, UnreadableRecord):
            assert "is not UTF-8 (perhaps Latin-1 or Windows-1252)" in it.why
            assert "save the file as UTF-8" in it.why
        else:
            # Some letters of Latin-1 are UTF-8 by chance; nothing tells these apart.
            assert it == read(in_format(name, title, abstract).encode("latin-1").decode("utf-8").encode())[0]
    assert len(found) == 1


@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))), st.integers(1, 9))
def test_lines_of_utf_16_are_those_of_utf_8(lines: list[str], chunk: int) -> None:
    text = "\n".join(["first", *lines])
    expected = list(numbered_lines(io.BytesIO(text.encode())))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encodings, "_CHUNK_BYTES", chunk)
        assert list(numbered_lines(io.BytesIO(text.encode("utf-16")))) == expected
        assert list(numbered_lines(io.BytesIO(text.encode("utf-16-be")))) == expected


def test_a_damaged_line_of_utf_16_is_no_utf_8_and_the_rest_is_read() -> None:
    content = "\ufeffgood\nb\ud800d\ngood".encode("utf-16-le", "surrogatepass") + b"\n"
    (_, first), (_, bad), (_, last) = numbered_lines(io.BytesIO(content))
    assert first == b"good"
    with pytest.raises(UnicodeDecodeError):
        bad.decode()
    # The line break has lost its second byte.
    with pytest.raises(UnicodeDecodeError):
        last.decode()


def test_utf_32_is_refused() -> None:
    for read_start in (decode_start, decode_text):
        with pytest.raises(SourceError, match="UTF-32, which is not read; save it as UTF-8"):
            read_start("{}".encode("utf-32"))


def test_questions_of_another_encoding_are_read_or_named(tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    for encoding in ENCODINGS:
        file.write_bytes("question\nIs β good?\n".encode(encoding))
        assert [question.text for question in read_questions(file)] == ["Is β good?"]
    file.write_bytes("question\nIs na\xefve good?\n".encode("latin-1"))
    with pytest.raises(QuestionError, match=r"line 2: it is not UTF-8 \(perhaps Latin-1 or Windows-1252\); save"):
        read_questions(file)
    file.write_bytes("question\nIs it?".encode("utf-16")[:-1])
    with pytest.raises(QuestionError, match="damaged UTF-16"):
        read_questions(file)

"""Reading articles from JSON Lines."""

import io
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import SourceError
from litmine.sources.jsonl import read_jsonl
from litmine.sources.read_record import ReadRecord
from litmine.types import BARE_TEXT, RECORD, Article, Correction, MeshHeading, Section, SourceNote, UnreadableRecord


def _read(content: str | bytes) -> list[tuple[Article, int] | UnreadableRecord | SourceNote]:
    """What a file has; of a bare text the article and the number of surrogates that became U+FFFD."""
    found = read_jsonl(io.BytesIO(content.encode() if isinstance(content, str) else content))
    return [it[:2] if isinstance(it, ReadRecord) else it for it in found]  # type: ignore[misc]


def test_a_title_and_an_abstract() -> None:
    assert _read('{"pmid": 1, "title": "T.", "abstract": "An abstract."}\n') == [
        (Article(1, "T.", "An abstract.", (Section(None, 3, 15),)), 0)
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"pmid": 1}', Article(1)),
        ('{"pmid": "0012"}', Article(12)),
        ('{"pmid": 9223372036854775807}', Article(2**63 - 1)),
        ('{"pmid": 1, "title": "", "abstract": null}', Article(1)),
        ('{"pmid": 1, "title": null, "abstract": "b"}', Article(1, None, "b", (Section(None, 0, 1),))),
        ('{"pmid": 1, "title": " a\\n\\u0000  b "}', Article(1, " a\n\x00  b ")),
    ],
)
def test_fields_of_a_line_may_be_missing(line: str, expected: Article) -> None:
    assert _read(line) == [(expected, 0)]


@given(
    title=st.none() | st.text(min_size=1),
    abstract=st.none() | st.text(min_size=1),
    ascii_only=st.booleans(),
)
def test_any_text_is_unchanged(title: str | None, abstract: str | None, ascii_only: bool) -> None:
    line = json.dumps({"pmid": 5, "title": title, "abstract": abstract}, ensure_ascii=ascii_only)
    [(article, mended)] = _read(line + "\n")  # type: ignore[misc]
    assert isinstance(article, Article)
    assert (article.title, article.abstract, mended) == (title, abstract, 0)
    assert [article.text[it.start_char : it.end_char] for it in article.sections] == ([abstract] if abstract else [])


def test_only_lone_surrogates_are_replaced_and_counted() -> None:
    [(article, mended)] = _read(r'{"pmid": 1, "title": "a\ud800b\udc00", "abstract": "\ud83d\ude00\udfff"}')  # type: ignore[misc]
    assert isinstance(article, Article)
    assert (article.title, article.abstract, mended) == ("a\ufffdb\ufffd", "\U0001f600\ufffd", 3)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"pmid": ' + b"1" * 10_000 + b"}", "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b'"text"', "is not a JSON object"),
        (b'{"title": "no PMID"}', 'has no "pmid"'),
        (b'{"pmid": null}', 'has no "pmid"'),
        (b'{"pmid": true}', '"pmid" that is not'),
        (b'{"pmid": 0}', '"pmid" that is not'),
        (b'{"pmid": -1}', '"pmid" that is not'),
        (b'{"pmid": 1.0}', '"pmid" that is not'),
        (b'{"pmid": "12a"}', '"pmid" that is not'),
        ('{"pmid": "１２"}'.encode(), '"pmid" that is not'),
        (b'{"pmid": 9223372036854775808}', '"pmid" that is not'),
        (b'{"pmid": 1, "title": 5}', '"title" that is not a string'),
        (b'{"pmid": 1, "abstract": ["a"]}', '"abstract" that is not a string'),
        (b'{"pmid": 1, "title": "\xff"}', "is not UTF-8"),
        (b'{"pmid": 1, "title": "\xed\xa0\x80"}', "is not UTF-8"),
    ],
)
def test_an_invalid_line_is_reported_and_the_rest_is_read(line: bytes, why: str) -> None:
    first, bad, last = _read(b'{"pmid": 1}\n\n' + line + b'\n{"pmid": 4}')
    assert (first, last) == ((Article(1), 0), (Article(4), 0))
    assert isinstance(bad, UnreadableRecord)
    assert bad.where == "line 3"
    assert why in bad.why


def test_blank_lines_and_a_byte_order_mark_are_skipped() -> None:
    assert _read(b'\xef\xbb\xbf\r\n \t\n{"pmid": 1}\r\n\n') == [(Article(1), 0)]
    assert _read(b'\xef\xbb\xbf{"pmid": 1}') == [(Article(1), 0)]
    assert _read(b"") == []


def test_an_endless_line_is_not_read_completely() -> None:
    stream = io.BytesIO(b'{"pmid": 1}\n{' + b" " * (65 << 20))
    reading = read_jsonl(stream)
    assert next(reading) == ReadRecord(Article(1))
    with pytest.raises(SourceError, match="Line 2 is longer than 32 MiB"):
        next(reading)


def read_line(**values: object) -> tuple[Article, list[str]]:
    """The article of one line, and the notes."""
    record, *notes = read_jsonl(io.BytesIO(json.dumps({"pmid": 7, "title": "A.", **values}).encode()))
    assert isinstance(record, ReadRecord)
    assert record.record_class == BARE_TEXT
    assert isinstance(record.record, Article)
    return record.record, [note.what for note in notes if isinstance(note, SourceNote)]


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"year": 2004, "journal": "J Ex", "doi": "10.1/x"}, {"year": 2004, "journal": "J Ex", "doi": "10.1/x"}),
        ({"year": "2004", "volume": 12, "journal": ""}, {"year": 2004, "volume": "12"}),
        ({"pub_date": "2013-05"}, {"pub_date": "2013-05", "year": 2013}),
        ({"retracted": True, "revised": "2020-01-02"}, {"retracted": True, "revised": date(2020, 1, 2)}),
        ({"authors": ["Doe, J"], "keywords": None}, {"authors": ("Doe, J",)}),
        ({"mesh": ["Gout"]}, {"mesh": (MeshHeading(None, "Gout", False),)}),
        (
            {"mesh": [{"name": "Gout", "major": True, "qualifiers": ["blood"]}]},
            {"mesh": (MeshHeading(None, "Gout", True, ("blood",)),)},
        ),
        ({"text": "A."}, {}),
        (
            {"publication_types": ["Journal Article", "Retracted Publication"]},
            {"publication_types": ("Journal Article", "Retracted Publication"), "retracted": True},
        ),
        (
            {"publication_types": ["Retracted Publication"], "retracted": False},
            {"publication_types": ("Retracted Publication",), "retracted": False},
        ),
        (
            {"corrections": [{"kind": "RetractionIn", "pmid": 8}]},
            {"corrections": (Correction("RetractionIn", 8, None, None),), "retracted": True},
        ),
        (
            {"corrections": [{"kind": "RetractionOf", "pmid": 8}]},
            {"corrections": (Correction("RetractionOf", 8, None, None),)},
        ),
    ],
)
def test_known_keys_are_read(values: dict[str, object], fields: dict[str, Any]) -> None:
    assert read_line(**values) == (Article(7, "A.", **fields), [])


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ({"abstractText": "Lost."}, "'abstractText' in 1 line"),
        ({"text": "Another text."}, "'text' in 1 line"),
        ({"entities": []}, "'entities' in 1 line"),
        ({"year": "soon"}, "year (not a whole number) in 1 line"),
        ({"year": 20040}, "year (not a year of four digits) in 1 line"),
        (
            {"retracted": "perhaps"},
            'retracted (not true or false: "perhaps") in 1 line; 1 article counts as not retracted, unless publication',
        ),
        ({"retracted": 2}, "retracted (not true or false: 2) in 1 line"),
        ({"pmcid": "none"}, "pmcid (not a PMCID such as PMC1234567) in 1 line"),
        ({"issn": "978-3-16-148410-0"}, "issn (not an ISSN such as 1234-567X) in 1 line"),
        ({"authors": "Doe, J"}, "authors (not a list) in 1 line"),
        ({"mesh": [{"title": "x"}]}, "mesh (not a list of objects with ui, name, major, qualifiers) in 1 line"),
        ({"pub_date": "May 2013"}, "pub_date (not a date such as 2013, 2013-05 or 2013-05-07) in 1 line"),
        (
            {"sections": [{"label": None, "start_char": 0, "end_char": 99}]},
            "sections (not a list of offsets in the abs",
        ),
        ({"a\n\u202eb": 1}, "'a\ufffd\ufffdb' in 1 line"),
        ({"litmine": {"as_of": "soon"}}, "'litmine' in 1 line"),
    ],
)
def test_what_is_not_read_is_named(values: dict[str, object], note: str) -> None:
    article, notes = read_line(**values)
    assert article == Article(7, "A.")
    assert len(notes) == 1
    assert notes[0].startswith(f"keys that were not read: {note}")


@pytest.mark.parametrize("value", ["true", " TRUE", "Yes", "y", "t", "1", 1, 1.0, True], ids=repr)
def test_a_clear_retraction_is_read(value: object) -> None:
    assert read_line(retracted=value) == (Article(7, "A.", retracted=True), [])


@pytest.mark.parametrize("value", ["false", "No", "n", "f", "0", "", 0, 0.0, False, None], ids=repr)
def test_a_clear_absence_of_a_retraction_is_read(value: object) -> None:
    assert read_line(retracted=value) == (Article(7, "A."), [])


def test_retractions_that_are_not_understood_are_counted() -> None:
    values = ["maybe", "maybe", "true", "?"]
    lines = (json.dumps({"pmid": number, "retracted": value}) for number, value in enumerate(values, 1))
    *records, note = read_jsonl(io.BytesIO("\n".join(lines).encode()))
    assert [it.record.retracted for it in records if isinstance(it, ReadRecord) and isinstance(it.record, Article)] == [
        False,
        False,
        True,
        False,
    ]
    assert isinstance(note, SourceNote)
    assert note.what == (
        'keys that were not read: retracted (not true or false: "maybe") in 2 lines, retracted (not true or false: "?")'
        " in 1 line; 3 articles count as not retracted, unless publication types or corrections say so"
    )


def test_identifiers_have_one_form() -> None:
    values = {"doi": "https://doi.org/10.1000/182", "pmcid": 123, "issn": "1234567x"}
    assert read_line(**values) == (Article(7, "A.", doi="10.1000/182", pmcid="PMC123", issn="1234-567X"), [])


def test_identifiers_of_an_exported_record_stay_as_they_are() -> None:
    line = {"pmid": 7, "doi": "doi:10.1/x", "issn": "?", "litmine": {**MARK, "version": 2}}
    [read] = read_jsonl(io.BytesIO(json.dumps(line).encode()))
    assert isinstance(read, ReadRecord)
    assert isinstance(read.record, Article)
    assert (read.record.doi, read.record.issn, read.record.version) == ("doi:10.1/x", "?", 2)


def test_unread_keys_are_counted_once_for_the_file() -> None:
    lines = [json.dumps({"pmid": number, "often": 1, f"key{number % 20}": 1}) for number in range(1, 101)]
    *records, note = read_jsonl(io.BytesIO("\n".join(lines).encode()))
    assert len(records) == 100
    assert isinstance(note, SourceNote)
    assert note.what.startswith("keys that were not read: 'often' in 100 lines, 'key1' in 5 lines, ")
    assert note.what.endswith(", and 9 more keys")


MARK = {"as_of": "2020-01-02T03:04:05.000006+00:00", "class": "record", "tables": ["entities"], "reader": 1}


def test_an_exported_line_is_read_as_the_same_record() -> None:
    line = {"pmid": 7, "title": "A.", "text": "A.", "retracted": True, "entities": [], "new": 1, "litmine": MARK}
    record, note = read_jsonl(io.BytesIO(json.dumps(line).encode()))
    as_of = datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert record == ReadRecord(Article(7, "A.", retracted=True), 0, RECORD, as_of, 1)
    assert note == SourceNote("", "keys that were not read: 'new' in 1 line")
    [text] = read_jsonl(io.BytesIO(json.dumps({"pmid": 7, "litmine": {**MARK, "class": "text"}}).encode()))
    assert text == ReadRecord(Article(7), 0, BARE_TEXT, as_of, 1)


def test_an_exported_line_with_a_damaged_field_is_refused() -> None:
    [bad] = read_jsonl(io.BytesIO(json.dumps({"pmid": 7, "retracted": "perhaps", "litmine": MARK}).encode()))
    assert bad == UnreadableRecord("line 1", 'The line has a "retracted" that is not true or false: "perhaps".')

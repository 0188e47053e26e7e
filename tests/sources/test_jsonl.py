"""Reading articles from JSON Lines."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import SourceError
from litmine.sources.jsonl import read_jsonl
from litmine.types import Article, Section, UnreadableRecord


def _read(content: str | bytes) -> list[tuple[Article, int] | UnreadableRecord]:
    return list(read_jsonl(io.BytesIO(content.encode() if isinstance(content, str) else content)))


def test_a_title_and_an_abstract() -> None:
    assert _read('{"pmid": 1, "title": "T.", "abstract": "An abstract.", "else": []}\n') == [
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
    assert next(reading) == (Article(1), 0)
    with pytest.raises(SourceError, match="Line 2 is longer than 32 MiB"):
        next(reading)

"""Read articles from JSON Lines, one `{"pmid": 1, "title": "...", "abstract": "..."}` per line, text unchanged."""

import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from litmine.sources.lines import numbered_lines
from litmine.sources.pmids import parse_pmid
from litmine.types import Article, Section, UnreadableRecord

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def read_jsonl(stream: BinaryIO) -> Iterator[tuple[Article, int] | UnreadableRecord]:
    """Yield each line's article and the number of lone surrogates that became U+FFFD. Blank lines are skipped.

    An invalid line becomes an `UnreadableRecord` with its number. Raises SourceError at a line of more than
    32 MiB; errors of the stream itself pass through.
    """
    for number, line in numbered_lines(stream):
        if not line.strip():
            continue
        try:
            yield _parse_json_line(line)
        except _JsonLineError as problem:
            yield UnreadableRecord(f"line {number}", f"The line {problem}.")


class _JsonLineError(Exception):
    """A line is invalid; the message is the rest of a sentence that begins with "The line"."""


def _parse_json_line(line: bytes) -> tuple[Article, int]:
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise _JsonLineError("is not UTF-8") from None
    except (ValueError, RecursionError):
        raise _JsonLineError("is not JSON") from None
    if not isinstance(record, dict):
        raise _JsonLineError("is not a JSON object")
    if record.get("pmid") is None:
        raise _JsonLineError('has no "pmid"')
    pmid = parse_pmid(record["pmid"])
    if pmid is None:
        raise _JsonLineError('has a "pmid" that is not a positive whole number of 64 bits')
    title, replaced_in_title = _text_field(record, "title")
    abstract, replaced_in_abstract = _text_field(record, "abstract")
    return text_only_article(pmid, title, abstract), replaced_in_title + replaced_in_abstract


def _text_field(record: dict[str, object], name: str) -> tuple[str | None, int]:
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise _JsonLineError(f'has a "{name}" that is not a string')
    if not value:
        return None, 0
    return _LONE_SURROGATE.subn("\ufffd", value)


def text_only_article(pmid: int, title: str | None, abstract: str | None) -> Article:
    """An article with only a text; its abstract is one section without a label."""
    if abstract is None:
        return Article(pmid, title)
    start = 0 if title is None else len(title) + 1
    return Article(pmid, title, abstract, (Section(None, start, start + len(abstract)),))

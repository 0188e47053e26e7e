"""JSON Lines, `{"pmid": 1, "title": "...", "abstract": "..."}` a line, to articles. Their text is kept as given."""

import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from litmine.sources.lines import numbered_lines
from litmine.sources.pmids import parse_pmid
from litmine.types import Article, Section, Unreadable

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def read_jsonl(stream: BinaryIO) -> Iterator[tuple[Article, int] | Unreadable]:
    """Yield each line's article, and how many of its lone surrogates became U+FFFD; blank lines are passed over.

    A line that cannot be used becomes an `Unreadable` that numbers it. Raises SourceError at a line of more than
    32 MiB; errors of the stream itself pass through.
    """
    for number, line in numbered_lines(stream):
        if not line.strip():
            continue
        try:
            yield _read_line(line)
        except _LineError as problem:
            yield Unreadable(f"line {number}", f"The line {problem}.")


class _LineError(Exception):
    """What is wrong with a line, as part of a sentence."""


def _read_line(line: bytes) -> tuple[Article, int]:
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise _LineError("is not UTF-8") from None
    except (ValueError, RecursionError):
        raise _LineError("is not JSON") from None
    if not isinstance(record, dict):
        raise _LineError("is not a JSON object")
    if record.get("pmid") is None:
        raise _LineError('has no "pmid"')
    pmid = parse_pmid(record["pmid"])
    if pmid is None:
        raise _LineError('has a "pmid" that is not a positive whole number, or not one that PubMed could have')
    title, mended_in_title = _text(record, "title")
    abstract, mended_in_abstract = _text(record, "abstract")
    return plain_article(pmid, title, abstract), mended_in_title + mended_in_abstract


def _text(record: dict[str, object], name: str) -> tuple[str | None, int]:
    given = record.get(name)
    if given is not None and not isinstance(given, str):
        raise _LineError(f'has a "{name}" that is not a string')
    if not given:
        return None, 0
    return _LONE_SURROGATE.subn("\ufffd", given)


def plain_article(pmid: int, title: str | None, abstract: str | None) -> Article:
    """An article of no more than a text; its abstract is one section without a label."""
    if abstract is None:
        return Article(pmid, title)
    start = 0 if title is None else len(title) + 1
    return Article(pmid, title, abstract, (Section(None, start, start + len(abstract)),))

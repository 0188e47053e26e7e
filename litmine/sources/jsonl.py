"""Read articles from JSON Lines, one `{"pmid": 1, "title": "...", "abstract": "..."}` per line, text unchanged.

All fields of `Article` are read under their names. A line that `litmine export` wrote has the key `litmine`: when the
record was current (`as_of`), whether it is a record of PubMed or a bare text, and which keys are tables of results.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple

from litmine.sources.article_fields import ARTICLE_FIELDS, FieldError, FieldReader
from litmine.sources.encodings import NOT_UTF8, SAVE_AS_UTF8
from litmine.sources.lines import numbered_lines
from litmine.sources.pmids import parse_pmid
from litmine.sources.read_record import ReadRecord
from litmine.types import EXPORT_CLASSES, EXPORT_MARK, SourceNote, UnreadableRecord

# Maximum numbers of keys that a note names, and of different keys that are counted: a file may have any number.
_NAMED_KEYS, _COUNTED_KEYS = 12, 1_000
_LONGEST_KEY = 40
# The beginning of the names under which values of `retracted` that were not read are counted.
_UNCLEAR_RETRACTION = "retracted (not "
# What a column of the lake holds.
_MAX_INTEGER = 2**31 - 1


def read_jsonl(stream: BinaryIO) -> Iterator[ReadRecord | UnreadableRecord | SourceNote]:
    """Yield each line's article; blank lines are skipped. The last item is a note that names keys and values not read.

    An invalid line becomes an `UnreadableRecord` with its number. Raises SourceError at a line of more than
    32 MiB; errors of the stream itself pass through, after the note.
    """
    aside: Counter[str] = Counter()
    try:
        for number, line in numbered_lines(stream):
            if not line.strip():
                continue
            try:
                yield _parse_json_line(line, aside)
            except _JsonLineError as problem:
                yield UnreadableRecord(f"line {number}", f"The line {problem}.")
    except Exception:
        yield from _notes(aside)
        raise
    yield from _notes(aside)


class _JsonLineError(Exception):
    """A line is invalid; the message is the rest of a sentence that begins with "The line"."""


class _Mark(NamedTuple):
    """The values under the key `litmine` of an exported line."""

    as_of: datetime
    record_class: int
    tables: frozenset[str]
    reader_version: int
    version: int


def _parse_json_line(line: bytes, aside: Counter[str]) -> ReadRecord:
    values = _parse_object(line)
    pmid = parse_pmid(values["pmid"])
    if pmid is None:
        raise _JsonLineError('has a "pmid" that is not a positive whole number of 64 bits')
    mark, refused = _parse_mark(values.get(EXPORT_MARK)), dict[str, str]()
    reader = FieldReader(exported=mark is not None)
    try:
        article = reader.article(pmid, values, refused.__setitem__)
    except FieldError as error:
        raise _JsonLineError(str(error)) from None
    if mark is not None and refused:
        # If the field were left out, the record would look like one without it, and a retraction could be lost.
        name, wanted = next(iter(refused.items()))
        raise _JsonLineError(f'has a "{name}" that is not {wanted}')
    for key in _unread_keys(values, mark, article.text):
        _count(aside, _printable(key))
    for name, wanted in refused.items():
        _count(aside, f"{name} (not {wanted})")
    if mark is None:
        return ReadRecord(article, reader.mended)
    if mark.version > 1:
        article = replace(article, version=mark.version)
    return ReadRecord(article, reader.mended, mark.record_class, mark.as_of, mark.reader_version)


def _parse_object(line: bytes) -> dict[str, Any]:
    """The object in a line; it has a PMID. Raises _JsonLineError."""
    try:
        values = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise _JsonLineError(f"{NOT_UTF8}; {SAVE_AS_UTF8}") from None
    except (ValueError, RecursionError):
        raise _JsonLineError("is not JSON") from None
    if not isinstance(values, dict):
        raise _JsonLineError("is not a JSON object")
    if values.get("pmid") is None:
        raise _JsonLineError('has no "pmid"')
    return values


def _unread_keys(values: Mapping[str, Any], mark: _Mark | None, text: str) -> Iterator[str]:
    known = ARTICLE_FIELDS if mark is None else ARTICLE_FIELDS | mark.tables | {EXPORT_MARK}
    for key, value in values.items():
        # `text` repeats title and abstract, so it counts as unread only if it differs from them.
        if key not in known and not (key == "text" and value == text):
            yield key


def _parse_mark(value: object) -> _Mark | None:
    """The mark of an exported line; None if it is not one, and the line then counts as a bare text."""
    if not isinstance(value, dict):
        return None
    kind, tables = value.get("class"), value.get("tables")
    reader, version = value.get("reader", 0), value.get("version", 1)
    try:
        as_of = datetime.fromisoformat(value["as_of"])
    except (KeyError, TypeError, ValueError):
        return None
    if (
        not isinstance(kind, str)
        or kind not in EXPORT_CLASSES
        or not isinstance(tables, list)
        or not all(isinstance(one, str) for one in tables)
        or not isinstance(reader, int)
        or not 0 <= reader <= _MAX_INTEGER
        or not isinstance(version, int)
        or not 1 <= version <= _MAX_INTEGER
    ):
        return None
    if as_of.tzinfo is None:
        as_of = as_of.replace(tzinfo=UTC)
    try:
        as_of = as_of.astimezone(UTC)
    except OverflowError:
        return None
    return _Mark(as_of, EXPORT_CLASSES[kind], frozenset(tables), reader, version)


def _printable(key: str) -> str:
    key = "".join(character if character.isprintable() else "\ufffd" for character in key)
    return repr(key if len(key) <= _LONGEST_KEY else key[:_LONGEST_KEY] + "...")


def _count(aside: Counter[str], name: str) -> None:
    aside[name if name in aside or len(aside) < _COUNTED_KEYS else "others"] += 1


def _notes(aside: Counter[str]) -> Iterator[SourceNote]:
    """One note of the keys that were not read, the most frequent first."""
    if not aside:
        return
    named = ", ".join(f"{name} in {lines:,} lines" if lines > 1 else f"{name} in 1 line"
                      for name, lines in aside.most_common(_NAMED_KEYS))  # fmt: skip
    more = len(aside) - _NAMED_KEYS
    what = f"keys that were not read: {named}" + (f", and {more:,} more keys" if more > 0 else "")
    if unclear := sum(lines for name, lines in aside.items() if name.startswith(_UNCLEAR_RETRACTION)):
        articles = "1 article counts" if unclear == 1 else f"{unclear:,} articles count"
        what += f"; {articles} as not retracted, unless publication types or corrections say so"
    yield SourceNote("", what)

"""Documents as JSON lines, one article with its mentions per line; `litmine import` restores the articles."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date
from typing import Any

from litmine.output.document import Document
from litmine.output.rows import shortest_decimal
from litmine.types import EXPORT_CLASSES, EXPORT_MARK

# JSON allows these characters in strings, but some readers split lines at them.
_SPLITTERS = re.compile("[\x85\u2028\u2029]")
_CLASS_NAMES = {record_class: name for name, record_class in EXPORT_CLASSES.items()}


def to_jsonl(document: Document) -> str:
    """The document's line: every field of its article, its text, its mentions and the rows of other tables.

    The key `litmine` marks the line, so that an import restores the article as it was: its `as_of`, its class,
    the version of the file reader that made it, its `Version` in PubMed if that is not 1, and which keys are tables and
    no fields of it.
    """
    article = document.article
    record = {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(article).items()}
    del record["version"]
    tables = {"entities": [one._asdict() for one in document.mentions], **document.more}
    mark = {}
    if document.as_of is not None and document.record_class is not None:
        as_of = document.as_of.astimezone(UTC).isoformat()
        class_name, reader_version = _CLASS_NAMES[document.record_class], document.reader_version or 0
        numbered = {"version": article.version} if article.version > 1 else {}
        values = {"as_of": as_of, "class": class_name, "reader": reader_version, **numbered, "tables": [*tables]}
        mark = {EXPORT_MARK: values}
    first_keys = {name: record.pop(name) for name in ("pmid", "title", "abstract")}
    rows = {table: [_with_shortest_decimals(row) for row in rows] for table, rows in tables.items()}
    return json_line({**first_keys, "text": article.text, **record, **rows, **mark}) + "\n"


def _with_shortest_decimals(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: shortest_decimal(value) if isinstance(value, float) else value for name, value in row.items()}


def json_line(value: Any) -> str:
    """A value as JSON without any kind of line break."""
    text = json.dumps(value, ensure_ascii=False)
    return _SPLITTERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

"""Documents as JSON lines, one article with its sections and mentions each; `litmine import` reads them back."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from litmine.output.document import Document
from litmine.output.rows import shortest_decimal

# JSON allows these characters in strings, but some readers split lines at them.
_SPLITTERS = re.compile("[\x85\u2028\u2029]")


def to_jsonl(document: Document) -> str:
    """The document as one line of JSON, with its line break."""
    article = document.article
    return (
        json_line(
            {
                "pmid": article.pmid,
                "title": article.title,
                "abstract": article.abstract,
                "text": article.text,
                "sections": [asdict(section) for section in article.sections],
                "journal": article.journal,
                "pub_date": article.pub_date,
                "year": article.year,
                "doi": article.doi,
                "pmcid": article.pmcid,
                "language": article.language,
                "retracted": article.retracted,
                "entities": [_with_shortest_decimals(mention._asdict()) for mention in document.mentions],
                **{table: [_with_shortest_decimals(row) for row in rows] for table, rows in document.more.items()},
            }
        )
        + "\n"
    )


def _with_shortest_decimals(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: shortest_decimal(value) if isinstance(value, float) else value for name, value in row.items()}


def json_line(value: Any) -> str:
    """A value as JSON without any kind of line break."""
    text = json.dumps(value, ensure_ascii=False)
    return _SPLITTERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

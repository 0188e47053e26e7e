"""Documents as JSON Lines: an article with its sections and mentions a line. `litmine import` reads it back."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from litmine.output.document import Document

# JSON allows them in a string, and some readers of lines split there. They stand in strings only.
_SPLITTERS = re.compile("[\x85\u2028\u2029]")
_DIGITS = 6


def to_jsonl(document: Document) -> str:
    """The document's line."""
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
                "entities": [_rounded(one._asdict()) for one in document.mentions],
                **{table: [_rounded(row) for row in rows] for table, rows in document.more.items()},
            }
        )
        + "\n"
    )


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, _DIGITS) if isinstance(value, float) else value for name, value in row.items()}


def json_line(value: Any) -> str:
    """A value as JSON without a line break of any kind."""
    text = json.dumps(value, ensure_ascii=False)
    return _SPLITTERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

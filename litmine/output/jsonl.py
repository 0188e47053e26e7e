"""Documents as JSON Lines: an article with its sections and mentions a line. `litmine import` reads it back."""

import json
import re
from dataclasses import asdict
from typing import Any

from litmine.output.document import Document

# JSON allows them in a string, and some readers of lines split there. They stand in strings only.
_SPLITTERS = re.compile("[\x85\u2028\u2029]")
_DIGITS = 6


def jsonl(document: Document) -> str:
    """The document's line."""
    article = document.article
    return (
        one_line(
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
                "entities": [one._asdict() | {"score": round(one.score, _DIGITS)} for one in document.mentions],
            }
        )
        + "\n"
    )


def one_line(value: Any) -> str:
    """A value as JSON without a line break of any kind."""
    text = json.dumps(value, ensure_ascii=False)
    return _SPLITTERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

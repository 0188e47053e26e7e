"""Documents as BioC JSON, in the form that PubTator3 gives: title and abstract as passages, mentions as annotations.

Offsets count code points from the start of the document, whose text is `Article.text`.
"""

from typing import Any

from litmine.output.document import Document, Mention
from litmine.output.jsonl import json_line
from litmine.output.rows import shortest_decimal

COLLECTION_END = "\n]}\n"
DOCUMENT_SEPARATOR = ",\n"


def collection_header(date: str) -> str:
    """The beginning of a collection, up to its documents, which BETWEEN parts and FOOT follows; `date` is YYYYMMDD."""
    about = {"source": "litmine", "date": date, "key": "docs/export.md of litmine", "version": "1.0", "infons": {}}
    return json_line(about)[:-1] + ', "documents": [\n'


def to_bioc(document: Document) -> str:
    """The document's JSON, one line.

    A mention stands in the passage in which it begins, even where it runs over the passage's end.
    """
    article = document.article
    start = 0 if article.title is None or article.abstract is None else len(article.title) + 1
    annotations = [_annotation(str(number), one) for number, one in enumerate(document.mentions, 1)]
    begun = sum(one.start_char < start for one in document.mentions)
    passages = []
    if article.title is not None or article.abstract is None:
        of_title = annotations if article.abstract is None else annotations[:begun]
        passages.append(_passage("title", 0, article.title or "", of_title))
    if article.abstract is not None:
        passages.append(_passage("abstract", start, article.abstract, annotations[begun:]))
    said = {
        "journal": article.journal,
        "year": article.year,
        "doi": article.doi,
        "pmcid": article.pmcid,
        "retracted": "true" if article.retracted else None,
    }
    infons = {name: str(value) for name, value in said.items() if value is not None}
    return json_line({"id": str(article.pmid), "infons": infons, "passages": passages, "relations": []})


def _passage(kind: str, offset: int, text: str, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "infons": {"type": kind},
        "offset": offset,
        "text": text,
        "sentences": [],
        "annotations": annotations,
        "relations": [],
    }


def _annotation(name: str, one: Mention) -> dict[str, Any]:
    infons = {"type": one.entity_type, "identifier": one.identifier, "model": one.model}
    return {
        "id": name,
        "infons": {**infons, "score": str(shortest_decimal(one.score))},
        "text": one.mention,
        "locations": [{"offset": one.start_char, "length": one.end_char - one.start_char}],
    }

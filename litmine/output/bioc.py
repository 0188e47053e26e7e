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
    """The beginning of a collection, up to the first document; `date` is YYYYMMDD.

    The documents follow, separated by `DOCUMENT_SEPARATOR`, and then `COLLECTION_END`.
    """
    about = {"source": "litmine", "date": date, "key": "docs/export.md of litmine", "version": "1.0", "infons": {}}
    return json_line(about)[:-1] + ', "documents": [\n'


def to_bioc(document: Document) -> str:
    """The document's JSON, one line.

    Each mention is in the passage in which it starts, even if it ends after the passage.
    """
    article = document.article
    start = 0 if article.title is None or article.abstract is None else len(article.title) + 1
    annotations = [_annotation(str(number), mention) for number, mention in enumerate(document.mentions, 1)]
    starting_in_title = sum(mention.start_char < start for mention in document.mentions)
    passages = []
    if article.title is not None or article.abstract is None:
        title_annotations = annotations if article.abstract is None else annotations[:starting_in_title]
        passages.append(_passage("title", 0, article.title or "", title_annotations))
    if article.abstract is not None:
        passages.append(_passage("abstract", start, article.abstract, annotations[starting_in_title:]))
    metadata = {
        "journal": article.journal,
        "year": article.year,
        "doi": article.doi,
        "pmcid": article.pmcid,
        "retracted": "true" if article.retracted else None,
    }
    infons = {name: str(value) for name, value in metadata.items() if value is not None}
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


def _annotation(annotation_id: str, mention: Mention) -> dict[str, Any]:
    infons = {"type": mention.entity_type, "identifier": mention.identifier, "model": mention.model}
    infons["score"] = str(shortest_decimal(mention.score))
    if mention.linker is not None and mention.identifier_score is not None:
        infons |= {"linker": mention.linker, "identifier_score": str(shortest_decimal(mention.identifier_score))}
    return {
        "id": annotation_id,
        "infons": infons,
        "text": mention.mention,
        "locations": [{"offset": mention.start_char, "length": mention.end_char - mention.start_char}],
    }

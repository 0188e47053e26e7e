"""Documents as BioC JSON, in the form that PubTator3 gives: title and abstract as passages, mentions as annotations.

Relations name annotations by their ids. Offsets count code points from the start of the document, whose text is
`Article.text`.
"""

from typing import Any

from litmine.output.document import Document, Mention
from litmine.output.jsonl import json_line
from litmine.output.relations import MentionPair, relations_between_mentions
from litmine.output.rows import shortest_decimal

COLLECTION_END = "\n]}\n"
DOCUMENT_SEPARATOR = ",\n"
_ROLES = "subject", "object"


def collection_header(date: str) -> str:
    """The beginning of a collection, up to the first document; `date` is YYYYMMDD.

    The documents follow, separated by `DOCUMENT_SEPARATOR`, and then `COLLECTION_END`.
    """
    about = {"source": "litmine", "date": date, "key": "docs/export.md of litmine", "version": "1.0", "infons": {}}
    return json_line(about)[:-1] + ', "documents": [\n'


def to_bioc(document: Document) -> str:
    """The document's JSON, one line.

    Each mention is in the passage in which it starts, even if it ends after the passage. Relations are the document's,
    since their mentions may be in two passages; `nodes` names the annotations.
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
    relations = [_relation(f"R{number}", one) for number, one in enumerate(relations_between_mentions(document), 1)]
    return json_line({"id": str(article.pmid), "infons": infons, "passages": passages, "relations": relations})


def _passage(kind: str, offset: int, text: str, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "infons": {"type": kind},
        "offset": offset,
        "text": text,
        "sentences": [],
        "annotations": annotations,
        "relations": [],
    }


def _relation(relation_id: str, pair: MentionPair) -> dict[str, Any]:
    row = pair.relation
    infons = {"type": row["relation_type"], "model": row["model"], "score": str(shortest_decimal(row["score"]))}
    infons |= {name: "true" for name in ("negated", "speculated") if row[name]}
    infons |= {name: str(row[name]) for name in ("evidence_start", "evidence_end")}
    # The id of an annotation is its place, from 1.
    nodes = [{"refid": str(place + 1), "role": role} for role, place in zip(_ROLES, pair[1:], strict=True)]
    return {"id": relation_id, "infons": infons, "nodes": nodes}


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

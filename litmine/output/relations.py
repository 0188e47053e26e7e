"""The relations of a document between the mentions that an export writes.

`Document.more["relations"]` has them in the columns of the view `relations` after pmid.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from litmine.output.document import Document, Mention

RELATIONS = "relations"
_SEPARATOR = "|"


class MentionPair(NamedTuple):
    """A relation and the places of its subject and object among the document's mentions."""

    relation: Mapping[str, Any]
    subject: int
    object: int


def relations_between_mentions(document: Document) -> list[MentionPair]:
    """The relations of which the document has both mentions; see `left_out_relations`.

    A mention of a relation is the one at the same offsets, of the same type if there are several. The relation may call
    its type otherwise: a protein counts as its gene.
    """
    places: dict[tuple[int, int], list[tuple[int, Mention]]] = {}
    for place, mention in enumerate(document.mentions):
        places.setdefault((mention.start_char, mention.end_char), []).append((place, mention))
    found = []
    for relation in document.more.get(RELATIONS, ()):
        pair = [
            _place(places.get((relation[f"{side}_start"], relation[f"{side}_end"]), []), relation[f"{side}_type"])
            for side in ("subject", "object")
        ]
        if pair[0] is not None and pair[1] is not None:
            found.append(MentionPair(relation, pair[0], pair[1]))
    return found


def left_out_relations(document: Document) -> int:
    """The number of relations of which the document lacks a mention, such as those of another model or type."""
    return len(document.more.get(RELATIONS, ())) - len(relations_between_mentions(document))


def identifier_relations(document: Document) -> list[tuple[str, str, str]]:
    """Type, subject and object identifier of each relation that the text states, each once, in the order of the text.

    A composite mention stands for each of its identifiers. Of two identifiers of one type, the first by name is the
    subject, as in the view `document_relations`. A relation that is negated or speculated is not stated.
    """
    found: dict[tuple[str, str, str], None] = {}
    for relation, _, _ in relations_between_mentions(document):
        if not (relation["negated"] or relation["speculated"]):
            same = relation["subject_type"] == relation["object_type"]
            for pair in _identifier_pairs(relation):
                subject, object_ = sorted(pair) if same else pair
                found[relation["relation_type"], subject, object_] = None
    return list(found)


def _identifier_pairs(relation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    subjects, objects = ((relation[f"{side}_id"] or "").split(_SEPARATOR) for side in ("subject", "object"))
    return ((one, other) for one in subjects for other in objects if one and other and one != other)


def _place(at: list[tuple[int, Mention]], entity_type: str) -> int | None:
    """The place of the mention of a type among those at its offsets."""
    same = [place for place, mention in at if mention.entity_type.casefold() == entity_type.casefold()]
    return min(same or [place for place, _ in at], default=None)

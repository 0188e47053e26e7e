"""Mentions that a tagger finds in the documents of a corpus, beside those that the corpus annotates.

In a lake, a text has mentions of all types, so a model must not be surprised by their marks. And a corpus that marks
only the drugs and effects of adverse events has no pair without a relation: other mentions give these.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity
from litmine.tasks.registry import load_model
from litmine.tasks.relations.heads import ENTITY_TYPES
from litmine.types import Entity

_EFFECT, _DISEASE, _CHEMICAL = "AdverseEffect", "Disease", "Chemical"


class TextTagger:
    """A tagger that is loaded when it is first used. Raises as `load_model`."""

    def __init__(self, reference: str) -> None:
        self.reference = reference
        self._model: Any = None

    def tag(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The mentions of each text."""
        if self._model is None:
            self._model = load_model(self.reference)
        found: list[list[Entity]] = self._model.annotate(texts)
        return found


@dataclass(frozen=True, slots=True)
class ExtendedDocument:
    """A document with the mentions of its pairs, and further mentions, which are only marked."""

    document: AnnotatedDocument
    further: tuple[AnnotatedEntity, ...] = ()


def extend_document(
    document: AnnotatedDocument, found: Sequence[Entity], annotated: Collection[str]
) -> ExtendedDocument:
    """Add what a tagger found to a document. annotated: entity types that its corpus annotates.

    A corpus of adverse effects does not mark diseases that are none, or drugs without one: mentions that the tagger
    finds there, a disease as if it were an effect, are in pairs without a relation. Where a corpus has effects and
    diseases, each counts as the other too, in a pair without a relation.
    """
    known = [one for one in document.entities if one.entity_type in ENTITY_TYPES]
    free = [
        AnnotatedEntity(one.start_char, one.end_char, one.entity_type, (), f"found{number}")
        for number, one in enumerate(found)
        if one.entity_type in ENTITY_TYPES
        and not any(one.start_char < own.end and own.start < one.end_char for own in document.entities)
    ]
    if _EFFECT not in annotated:
        return ExtendedDocument(_with(document, known), tuple(one for one in free if one.entity_type not in annotated))
    if _DISEASE in annotated:
        swapped = [replace(one, entity_type=_EFFECT, entity_id=f"as effect {one.entity_id}")
                   for one in known if one.entity_type == _DISEASE]  # fmt: skip
        swapped += [replace(one, entity_type=_DISEASE, entity_id=f"as disease {one.entity_id}")
                    for one in known if one.entity_type == _EFFECT]  # fmt: skip
        return ExtendedDocument(_with(document, [*known, *swapped]), tuple(free))
    more = [replace(one, entity_type=_EFFECT) if one.entity_type == _DISEASE else one
            for one in free if one.entity_type in (_DISEASE, _CHEMICAL)]  # fmt: skip
    others = tuple(one for one in free if one.entity_type not in (_DISEASE, _CHEMICAL))
    return ExtendedDocument(_with(document, [*known, *more]), others)


def _with(document: AnnotatedDocument, entities: Sequence[AnnotatedEntity]) -> AnnotatedDocument:
    ordered = sorted(entities, key=lambda one: (one.start, one.end, one.entity_type))
    return replace(document, entities=tuple(ordered))

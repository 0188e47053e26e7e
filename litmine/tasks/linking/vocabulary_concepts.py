"""An open vocabulary as a source of concepts."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from litmine.tasks.linking.concepts import ConceptFacts, NameMatch
from litmine.tasks.linking.words import agreement

_HEADING, _SUPPLEMENTARY = "MESH:D", "MESH:C"
_PREFERRED = "preferred"
_KEPT_FACTS = 1 << 16
_KEPT_SEARCHES = 1 << 10


class OpenVocabulary(Protocol):
    """What is used of `litmine.vocabulary.Vocabulary`; concepts are rows."""

    def lookup(self, name: str, entity_type: str | None = None) -> Sequence[Any]: ...

    def nearest(self, name: str, number: int, entity_type: str | None = None) -> Sequence[tuple[Any, float]]: ...

    def find_or_none(self, identifier: str) -> int | None: ...

    def identifier(self, concept: int) -> str: ...

    def names_of(self, concept: int) -> Sequence[tuple[str, str]]: ...

    def preferred_name(self, concept: int) -> str: ...

    def name_count(self, concept: int) -> int: ...

    def tree_numbers(self, concept: int) -> Sequence[str]: ...

    def taxon(self, concept: int) -> int | None: ...


class VocabularyConcepts:
    """The concepts of a vocabulary: a `litmine.tasks.linking.concepts.Concepts`."""

    def __init__(self, vocabulary: OpenVocabulary, kept: int = _KEPT_SEARCHES) -> None:
        """kept: number of results of `lookup` and `nearest` that are kept for names that come again."""
        self._vocabulary = vocabulary
        # Rows of the concepts that were found; to find a row by its identifier takes twenty steps.
        self._rows: dict[str, int] = {}
        self.facts = lru_cache(_KEPT_FACTS)(self._facts)
        self.lookup = lru_cache(kept)(self._lookup)
        self.nearest = lru_cache(kept)(self._nearest)

    def _lookup(self, name: str, entity_type: str) -> list[NameMatch]:
        """The names with the normal form of the vocabulary; similarity 1 if they have the same words here too."""
        return [
            self._match(match, 1.0 if agreement(name, match.name) else 0.9)
            for match in self._vocabulary.lookup(name, entity_type)
        ]

    def _nearest(self, name: str, entity_type: str, number: int) -> list[NameMatch]:
        return [self._match(match, score) for match, score in self._vocabulary.nearest(name, number, entity_type)]

    def names(self, identifier: str) -> list[str]:
        concept = self._row(identifier)
        return [] if concept is None else [name for name, _ in self._vocabulary.names_of(concept)]

    def _facts(self, identifier: str) -> ConceptFacts | None:
        concept = self._row(identifier)
        if concept is None:
            return None
        taxon = self._vocabulary.taxon(concept) or 0
        # Genes are in no tree.
        trees = () if taxon else self._vocabulary.tree_numbers(concept)
        return ConceptFacts(
            name=self._vocabulary.preferred_name(concept),
            heading=identifier.startswith(_HEADING),
            supplementary=identifier.startswith(_SUPPLEMENTARY),
            trees=tuple(trees),
            taxon=taxon,
            names=self._vocabulary.name_count(concept),
        )

    def _row(self, identifier: str) -> int | None:
        row = self._rows.get(identifier)
        return self._vocabulary.find_or_none(identifier) if row is None else row

    def _match(self, match: Any, similarity: float) -> NameMatch:
        identifier = self._vocabulary.identifier(match.concept)
        if len(self._rows) >= _KEPT_FACTS:
            self._rows.clear()
        self._rows[identifier] = match.concept
        return NameMatch(identifier, match.name, similarity, match.kind == _PREFERRED)

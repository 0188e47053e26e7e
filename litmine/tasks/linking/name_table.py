"""Names in memory: exact and approximate lookup of a few thousand names, such as those learnt in training."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from litmine.tasks.linking.concepts import ConceptFacts, Concepts, NameMatch
from litmine.tasks.linking.words import characters, form, tokens, word_classes

_GRAM = 3


@dataclass(frozen=True, slots=True)
class TableName:
    """A name of a concept, for a type of mentions."""

    identifier: str
    name: str
    entity_type: str
    preferred: bool = False
    learned: bool = False


class NameTable:
    """Names and concepts in memory: a `litmine.tasks.linking.concepts.Concepts`."""

    def __init__(self, names: Iterable[TableName], facts: Mapping[str, ConceptFacts] | None = None) -> None:
        """facts: of each identifier; those of a concept without any are its preferred name."""
        of_type: dict[str, list[TableName]] = defaultdict(list)
        self._facts = dict(facts or {})
        self._names: dict[str, list[str]] = defaultdict(list)
        for one in names:
            of_type[one.entity_type].append(one)
            self._names[one.identifier].append(one.name)
            if one.preferred:
                self._facts.setdefault(one.identifier, ConceptFacts(one.name))
        self._types = {kind: _TypeNames(found) for kind, found in of_type.items()}

    def lookup(self, name: str, entity_type: str) -> list[NameMatch]:
        found = self._types.get(entity_type)
        return found.lookup(name) if found else []

    def nearest(self, name: str, entity_type: str, number: int) -> list[NameMatch]:
        found = self._types.get(entity_type)
        return found.nearest(name, number) if found else []

    def facts(self, identifier: str) -> ConceptFacts | None:
        return self._facts.get(identifier)

    def names(self, identifier: str) -> Sequence[str]:
        return self._names.get(identifier, [])


class _TypeNames:
    """The names of one type: by form, by characters, and by character trigrams with TF-IDF weights."""

    def __init__(self, names: Sequence[TableName]) -> None:
        self._names = names
        self._rows: dict[str, list[int]] = defaultdict(list)
        grams: dict[str, list[int]] = defaultdict(list)
        for row, one in enumerate(names):
            for key in {form(one.name), characters(one.name)}:
                self._rows[key].append(row)
            for gram in _grams(one.name):
                grams[gram].append(row)
        self._grams = {gram: np.array(rows, dtype=np.int32) for gram, rows in grams.items()}
        self._weights = {gram: math.log(1 + len(names) / len(rows)) ** 2 for gram, rows in self._grams.items()}
        self._rarest = math.log(1 + len(names)) ** 2
        squares = np.zeros(len(names))
        for gram, rows in self._grams.items():
            squares[rows] += self._weights[gram]
        self._lengths = np.sqrt(squares)

    def lookup(self, name: str) -> list[NameMatch]:
        keys = {form(name), characters(name)}
        rows = dict.fromkeys(row for key in sorted(keys) for row in self._rows.get(key, ()))
        return [self._match(row, self._similarity(name, row)) for row in rows]

    def nearest(self, name: str, number: int) -> list[NameMatch]:
        found = _grams(name)
        sums = np.zeros(len(self._names))
        for gram in found:
            if gram in self._grams:
                sums[self._grams[gram]] += self._weights[gram]
        length = math.sqrt(sum(self._weights.get(gram, self._rarest) for gram in found))
        rows = np.flatnonzero(sums)
        if not len(rows) or not length:
            return []
        scores = sums[rows] / (self._lengths[rows] * length)
        best = np.lexsort((rows, -scores))[:number]
        return [self._match(int(rows[one]), float(scores[one])) for one in best]

    def _similarity(self, name: str, row: int) -> float:
        first, second = _grams(name), _grams(self._names[row].name)
        shared = sum(self._weights[gram] for gram in first & second)
        length = math.sqrt(sum(self._weights.get(gram, self._rarest) for gram in first))
        return shared / (length * float(self._lengths[row])) if length and shared else 0.0

    def _match(self, row: int, similarity: float) -> NameMatch:
        one = self._names[row]
        return NameMatch(one.identifier, one.name, min(1.0, similarity), one.preferred, one.learned)


class JoinedConcepts:
    """Several sources of concepts as one; the facts and names of a concept are those of the first that has it."""

    def __init__(self, *sources: Concepts) -> None:
        self._sources = sources

    def lookup(self, name: str, entity_type: str) -> list[NameMatch]:
        return [match for source in self._sources for match in source.lookup(name, entity_type)]

    def nearest(self, name: str, entity_type: str, number: int) -> list[NameMatch]:
        found = [match for source in self._sources for match in source.nearest(name, entity_type, number)]
        return sorted(found, key=lambda match: (-match.similarity, match.identifier, match.name))[:number]

    def facts(self, identifier: str) -> ConceptFacts | None:
        return next((facts for source in self._sources if (facts := source.facts(identifier))), None)

    def names(self, identifier: str) -> Sequence[str]:
        return next((names for source in self._sources if (names := source.names(identifier))), [])


def word_weights(names: Iterable[str]) -> dict[str, float]:
    """How rare each word is among some names: `log(1 + names / names with it)`.

    A word of one name has no weight: it is as good as unknown, and most words are such.
    """
    counts: Counter[str] = Counter()
    total = 0
    for name in names:
        counts.update(set(word_classes(name)))
        total += 1
    return {word: math.log(1 + total / count) for word, count in counts.items() if count > 1}


def _grams(name: str) -> set[str]:
    """The trigrams of a name's letters and digits, with the ends of its words."""
    padded = f" {' '.join(tokens(name))} "
    return {padded[at : at + _GRAM] for at in range(len(padded) - _GRAM + 1)}

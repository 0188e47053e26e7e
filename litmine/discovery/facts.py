"""Names, types and places in MeSH of the concepts of a matrix, and the concept that a user means by a name."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import pyarrow as pa

from litmine.errors import DiscoveryError, UnknownConceptError
from litmine.lake.concept_matrix import Integers
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.paths import LakePath
from litmine.lake.views import connect, run_interruptibly
from litmine.vocabulary.catalogue import open_vocabulary
from litmine.vocabulary.normalise import normalise

_VIEWS = ("vocabularies", "terms", "active_models")
# The name and type of each concept in an active linker's vocabulary, then in an active term list.
_FACTS = """
    SELECT identifier, name, entity_type, tree_numbers, 0 AS place FROM vocabularies SEMI JOIN wanted USING (identifier)
    WHERE linker IN (SELECT model FROM active_models WHERE task = 'linking')
    UNION ALL
    SELECT identifier, min(name), NULL, [], 1
    FROM (SELECT model, unnest(string_split(identifier, '|')) AS identifier, name FROM terms)
    SEMI JOIN wanted USING (identifier)
    WHERE model IN (SELECT model FROM active_models WHERE task = 'ner') GROUP BY identifier
    ORDER BY place DESC, identifier"""
_NAMED = """
    SELECT DISTINCT identifier FROM (
        SELECT identifier, list_prepend(name, synonyms) AS names FROM vocabularies
        UNION ALL SELECT unnest(string_split(identifier, '|')), [name] FROM terms
    ) WHERE list_contains(list_transform(names, lambda one: lower(one)), lower($name))"""


@dataclass(frozen=True, slots=True)
class ConceptFacts:
    """What is known of a concept; `name` is its identifier if it has no name."""

    identifier: str
    name: str
    entity_type: str
    tree_numbers: Sequence[str]


def read_facts(lake: LakePath, identifiers: Sequence[str], types: Sequence[str]) -> list[ConceptFacts]:
    """The facts of these concepts, from the lake's vocabularies and term lists, else from the built-in vocabulary.

    types: what each is mentioned as, empty for a heading. Raises LakeError for a damaged file.
    """
    found: dict[str, tuple[str, str, Sequence[str]]] = {}
    with report_damaged_files(lake), connect(lake, _VIEWS) as connection:
        connection.register("wanted", pa.table({"identifier": pa.array(identifiers, pa.string())}))
        rows = run_interruptibly(connection, lambda: connection.sql(_FACTS).fetchall())
    for identifier, name, kind, trees, _ in rows:
        found[identifier] = name, kind or "", trees or ()
    if len(found) < len(identifiers):
        builtin = open_vocabulary("builtin")
        for identifier in identifiers:
            if identifier not in found and (row := builtin.find_or_none(identifier)) is not None:
                kind = "|".join(builtin.entity_types(row))
                found[identifier] = builtin.preferred_name(row), kind, builtin.tree_numbers(row)
    facts = []
    for identifier, mentioned in zip(identifiers, types, strict=True):
        name, kind, trees = found.get(identifier, (identifier, "", ()))
        # A concept that may be mentioned as several types has the type that it is mentioned as.
        kind = mentioned or kind.partition("|")[0] if "|" in kind or not kind else kind
        facts.append(ConceptFacts(identifier, name, kind, tuple(trees)))
    return facts


class ConceptNames:
    """Finds the concept that a user means: by identifier, by a name in the lake, or by a built-in name."""

    def __init__(self, lake: LakePath, facts: Sequence[ConceptFacts], articles: Integers) -> None:
        self._lake, self._facts, self._articles = lake, facts, articles
        self._numbers = {fact.identifier: number for number, fact in enumerate(facts)}

    def find(self, text: str) -> int:
        """The number of the concept that the text names.

        Of several concepts with the name, the one in most articles. Raises UnknownConceptError with the nearest names,
        or DiscoveryError if the concept is in no article.
        """
        text = text.strip()
        if (number := self._numbers.get(text)) is not None:
            return self._occurring([number], text)
        elsewhere = ""
        for identifiers in self._identifiers(text):
            known = [self._numbers[one] for one in identifiers if one in self._numbers]
            if known:
                return self._occurring(known, text)
            elsewhere = elsewhere or next(iter(identifiers), "")
        if elsewhere:
            raise DiscoveryError(
                f"{text[:100]} is {elsewhere}, which no article of the lake mentions; choose another concept, or"
                " annotate articles about it"
            )
        raise UnknownConceptError(f"no concept is named {text[:100]!r}{self._nearest(text)}")

    def _occurring(self, numbers: Sequence[int], text: str) -> int:
        best = max(numbers, key=lambda number: (int(self._articles[number]), -number))
        if not self._articles[best]:
            fact = self._facts[best]
            raise DiscoveryError(
                f"no article that counts has {fact.name} ({fact.identifier}), which {text[:100]!r} names; take a later"
                " --until, or another concept"
            )
        return best

    def _identifiers(self, text: str) -> Iterator[list[str]]:
        """The identifiers of concepts with this name or identifier, in the lake or not, the surest way first."""
        yield [fact.identifier for fact in self._facts if fact.name.lower() == text.lower()]
        with report_damaged_files(self._lake), connect(self._lake, _VIEWS) as connection:
            rows = run_interruptibly(connection, lambda: connection.execute(_NAMED, {"name": text}).fetchall())
        yield sorted(identifier for (identifier,) in rows)
        builtin = open_vocabulary("builtin")
        written = [text, *(f"{prefix}{text}" for prefix in ("MESH:", "NCBIGene:", "NCBITaxon:"))]
        yield [one for one in written if builtin.find_or_none(one) is not None]
        yield [builtin.identifier(match.concept) for match in builtin.lookup(text)]
        wanted = normalise(text)
        yield [fact.identifier for fact in self._facts if normalise(fact.name) == wanted]

    def _nearest(self, text: str) -> str:
        names = {fact.name.lower(): fact for number, fact in enumerate(self._facts) if self._articles[number]}
        near = [names[name] for name in get_close_matches(text.lower(), names, 3, 0.5)]
        if not near:
            return '; `litmine sql "from concepts"` lists those of the lake'
        return f"; the nearest in the lake: {_listed(near)}"


def _listed(facts: Iterable[ConceptFacts]) -> str:
    return ", ".join(f"{fact.name} ({fact.identifier})" for fact in facts)

"""Find the concept that a user means by a name or an identifier."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from litmine.discovery.facts import NAME_VIEWS, ConceptFacts
from litmine.errors import DiscoveryError
from litmine.lake.concept_matrix import Integers
from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.paths import LakePath
from litmine.lake.views import connect, run_interruptibly
from litmine.vocabulary.catalogue import open_vocabulary
from litmine.vocabulary.normalise import normalise

_NAMED = """
    SELECT DISTINCT identifier FROM (
        SELECT identifier, list_prepend(name, synonyms) AS names FROM vocabularies
        UNION ALL SELECT unnest(string_split(identifier, '|')), [name] FROM terms
    ) WHERE list_contains(list_transform(names, lambda one: lower(one)), lower($name))"""
# Messages show so many characters of a name, and so many near names.
_SHOWN = 100
_NEAR = 3
# A name of the built-in vocabulary is near from this similarity of trigrams.
_LEAST_SIMILARITY = 0.6
# How a user lists the concepts of a lake, the most frequent first.
_LIST_MENTIONED = (
    '`litmine sql "select name, identifier, articles from concepts order by articles desc"` lists those of the lake'
)
_LIST_HEADINGS = (
    '`litmine sql "select heading.name, count(*) from (select unnest(mesh) as heading from articles) group by 1'
    ' order by 2 desc"` lists the headings of the lake'
)


class ConceptNames:
    """Finds the concept that a user means: by identifier, by a name in the lake, or by a built-in name."""

    def __init__(
        self, lake: LakePath, facts: Sequence[ConceptFacts], articles: Integers, only_headings: bool = False
    ) -> None:
        """articles: of each concept. only_headings: the concepts are NLM's headings of the records alone."""
        self._lake, self._facts, self._articles = lake, facts, articles
        self._only_headings = only_headings
        self._numbers = {fact.identifier: number for number, fact in enumerate(facts)}

    def find(self, text: str) -> int:
        """The number of the concept that the text names.

        Of several concepts with the name, the one in most articles. Raises DiscoveryError, with the nearest names for
        an unknown concept, and with how to list the concepts of the lake.
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
            row = open_vocabulary("builtin").find_or_none(elsewhere)
            name = "" if row is None else f"{open_vocabulary('builtin').preferred_name(row)}, "
            raise DiscoveryError(
                f"no article of the lake has the concept {_quoted(text)} ({name}{elsewhere}); {self._advice()}"
            )
        raise DiscoveryError(
            f"no concept is named {_quoted(text)}; take its main name in MeSH, or an identifier"
            f"{self._nearest(text)}; {self._advice()}"
        )

    def note(self, text: str, number: int) -> str:
        """What to say of the concept that `find` chose if the text is not its name or identifier; else empty."""
        fact, given = self._facts[number], text.strip().lower()
        if given in (fact.name.lower(), fact.identifier.lower(), fact.identifier.rpartition(":")[2].lower()):
            return ""
        return f"{_quoted(text.strip())} is taken as {fact.name} ({fact.identifier})"

    def _advice(self) -> str:
        return _LIST_HEADINGS if self._only_headings else _LIST_MENTIONED

    def _occurring(self, numbers: Sequence[int], text: str) -> int:
        best = max(numbers, key=lambda number: (int(self._articles[number]), -number))
        if not self._articles[best]:
            fact = self._facts[best]
            raise DiscoveryError(
                f"no article that counts has {fact.name} ({fact.identifier}), which {_quoted(text)} names; take a later"
                " `until`, or another concept"
            )
        return best

    def _identifiers(self, text: str) -> Iterator[list[str]]:
        """The identifiers of concepts with this name or identifier, in the lake or not, the surest way first."""
        lower = text.lower()
        yield [fact.identifier for fact in self._facts if lower in (fact.name.lower(), fact.identifier.lower())]
        with report_damaged_files(self._lake), connect(self._lake, NAME_VIEWS) as connection:
            rows = run_interruptibly(connection, lambda: connection.execute(_NAMED, {"name": text}).fetchall())
        yield sorted(identifier for (identifier,) in rows)
        builtin = open_vocabulary("builtin")
        written = [text, *(f"{prefix}{text}" for prefix in ("MESH:", "NCBIGene:", "NCBITaxon:"))]
        yield [one for one in written if builtin.find_or_none(one) is not None]
        yield [builtin.identifier(match.concept) for match in builtin.lookup(text)]
        wanted = normalise(text)
        yield [fact.identifier for fact in self._facts if wanted and normalise(fact.name) == wanted]

    def _nearest(self, text: str) -> str:
        """The nearest names in the lake, and those of the built-in vocabulary that the lake may lack."""
        names = {fact.name.lower(): fact for number, fact in enumerate(self._facts) if self._articles[number]}
        near = {names[name].identifier: names[name].name for name in get_close_matches(text.lower(), names, _NEAR, 0.5)}
        builtin = open_vocabulary("builtin")
        other: dict[str, str] = {}
        for match, similarity in builtin.nearest(text[:_SHOWN], 2 * _NEAR):
            identifier = builtin.identifier(match.concept)
            if similarity >= _LEAST_SIMILARITY and identifier not in near and len(other) < _NEAR:
                other.setdefault(identifier, match.name)
        return "".join(
            f"; the nearest in {where}: {', '.join(f'{name} ({identifier})' for identifier, name in some.items())}"
            for where, some in (("the lake", near), ("the vocabulary", other))
            if some
        )


def _quoted(text: str) -> str:
    return repr(text[:_SHOWN])

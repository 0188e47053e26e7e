"""Concepts: completion over their names, and all that the lake says about one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from litmine.explore.arrays import LakeArrays
from litmine.explore.concept_tables import ConceptTables
from litmine.explore.conditions import sql_list
from litmine.explore.queries import LakeQueries
from litmine.explore.shared import Shared
from litmine.lake.sql_text import sql_string
from litmine.vocabulary.catalogue import open_vocabulary

_NEIGHBOURS = 24
# Links between neighbours in the picture of the network.
_PAIRS = 60
_SIGNALS = 25
_CHILDREN = 60
_NEWEST = 8
# The start page lists so many concepts of so many types.
_TOP_CONCEPTS = 8
_TOP_TYPES = 6
_ALL = (
    "SELECT identifier, name, entity_type, vocabulary, synonyms, tree_numbers, mentions, articles, first_year"
    " FROM concepts ORDER BY articles DESC, mentions DESC, identifier"
)
_WRITTEN = (
    "SELECT identifier, min(mention) AS spelling FROM entities WHERE identifier IS NOT NULL"
    " GROUP BY identifier, lower(mention)"
    " QUALIFY row_number() OVER (PARTITION BY identifier ORDER BY count(*) DESC, spelling) <= 8"
    " ORDER BY count(*) DESC, spelling"
)
_ALL_SIGNALS = (
    "SELECT drug_id, drug, event_id, event, articles, prr, ror, ic, ic025, first_year, last_year"
    " FROM adverse_event_signals ORDER BY ic025 DESC, articles DESC, drug, event"
)


@dataclass(frozen=True, slots=True)
class Names:
    """The concepts, most frequent first, and all their names in lower case with the row of each one's concept.

    types: the entity types, those of most concepts first. top: the most frequent concepts of the first of these.
    """

    concepts: pa.Table
    rows: dict[str, int]
    names: pa.Array
    name_rows: pa.Array
    types: Sequence[str] = ()
    top: Sequence[tuple[str, Sequence[dict[str, Any]]]] = ()


class ConceptNames:
    """The concepts that the lake mentions, read once for each state of the lake."""

    def __init__(self, queries: LakeQueries, shared: Shared[Names]) -> None:
        self._queries = queries
        self.shared = shared
        # Nothing is read from it before the first lookup; its names then stay in memory.
        self._vocabulary = open_vocabulary("builtin")

    def get(self, identifier: str) -> dict[str, Any] | None:
        """The row of `concepts` of an identifier; None if no article mentions it. Raises as `LakeQueries.rows`."""
        names = self._names()
        row = names.rows.get(identifier)
        return None if row is None else names.concepts.slice(row, 1).to_pylist()[0]

    def name_of(self, identifiers: Iterable[str]) -> dict[str, str]:
        """The names of identifiers, joined by commas for a composite; an identifier without a name stays itself."""
        names = self._names()

        def name(identifier: str) -> str:
            row = names.rows.get(identifier)
            found = None if row is None else names.concepts.column("name")[row].as_py()
            return found or identifier

        return {one: ", ".join(map(name, one.split("|"))) for one in identifiers}

    def types_of(self, identifiers: Iterable[str]) -> dict[str, str]:
        """The entity types of concepts; empty for one that no article mentions."""
        names = self._names()
        rows = {one: names.rows.get(one) for one in identifiers}
        column = names.concepts.column("entity_type")
        return {one: "" if row is None else column[row].as_py() or "" for one, row in rows.items()}

    def most_frequent(self, size: int, entity_type: str = "") -> list[dict[str, Any]]:
        """The concepts in most articles, all or of a type."""
        return _most_frequent(self._names().concepts, size, entity_type)

    def types(self) -> Sequence[str]:
        """The entity types of the concepts, those of most concepts first."""
        return self._names().types

    def top(self) -> Sequence[tuple[str, Sequence[dict[str, Any]]]]:
        """The most frequent concepts of each of the first types."""
        return self._names().top

    def named(self, text: str) -> dict[str, Any] | None:
        """The concept with this identifier, name or spelling in the lake, else with this name in the vocabulary.

        Of several, the one in most articles.
        """
        import pyarrow.compute as pc

        names, text = self._names(), text.strip()
        if not text or text in names.rows:
            return self.get(text)
        rows = names.name_rows.filter(pc.equal(names.names, text.lower())).to_pylist()
        rows = rows or self._by_vocabulary(text)
        return names.concepts.slice(min(rows), 1).to_pylist()[0] if rows else None

    def known(self, identifiers: Iterable[str]) -> set[str]:
        """Those of the identifiers that an article mentions."""
        rows = self._names().rows
        return {one for one in identifiers if one in rows}

    def complete(self, text: str, size: int) -> list[dict[str, Any]]:
        """The concepts with a name, synonym or identifier that has the text: first those that are named so.

        Then come those with a name that begins with it; of equally good ones, those in most articles.
        """
        import pyarrow.compute as pc

        names, wanted = self._names(), text.strip().lower()
        if not wanted:
            return []
        matches = pc.match_substring(names.names, wanted)
        found = names.names.filter(matches)
        rows = names.name_rows.filter(matches)
        ranks = [0 if name == wanted else 1 if name.startswith(wanted) else 2 for name in found.to_pylist()]
        best: dict[int, tuple[int, int]] = {}
        for rank, row in zip(ranks, rows.to_pylist(), strict=True):
            best[row] = min(best.get(row, (9, row)), (rank, row))
        best |= {row: (0, row) for row in self._by_vocabulary(wanted)}
        order = sorted(best, key=lambda row: best[row])[:size]
        complete: list[dict[str, Any]] = names.concepts.take(pa.array(order, pa.int64())).to_pylist() if order else []
        return complete

    def _by_vocabulary(self, text: str) -> list[int]:
        """The rows of the concepts to which the built-in vocabulary gives this name."""
        rows, vocabulary = self._names().rows, self._vocabulary
        found = (vocabulary.identifier(match.concept) for match in vocabulary.lookup(text))
        return [rows[one] for one in found if one in rows]

    def _names(self) -> Names:
        return self.shared.get(self._queries.state())


class Signals:
    """The adverse-event signals of the lake. A query of one drug's takes as long as one of all."""

    def __init__(self, queries: LakeQueries, shared: Shared[pa.Table]) -> None:
        self._queries = queries
        self.shared = shared

    def of(self, identifier: str) -> list[dict[str, Any]]:
        """The strongest signals of a drug or an event. Raises as `LakeQueries.rows`."""
        import pyarrow.compute as pc

        signals = self.shared.get(self._queries.state())
        is_of = (pc.field("drug_id") == identifier) | (pc.field("event_id") == identifier)
        found: list[dict[str, Any]] = signals.filter(is_of).slice(0, _SIGNALS).to_pylist()
        return found


def read_signals(queries: LakeQueries) -> pa.Table:
    """All signals, the strongest first. Raises as `LakeQueries.open`."""
    with queries.open(_ALL_SIGNALS) as reader:
        return reader.read_all()


def read_names(queries: LakeQueries) -> Names:
    """The concepts and their names. Raises as `LakeQueries.open`."""
    import pyarrow.compute as pc

    with queries.open(_ALL) as reader:
        concepts = reader.read_all().combine_chunks()
    if not len(concepts):
        return Names(concepts, {}, pa.array([], pa.string()), pa.array([], pa.int64()))
    identifiers = concepts.column("identifier").to_pylist()
    rows = {one: row for row, one in enumerate(identifiers)}
    written = [(rows[one], mention) for one, mention in _spellings(queries) if one in rows]
    concepts = _with_names(concepts, written)
    synonyms = pc.list_flatten(concepts.column("synonyms")).cast(pa.string())
    parents = pc.list_parent_indices(concepts.column("synonyms")).cast(pa.int64())
    own = pa.array(range(len(concepts)), pa.int64())
    names = pa.concat_arrays(
        chunk
        for column in (concepts.column("name").cast(pa.string()), concepts.column("identifier"), synonyms)
        for chunk in column.chunks
    )
    names = pa.concat_arrays([names, pa.array([mention for _, mention in written], pa.string())])
    name_rows = pa.concat_arrays([own, own, *parents.chunks, pa.array([row for row, _ in written], pa.int64())])
    known = names.is_valid()
    counts = sorted(concepts.column("entity_type").value_counts().to_pylist(), key=lambda one: -one["counts"])
    types = [one["values"] for one in counts]
    return Names(
        concepts,
        rows,
        pc.utf8_lower(names.filter(known)),
        name_rows.filter(known),
        types,
        [(one, _most_frequent(concepts, _TOP_CONCEPTS, one)) for one in types[:_TOP_TYPES]],
    )


def _with_names(concepts: pa.Table, written: Sequence[tuple[int, str]]) -> pa.Table:
    """The concepts; one without a name, such as a variant, has its most frequent spelling as name."""
    import pyarrow.compute as pc

    first: list[str | None] = [None] * len(concepts)
    for row, mention in reversed(written):
        first[row] = mention
    place = concepts.schema.get_field_index("name")
    names = pc.coalesce(concepts.column("name").cast(pa.string()), pa.array(first, pa.string()))
    return concepts.set_column(place, "name", names)


def _spellings(queries: LakeQueries) -> list[tuple[str, str]]:
    """How the lake's articles write each concept, the usual ways only."""
    found = queries.table(_WRITTEN)
    return list(zip(found["identifier"].to_pylist(), found["spelling"].to_pylist(), strict=True))


def _most_frequent(concepts: pa.Table, size: int, entity_type: str) -> list[dict[str, Any]]:
    """The first concepts, all or of a type."""
    import pyarrow.compute as pc

    if entity_type:
        concepts = concepts.filter(pc.field("entity_type") == entity_type)
    found: list[dict[str, Any]] = concepts.slice(0, size).to_pylist()
    return found


@dataclass(frozen=True, slots=True)
class ConceptSources:
    """What the page of a concept is made from."""

    queries: LakeQueries
    names: ConceptNames
    signals: Signals
    arrays: LakeArrays
    tables: ConceptTables


def read_concept(sources: ConceptSources, identifier: str) -> dict[str, Any] | None:
    """All that the lake says about a concept; None if no article mentions it. Raises as `LakeQueries.rows`."""
    queries, names, arrays = sources.queries, sources.names, sources.arrays
    concept = names.get(identifier)
    if concept is None:
        return None
    near, pairs = arrays.neighbours(identifier, _NEIGHBOURS, _PAIRS)
    kinds = {one["identifier"]: names.get(one["identifier"]) for one in near}
    found = {
        **concept,
        "years": arrays.years_of(identifier),
        "spellings": sources.tables.spellings_of(identifier),
        "neighbours": [{**one, "entity_type": (kinds[one["identifier"]] or {}).get("entity_type", "")} for one in near],
        "pairs": pairs,
    }
    newest = arrays.page(arrays.mask(arrays.articles_of(identifier)[0]), 0, _NEWEST)
    relations = sources.tables.relations_of(identifier) if "document_relations" in queries.views else []
    roles = sources.tables.trials_of(identifier)
    # One query for all articles of the page, since each query opens files.
    articles = _articles(queries, {*newest, *roles, *(row["pmid"] for row in relations)})
    found["newest"] = [_source(articles[pmid]) for pmid in newest if pmid in articles]
    found["trials"] = [{**_source(articles[pmid]), "roles": roles[pmid]} for pmid in roles if pmid in articles]
    if "document_relations" in queries.views:
        named = names.name_of({row[side] for row in relations for side in ("subject_id", "object_id")})
        found["relations"] = [_with_sentence(row, articles, named) for row in relations]
    if "adverse_event_signals" in queries.views:
        found["signals"] = sources.signals.of(identifier)
    found["tree"] = _tree(queries, concept["tree_numbers"])
    found["names"] = names.name_of(kinds)
    return found


def _articles(queries: LakeQueries, pmids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Source and text of articles by PMID. Raises as `LakeQueries.rows`."""
    query = f"SELECT pmid, title, year, journal, retracted, text FROM articles WHERE pmid IN {sql_list(sorted(pmids))}"
    return {row["pmid"]: row for row in queries.cached_rows(query, pmids, ["articles"])} if pmids else {}


def _source(article: Mapping[str, Any]) -> dict[str, Any]:
    """An article without its text."""
    return {name: value for name, value in article.items() if name != "text"}


def _with_sentence(
    row: Mapping[str, Any], articles: Mapping[int, Mapping[str, Any]], names: Mapping[str, str]
) -> dict[str, Any]:
    """A relation with the names of both sides and its best sentence. names: by identifier."""
    text = articles.get(row["pmid"], {}).get("text") or ""
    sides = {"subject": names[row["subject_id"]], "object": names[row["object_id"]]}
    kept = {name: value for name, value in row.items() if name not in ("evidence_start", "evidence_end")}
    return {**kept, **sides, "quote": text[row["evidence_start"] : row["evidence_end"]]}


def _tree(queries: LakeQueries, tree_numbers: Sequence[str]) -> list[dict[str, Any]]:
    """For each tree number, the concepts above it from the top, and those directly below it, from the vocabularies."""
    if not tree_numbers or "vocabularies" not in queries.views:
        return []
    numbers = list(tree_numbers)[:8]
    above = {number: _ancestors(number) for number in numbers}
    below = " OR ".join(
        f"(starts_with(number, {sql_string(one + '.')}) AND NOT contains(substr(number, {len(one) + 2}), '.'))"
        for one in numbers
    )
    rows = queries.cached_rows(
        "SELECT DISTINCT number, identifier, name FROM (SELECT identifier, name, unnest(tree_numbers) AS number"
        f" FROM vocabularies) WHERE number IN {sql_list({n for some in above.values() for n in some})} OR {below}"
        f" ORDER BY number LIMIT {_CHILDREN * len(numbers)}"
    )
    by_number = {row["number"]: row for row in rows}
    return [
        {
            "number": number,
            "above": [by_number[one] for one in above[number] if one in by_number],
            "below": [row for row in rows if row["number"].rpartition(".")[0] == number],
        }
        for number in numbers
    ]


def _ancestors(number: str) -> list[str]:
    parts = number.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]

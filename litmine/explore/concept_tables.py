"""What the lake says about each concept, kept in memory: spellings, the relations shown, and adverse events by article.

A query of one concept's relations reads those of all, and so does one of an article's adverse events. They are read
once for each state of the lake.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from litmine.explore.queries import LakeQueries

Integers = npt.NDArray[np.integer]
# Spellings, relations and trials that the page of a concept shows.
_SPELLINGS, _RELATIONS, _TRIALS = 12, 50, 12
_ALL_SPELLINGS = f"""
WITH written AS (
    SELECT identifier, mention FROM entities WHERE NOT contains(identifier, '|')
    UNION ALL SELECT unnest(string_split(identifier, '|')), mention FROM entities WHERE contains(identifier, '|')
),
counted AS (
    SELECT identifier, mention, count(*) AS mentions FROM written GROUP BY identifier, mention
    QUALIFY row_number() OVER (PARTITION BY identifier ORDER BY mentions DESC, mention) <= {_SPELLINGS}
)
SELECT identifier, list({{'mention': mention, 'mentions': mentions}} ORDER BY mentions DESC, mention) AS spellings
FROM counted GROUP BY identifier"""
# Each article has one row of a pair and type in `document_relations`.
_ALL_RELATIONS = """
SELECT relation_type, subject_id, subject_type, object_id, object_type, articles, asserted_in,
       asserted_in > 0 AS asserted, score,
       best.pmid AS pmid, best.evidence_start AS evidence_start, best.evidence_end AS evidence_end
FROM (
    SELECT relation_type, subject_id, subject_type, object_id, object_type, count(*)::INTEGER AS articles,
           count(*) FILTER (asserted)::INTEGER AS asserted_in, max(score) AS score,
           arg_max({'pmid': pmid, 'evidence_start': evidence_start, 'evidence_end': evidence_end}, score) AS best
    FROM document_relations WHERE NOT coalesce(retracted, false) GROUP BY ALL
)"""
_ALL_EVENTS = (
    "SELECT pmid, drug, drug_id, event, event_id, score, negated, speculated, evidence_start, evidence_end"
    " FROM adverse_events ORDER BY pmid, score DESC, drug_start, event_start"
)
# In which role the trials of randomised design mention concepts.
_ALL_TRIALS = """
SELECT DISTINCT unnest(one.identifiers) AS identifier, role, pmid, year
FROM (
    SELECT pmid, year, 'population' AS role, unnest(populations) AS one FROM found
    UNION ALL SELECT pmid, year, 'intervention', unnest(interventions) FROM found
    UNION ALL SELECT pmid, year, 'comparator', unnest(comparators) FROM found
    UNION ALL SELECT pmid, year, 'outcome', unnest(outcomes) FROM found
) ORDER BY year DESC NULLS LAST, pmid DESC, role"""
_RANDOMISED = (
    "WITH found AS MATERIALIZED (SELECT pmid, year, populations, interventions, comparators, outcomes FROM trials"
    " WHERE design.randomised AND NOT coalesce(retracted, false))"
)


@dataclass(frozen=True, slots=True)
class ConceptTables:
    """The tables. Rows of `relations` that name a concept are at `relation_rows` from `starts[concept]` on, best first.

    spellings: row of the table of spellings by identifier. numbers: number of each concept that a relation names.
    trials: PMIDs and roles by identifier, the newest first.
    """

    spellings: Mapping[str, int]
    spelling_lists: pa.ChunkedArray
    relations: pa.Table
    numbers: Mapping[str, int]
    starts: Integers
    relation_rows: Integers
    events: pa.Table
    trials: Mapping[str, Sequence[tuple[int, str]]]

    def spellings_of(self, identifier: str) -> list[dict[str, Any]]:
        """How a concept is written in the lake, most frequent first."""
        row = self.spellings.get(identifier)
        found: list[dict[str, Any]] = [] if row is None else self.spelling_lists[row].as_py()
        return found

    def relations_of(self, identifier: str) -> list[dict[str, Any]]:
        """The relations of a concept in most articles; each with the place of its best sentence."""
        number = self.numbers.get(identifier)
        if number is None:
            return []
        rows = self.relation_rows[self.starts[number] : self.starts[number + 1]][:_RELATIONS]
        found: list[dict[str, Any]] = self.relations.take(pa.array(rows)).to_pylist()
        return found

    def relations_between(self, identifiers: Collection[str]) -> dict[tuple[str, str], dict[str, int]]:
        """The number of articles that assert a relation between two of the concepts, by these and by its type."""
        numbers = [self.numbers[one] for one in {*identifiers} if one in self.numbers]
        listed = np.sort(
            np.concatenate(
                [
                    self.relation_rows[:0],
                    *(self.relation_rows[self.starts[one] : self.starts[one + 1]] for one in numbers),
                ]
            )
        )
        # Both concepts of a relation list it, so one between two of them is there twice.
        between = listed[1:][listed[1:] == listed[:-1]]
        found: dict[tuple[str, str], dict[str, int]] = {}
        columns = ("subject_id", "object_id", "relation_type", "asserted_in")
        for row in self.relations.select(columns).take(pa.array(between)).to_pylist():
            if row["asserted_in"]:
                kinds = found.setdefault((row["subject_id"], row["object_id"]), {})
                kinds[row["relation_type"]] = kinds.get(row["relation_type"], 0) + row["asserted_in"]
        return found

    def trials_of(self, identifier: str) -> dict[int, str]:
        """The roles of a concept by PMID in the newest randomised trials that mention it."""
        roles: dict[int, list[str]] = {}
        for pmid, role in self.trials.get(identifier, ()):
            roles.setdefault(pmid, []).append(role)
        return {pmid: ", ".join(found) for pmid, found in list(roles.items())[:_TRIALS]}

    def events_of(self, pmid: int) -> list[dict[str, Any]]:
        """The adverse events of an article, the best first."""
        pmids = self.events["pmid"].to_numpy()
        first, end = np.searchsorted(pmids, [pmid, pmid + 1]).tolist()
        found: list[dict[str, Any]] = self.events.slice(first, end - first).drop_columns("pmid").to_pylist()
        return found


def read_concept_tables(queries: LakeQueries) -> ConceptTables:
    """Read them from the lake. Raises as `LakeQueries.open`."""
    written = queries.table(_ALL_SPELLINGS)
    identifiers = written["identifier"].to_pylist()
    relations = _read_relations(queries)
    sides = [relations[name].combine_chunks() for name in ("subject_id", "object_id")]
    names = pc.unique(pa.concat_arrays([side.dictionary for side in sides])).sort() if len(relations) else pa.array([])
    # Numbers of names are in the order of the names, so equal relations have a fixed order.
    numbers = [_numbers(side, names) for side in sides if len(relations)] or [np.zeros(0, np.int32)] * 2
    kinds = relations["relation_type"].combine_chunks()
    kind = _numbers(kinds, kinds.dictionary.sort()) if len(relations) else np.zeros(0, np.int32)
    owner = np.concatenate(numbers)
    rows = np.tile(np.arange(len(relations), dtype=np.int32), 2)
    articles, score = relations["articles"].to_numpy(), relations["score"].to_numpy()
    keys = (kind[rows], numbers[1][rows], numbers[0][rows], -score[rows], -articles[rows], owner)
    order = np.lexsort(keys)
    counts = np.bincount(owner, minlength=len(names))
    return ConceptTables(
        {identifier: row for row, identifier in enumerate(identifiers)},
        written["spellings"],
        relations,
        {name: number for number, name in enumerate(names.to_pylist())},
        np.concatenate([[0], np.cumsum(counts)]),
        rows[order],
        queries.table(_ALL_EVENTS).combine_chunks(),
        _read_trials(queries),
    )


def _numbers(column: pa.DictionaryArray, names: pa.Array) -> Integers:
    """The number of each value of a column among the names."""
    numbers: Integers = pc.index_in(column.dictionary, names).to_numpy()[column.indices.to_numpy()]
    return numbers


def _read_trials(queries: LakeQueries) -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = {}
    if "trials" in queries.views:
        for row in queries.rows(_RANDOMISED + _ALL_TRIALS):
            found.setdefault(row["identifier"], []).append((row["pmid"], row["role"]))
    return found


def _read_relations(queries: LakeQueries) -> pa.Table:
    """The relations with dictionaries for texts, read in batches, so that the texts are in memory once."""
    with queries.open(_ALL_RELATIONS) as reader:
        schema = pa.schema(
            [
                field.with_type(pa.dictionary(pa.int32(), pa.string())) if pa.types.is_string(field.type) else field
                for field in reader.schema
            ]
        )
        batches = [
            pa.record_batch(
                [column.dictionary_encode() if pa.types.is_string(column.type) else column for column in batch.columns],
                schema=schema,
            )
            for batch in reader
        ]
    return pa.Table.from_batches(batches, schema).unify_dictionaries().combine_chunks()

"""Names, types and places in MeSH of the concepts of a matrix."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from litmine.lake.duckdb_errors import report_damaged_files
from litmine.lake.paths import LakePath
from litmine.lake.views import connect, run_interruptibly
from litmine.vocabulary.catalogue import open_vocabulary

# A branch of MeSH: a letter, or a tree number.
BRANCH = re.compile(r"[A-Z](\d\d(\.\d{3})*)?")
# The views that hold the names of concepts.
NAME_VIEWS = ("vocabularies", "terms", "active_models")
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
    with report_damaged_files(lake), connect(lake, NAME_VIEWS) as connection:
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


def in_branch(tree_number: str, branch: str) -> bool:
    """Whether a tree number is a branch or below it."""
    return tree_number == branch or tree_number.startswith(branch if len(branch) == 1 else f"{branch}.")

"""Load the concepts of a lake's articles, with what is known of each concept, for searches until some year."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import pyarrow as pa

from litmine.discovery.concept_names import ConceptNames
from litmine.discovery.evidence import CountRelations, count_relations
from litmine.discovery.facts import ConceptFacts, read_facts
from litmine.discovery.paths import PathFinder
from litmine.discovery.request import ConceptKind
from litmine.discovery.ruled_concepts import RuledConcepts
from litmine.errors import DiscoveryError, LakeError
from litmine.lake.concept_matrix import NO_YEAR, ConceptMatrix, merge_matrices, read_matrix
from litmine.lake.concept_parts import concept_folder, list_concept_parts
from litmine.lake.concept_writer import write_heading_tables
from litmine.lake.lake import Lake
from litmine.lake.pair_update import indexed_versions, record_versions, update_pairs

# Why a lake has no concepts of a kind, and what to do.
_NO_CONCEPTS: dict[ConceptKind, str] = {
    "entities": "no article that counts has a linked concept; run `litmine annotate`, or take NLM's headings of the"
    ' records with `kind="mesh"`',
    "mesh": "no record that counts has MeSH headings with identifiers; PubMed's XML has them once NLM has indexed an"
    ' article: import such records, or take the concepts that `litmine annotate` finds with `kind="entities"`',
    "both": "no article that counts has a concept; entities come from `litmine annotate`, and MeSH headings with"
    " records of PubMed",
}


@dataclass(frozen=True, slots=True)
class ConceptGraph:
    """The articles that count and their concepts; `facts` of each concept, and the kind of concepts that were read.

    names: finds the concepts that users mean. ruled: applies rules to them. count_relations: counts relations between
    concepts.
    """

    lake: Lake
    matrix: ConceptMatrix
    facts: Sequence[ConceptFacts]
    finder: PathFinder
    kind: ConceptKind
    names: ConceptNames
    ruled: RuledConcepts
    count_relations: CountRelations = count_relations

    @classmethod
    def of(cls, lake: Lake, matrix: ConceptMatrix, facts: Sequence[ConceptFacts], kind: ConceptKind) -> Self:
        """The graph of a matrix."""
        finder = PathFinder(matrix)
        names = ConceptNames(lake.location, facts, finder.articles, kind == "mesh")
        return cls(lake, matrix, facts, finder, kind, names, RuledConcepts(facts, finder.articles, finder.total))

    def until(self, year: int | None) -> "ConceptGraph":
        """The graph of the articles until a year, without articles that have no year; all articles for None.

        Raises DiscoveryError if there are none.
        """
        if year is None:
            return self
        years = self.matrix.years
        if not (kept := (years != NO_YEAR) & (years <= year)).any():
            dated = years[years != NO_YEAR]
            oldest = f"the oldest is of {dated.min()}" if len(dated) else "none has a year"
            raise DiscoveryError(f"no article with a concept is of {year} or earlier ({oldest}); take a later `until`")
        graph = ConceptGraph.of(self.lake, self.matrix.select(kept), self.facts, self.kind)
        return replace(graph, count_relations=self.count_relations)


def load_graph(lake: Lake, kind: ConceptKind) -> ConceptGraph:
    """Load the graph, after the index of pairs is brought up to date.

    Raises DiscoveryError if no article has a concept, LakeError if the lake is damaged or `concepts` not writable.
    """
    matrix = _read(lake, kind)
    if not len(matrix.pmids):
        raise DiscoveryError(_NO_CONCEPTS[kind])
    facts = read_facts(lake.location, matrix.identifiers, matrix.types)
    return ConceptGraph.of(lake, matrix, facts, kind)


def _read(lake: Lake, kind: ConceptKind) -> ConceptMatrix:
    try:
        matrices = []
        if kind != "mesh":
            state = update_pairs(lake.location)
            files = [part.file for part in list_concept_parts(lake.location) if part.sources]
            matrices.append(read_matrix(files, indexed_versions(lake.location, state)))
        if kind != "entities":
            headings = write_heading_tables(lake.location)
            matrices.append(read_matrix(headings, record_versions(lake.location), "record_hash"))
        return merge_matrices(*matrices) if len(matrices) == 2 else matrices[0]
    except (OSError, pa.ArrowException) as error:
        folder = concept_folder(lake.location)
        reason = (isinstance(error, OSError) and error.strerror) or " ".join(str(error).split())
        raise LakeError(f"{folder} cannot be read ({reason}); delete it, and the next search makes it again") from error

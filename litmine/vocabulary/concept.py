"""What a source says about a concept, before vocabularies are built from it."""

from dataclasses import dataclass, field
from typing import Literal

# The preferred name of a gene is its symbol; `symbol` is another symbol of it.
NameKind = Literal["preferred", "symbol", "full name", "synonym"]
KINDS: tuple[NameKind, ...] = ("preferred", "symbol", "full name", "synonym")

CELLOSAURUS = "Cellosaurus"
HGNC = "HGNC"
MESH = "MeSH"
MONDO = "MONDO"
NCBI_GENE = "NCBI Gene"
NCBI_TAXONOMY = "NCBI Taxonomy"


@dataclass(slots=True)
class Concept:
    """A concept with its names, the preferred one first.

    identifier: as the lake shows it, such as MESH:D010406 or NCBIGene:7157. vocabulary: which of the vocabularies
    above. entity_types: the types of mentions that may be linked to it. taxon: of a gene, its number in NCBI Taxonomy.
    semantic_types: of the UMLS, such as T047; of a taxon, its rank. references: identifiers of the same thing, or of
    the headings that it is mapped to. parents: identifiers of broader concepts, where there are no tree numbers.
    same_as: the concept of another source that takes over these names if it exists.
    """

    identifier: str
    vocabulary: str
    entity_types: tuple[str, ...]
    names: list[tuple[str, NameKind]]
    tree_numbers: tuple[str, ...] = ()
    taxon: int | None = None
    semantic_types: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    definition: str = ""
    same_as: str = ""


@dataclass(slots=True)
class Source:
    """Where concepts come from: publisher's version and date as far as the files tell, licence, and what was counted.

    counts: concepts and names read, and what was left out, by reason.
    """

    name: str
    version: str
    licence: str
    address: str
    files: list[str] = field(default_factory=list)
    date: str = ""
    attribution: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

"""What a linker asks of a vocabulary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A name of a vocabulary that is like a mention.

    identifier: of the concept, such as MESH:D010300. similarity: cosine of the character n-grams, 0 to 1. preferred:
    whether it is the concept's preferred name. learned: whether it is a mention of a training document and no name of
    the vocabulary.
    """

    identifier: str
    name: str
    similarity: float
    preferred: bool = False
    learned: bool = False


@dataclass(frozen=True, slots=True)
class ConceptFacts:
    """What is known of a concept.

    name: its preferred name. heading: whether it is a heading of MeSH, with tree numbers. supplementary: whether it is
    a supplementary record. trees: its places in MeSH's tree, such as D02.033. taxon: of a gene, the number of its
    species in NCBI Taxonomy, else 0. coding: whether it is a protein-coding gene, if that is known. names: number of
    its names.
    """

    name: str
    heading: bool = False
    supplementary: bool = False
    trees: tuple[str, ...] = ()
    taxon: int = 0
    coding: bool = False
    names: int = 1

    @property
    def depth(self) -> int:
        """Levels above it in the tree that is nearest to its root, 0 for the root and for a concept without a tree."""
        return min((tree.count(".") for tree in self.trees), default=0)

    def is_below(self, other: "ConceptFacts") -> bool:
        """Whether one of its places in the tree is below one of the other's."""
        return any(tree.startswith(f"{above}.") for tree in self.trees for above in other.trees)


class Concepts(Protocol):
    """The concepts that mentions are linked to."""

    def lookup(self, name: str, entity_type: str) -> Sequence[NameMatch]:
        """The names of concepts of a type that are the same words as `name`."""
        ...

    def nearest(self, name: str, entity_type: str, number: int) -> Sequence[NameMatch]:
        """The names of concepts of a type that have most in common with `name`, the nearest first."""
        ...

    def facts(self, identifier: str) -> ConceptFacts | None:
        """What is known of a concept; None if the vocabulary does not have it."""
        ...

    def names(self, identifier: str) -> Sequence[str]:
        """All names of a concept; empty if the vocabulary does not have it."""
        ...

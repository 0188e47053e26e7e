"""Make one set of concepts from several sources: join those that are the same, and clean their names."""

import unicodedata
from collections.abc import Callable, Iterable

from litmine.vocabulary.checks import LONGEST_NAME, Problems
from litmine.vocabulary.concept import MESH, NCBI_TAXONOMY, Concept, NameKind, Source
from litmine.vocabulary.normalise import normalise, split_tokens

_HEADING = "heading:"
_TAXON = "NCBITaxon:"
_SPECIES = "Species"
# A supplementary record that is mapped to headings of several types is of the first of these: an inborn error of
# metabolism is mapped to a disease and to the enzyme.
_TYPES_OF_RECORDS = ("Disease", "Chemical", "Species", "Anatomy", "CellType", "CellLine", "Person")


class Assembly:
    """The concepts of all sources by identifier. taxa_of_mesh: those of taxa that were made from headings."""

    def __init__(self) -> None:
        self.concepts: dict[str, Concept] = {}
        self.problems = Problems()
        self.taxa_of_mesh: set[str] = set()

    def add(self, concepts: Iterable[Concept], file: str, source: Source) -> None:
        """Add the concepts of a file. What it says of a concept that is there already joins that."""
        for concept in concepts:
            source.count("concepts read")
            source.count("names read", len(concept.names))
            if not self.problems.check(concept, file):
                continue
            self._shorten(concept, file)
            if not concept.names:
                self.problems.note_nameless(concept, file)
                continue
            before = self.concepts.setdefault(concept.identifier, concept)
            if before is not concept:
                self.problems.note_duplicate(concept, file)
                _join(before, concept)
                _join_places(before, concept)

    def join(self) -> None:
        """Join the concepts of different sources that are the same, after all files are added.

        A concept whose `same_as` exists joins that. A supplementary record of MeSH about an organism joins the taxon of
        its name. A MeSH heading with a taxon stays, but mentions of the species are linked to the taxon, which gets
        its names and tree numbers. Where NCBI Taxonomy's file lacks all taxa of a heading, this is the taxon of its
        name, or else its only taxon, which is made from the heading.
        """
        self._resolve_headings()
        self._type_by_headings()
        self._replace_missing_taxa()
        taxa = self._taxa_by_name()
        for concept in [*self.concepts.values()]:
            if _is_organism(concept) and not concept.tree_numbers:
                concept.same_as = taxa.get(concept.names[0][0].casefold(), "")
            other = self.concepts.get(concept.same_as) if concept.same_as else None
            if other is not None and other is not concept:
                _join(other, concept)
                other.references = _distinct(*other.references, concept.identifier)
                del self.concepts[concept.identifier]
        for concept in self.concepts.values():
            taxon = self._taxon_of(concept) if _is_organism(concept) else None
            if taxon is not None:
                _join(taxon, concept)
                concept.entity_types = tuple(kind for kind in concept.entity_types if kind != _SPECIES)
                taxon.tree_numbers = _distinct(*taxon.tree_numbers, *concept.tree_numbers)
                taxon.references = tuple(
                    one for one in _distinct(*taxon.references, concept.identifier) if one != taxon.identifier
                )

    def keep(self, wanted: Callable[[Concept], bool]) -> None:
        """Leave out the concepts that are not wanted. `wanted` may also take names from a concept."""
        self.concepts = {
            identifier: concept for identifier, concept in self.concepts.items() if wanted(concept) and concept.names
        }

    def _shorten(self, concept: Concept, file: str) -> None:
        names = []
        for name, kind in concept.names:
            if len(name) > LONGEST_NAME:
                self.problems.note_long_name(name, concept, file)
            elif cleaned := clean(name):
                names.append((cleaned, kind))
        # The preferred name may be among those that are left out.
        concept.names = [(name, "preferred" if place == 0 else kind) for place, (name, kind) in enumerate(names)]

    def _resolve_headings(self) -> None:
        headings = {
            f"{_HEADING}{concept.names[0][0]}": identifier
            for identifier, concept in self.concepts.items()
            if concept.vocabulary == MESH
        }
        for concept in self.concepts.values():
            if any(one.startswith(_HEADING) for one in concept.references):
                found = [headings.get(one, one) for one in concept.references]
                concept.references = _distinct(*(one for one in found if not one.startswith(_HEADING)))

    def _taxon_of(self, heading: Concept) -> Concept | None:
        """The taxon of a MeSH heading; if NLM gives it several, the one whose name it has, or the only species."""
        references = [one for one in heading.references if one.startswith(_TAXON)]
        taxa = [self.concepts[one] for one in references if one in self.concepts]
        names = {name.casefold() for name, _ in heading.names}
        for fits in (
            taxa if len(references) == 1 else [],
            [taxon for taxon in taxa if taxon.names[0][0].casefold() in names],
            [taxon for taxon in taxa if "species" in taxon.semantic_types],
        ):
            if len(fits) == 1:
                return fits[0]
        return None

    def _type_by_headings(self) -> None:
        """Give supplementary records of MeSH without a type that of the headings that they are mapped to."""
        for concept in self.concepts.values():
            if concept.vocabulary == MESH and not concept.entity_types and not concept.tree_numbers:
                headings = [self.concepts[one] for one in concept.references if one in self.concepts]
                kinds = {kind for heading in headings for kind in heading.entity_types}
                found = [kind for kind in _TYPES_OF_RECORDS if kind in kinds]
                concept.entity_types = tuple(found[:1]) if headings else ("Chemical",)

    def _replace_missing_taxa(self) -> None:
        """Give headings of organisms whose taxa are all missing the taxon of their name, or else make their only taxon.

        NLM often names a strain where NCBI Taxonomy's file has species only. No taxon is made whose name, apart from
        signs and spaces, another taxon has.
        """
        by_name = self._taxa_by_name()
        taken = {_characters(name) for concept in self._of(NCBI_TAXONOMY) for name, _ in concept.names}
        for heading in [one for one in self._of(MESH) if _is_organism(one) and one.tree_numbers] if taken else []:
            taxa = [one for one in heading.references if one.startswith(_TAXON)]
            if not taxa or any(one in self.concepts for one in taxa):
                continue
            name, _ = heading.names[0]
            if named := by_name.get(name.casefold()):
                heading.references = (*heading.references, named)
            elif len(taxa) == 1 and not any(_characters(one) in taken for one, _ in heading.names):
                self.taxa_of_mesh.add(taxa[0])
                self.concepts[taxa[0]] = Concept(taxa[0], NCBI_TAXONOMY, (_SPECIES,), [(name, "preferred")])

    def _of(self, vocabulary: str) -> list[Concept]:
        return [concept for concept in self.concepts.values() if concept.vocabulary == vocabulary]

    def _taxa_by_name(self) -> dict[str, str]:
        """Identifiers of taxa by scientific name; a name of two taxa stands for none."""
        found: dict[str, str] = {}
        for identifier, concept in self.concepts.items():
            if concept.vocabulary == NCBI_TAXONOMY:
                name = concept.names[0][0].casefold()
                found[name] = "" if name in found else identifier
        return found


def distinct_names(concept: Concept) -> list[tuple[str, str, NameKind]]:
    """Normal form, name and kind of a concept's names, each form once, with its first name."""
    found: dict[str, tuple[str, str, NameKind]] = {}
    for name, kind in concept.names:
        form = normalise(name)
        found.setdefault(form, (form, name, kind))
    return [*found.values()]


def clean(name: str) -> str:
    """A name in NFC, with single spaces, and without control characters and lone surrogates."""
    if name.isascii() and name.isprintable() and "  " not in name:
        return name.strip()
    kept = "".join(
        character if unicodedata.category(character) not in ("Cc", "Cs") else " "
        for character in unicodedata.normalize("NFC", name)
    )
    return " ".join(kept.split())


def _characters(name: str) -> str:
    return "".join(split_tokens(name))


def _is_organism(concept: Concept) -> bool:
    return concept.vocabulary == MESH and _SPECIES in concept.entity_types


def _join(concept: Concept, other: Concept) -> None:
    """Add the names of another source, all as synonyms or symbols, and its references."""
    known = {name for name, _ in concept.names}
    for name, kind in other.names:
        if name not in known:
            joined: NameKind = kind
            if kind == "preferred":
                joined = "symbol" if "Gene" in concept.entity_types else "synonym"
            concept.names.append((name, joined))
    concept.references = tuple(
        one for one in _distinct(*concept.references, *other.references) if one != concept.identifier
    )
    concept.definition = concept.definition or other.definition


def _join_places(concept: Concept, other: Concept) -> None:
    """Add the types and the places in the tree of another record of the same concept."""
    concept.entity_types = _distinct(*concept.entity_types, *other.entity_types)
    concept.tree_numbers = _distinct(*concept.tree_numbers, *other.tree_numbers)
    concept.semantic_types = _distinct(*concept.semantic_types, *other.semantic_types)
    concept.parents = _distinct(*concept.parents, *other.parents)


def _distinct(*items: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))

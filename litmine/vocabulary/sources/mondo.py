"""Read diseases from MONDO's OBO file."""

from collections.abc import Iterator
from pathlib import Path

from litmine.vocabulary.concept import MONDO, Concept, NameKind, Source
from litmine.vocabulary.hierarchy import check_acyclic
from litmine.vocabulary.sources.obo import Term, read_obo

_EXPECTED = "MONDO's OBO file"
# References that other corpora and databases name diseases by.
_KEPT = ("MESH:", "OMIM:", "DOID:", "Orphanet:")
_EQUIVALENT = "MONDO:equivalentTo"


def read_mondo(path: Path, source: Source) -> Iterator[Concept]:
    """Yield the diseases of a file. The names of one that MONDO equates with a MeSH record join the record's.

    Raises VocabularyError when the file is another one, damaged, or its tree is cyclic.
    """
    parents: dict[str, tuple[str, ...]] = {}
    for term in read_obo(path, _EXPECTED):
        if isinstance(term, dict):
            source.version = term.get("data-version", "").rpartition("releases/")[2].partition("/")[0]
        elif term.identifier.startswith("MONDO:"):
            parents[term.identifier] = tuple(term.parents)
            yield _concept(term)
    check_acyclic(parents, str(path))


def mondo_concept(
    identifier: str, names: list[tuple[str, NameKind]], references: list[str], parents: tuple[str, ...] = ()
) -> Concept:
    """A disease of MONDO. One that has a single reference to MeSH is that record."""
    kept = tuple(one for one in references if one.startswith(_KEPT))
    headings = [one for one in kept if one.startswith("MESH:")]
    same_as = headings[0] if len(headings) == 1 else ""
    return Concept(identifier, MONDO, ("Disease",), names, references=kept, parents=parents, same_as=same_as)


def _concept(term: Term) -> Concept:
    names: list[tuple[str, NameKind]] = [(term.name, "preferred")]
    # A broader or narrower term names something else.
    names += [(text, "synonym") for text, scope in term.synonyms if scope in ("", "EXACT", "RELATED")]
    stated = [(one, why) for one, why in term.xrefs if _EQUIVALENT in why or not why]
    references = ["Orphanet:" + one.partition(":")[2] if one.startswith("ORDO:") else one for one, _ in stated]
    concept = mondo_concept(term.identifier, names, references, tuple(term.parents))
    concept.definition = term.definition
    return concept

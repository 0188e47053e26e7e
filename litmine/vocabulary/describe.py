"""What `litmine vocabulary show` prints."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from litmine.errors import UnknownConceptError
from litmine.settings import did_you_mean
from litmine.vocabulary.concept import NCBI_TAXONOMY
from litmine.vocabulary.storage import size_of
from litmine.vocabulary.vocabulary import Match, Vocabulary

_NEAREST = 5
_LISTED = 20
_LABEL = 14


def describe_vocabulary(vocabulary: Vocabulary) -> Iterator[str]:
    """Sections with their counts, then sources with version, licence, address and what was left out."""
    manifest = vocabulary.manifest
    yield manifest.reference
    yield f"{size_of(vocabulary.folder, manifest):,} bytes in {vocabulary.folder}"
    for section in manifest.sections:
        types = ", ".join(section.entity_types) or "no entity type"
        yield f"{section.vocabulary}: {section.concepts:,} concepts, {section.names:,} names ({types})"
    for source in manifest.sources:
        yield ""
        yield f"{source.name} {source.version}".rstrip()
        facts = {
            "date": source.date,
            "licence": source.licence,
            "address": source.address,
            "cite": source.attribution,
            "files": ", ".join(source.files),
        }
        yield from (f"{label:<{_LABEL}}{text}" for label, text in facts.items() if text)
        yield from (f"{'':<{_LABEL}}{number:,} {what}" for what, number in source.counts.items())


def describe_what(
    vocabulary: Vocabulary, what: str, entity_type: str | None = None, taxon: int | None = None
) -> Iterator[str]:
    """The concept with this identifier, or the concepts with this name, or that refer to this identifier elsewhere.

    Raises UnknownConceptError, which lists the nearest names, when there is none, and for a type that no concept has.
    """
    _check_type(vocabulary, entity_type)
    row = vocabulary.find_or_none(what)
    if row is not None:
        yield from describe_concept(vocabulary, row)
        return
    matches = vocabulary.lookup(what, entity_type, taxon)
    if not matches and (referring := vocabulary.referring_to(what)):
        yield from _describe_referring(vocabulary, referring, what)
        return
    if not matches:
        vocabulary.suggest_identifier(what)
        nearest = [match for match, _ in vocabulary.nearest(what, _NEAREST, entity_type, taxon)]
        near = ", ".join(f"{match.name} ({vocabulary.identifier(match.concept)})" for match in nearest)
        raise UnknownConceptError(
            f"{vocabulary.reference} has no name or identifier {what[:100]}"
            + (f"; the nearest names are {near}" if near else "")
        )
    best: dict[int, Match] = {}
    for match in matches:
        best.setdefault(match.concept, match)
    if len(best) == 1:
        yield from describe_concept(vocabulary, matches[0].concept)
        return
    how = {row: f"{match.name} ({match.kind}, {match.agreement.name.lower()})" for row, match in best.items()}
    yield from _list_concepts(vocabulary, how)


def _check_type(vocabulary: Vocabulary, entity_type: str | None) -> None:
    """Raise UnknownConceptError for a type that no concept has."""
    known = sorted({kind for section in vocabulary.manifest.sections for kind in section.entity_types})
    if entity_type is not None and entity_type not in known:
        raise UnknownConceptError(
            f"{vocabulary.reference} has no concepts of the type {entity_type[:100]}"
            f"{did_you_mean(entity_type, known)}; its types are {', '.join(known)}"
        )


def _describe_referring(vocabulary: Vocabulary, rows: Sequence[int], reference: str) -> Iterator[str]:
    if len(rows) == 1:
        yield from describe_concept(vocabulary, rows[0])
    else:
        yield from _list_concepts(vocabulary, dict.fromkeys(rows, f"refers to {reference}"))


def _list_concepts(vocabulary: Vocabulary, how: Mapping[int, str]) -> Iterator[str]:
    """A line for each of the first concepts, by row, with how it was found."""
    for row, found_as in islice(how.items(), _LISTED):
        types = ", ".join(vocabulary.entity_types(row)) or "-"
        yield f"{vocabulary.identifier(row)}\t{vocabulary.preferred_name(row)}\t{types}\t{found_as}"
    if len(how) > _LISTED:
        yield f"... and {len(how) - _LISTED:,} more"


def describe_concept(vocabulary: Vocabulary, row: int) -> Iterator[str]:
    """Identifier, names, types, places in the tree with the concepts above, references, definition."""
    names = vocabulary.names_of(row)
    yield f"{vocabulary.identifier(row)}\t{names[0][0]}"
    taxon = vocabulary.taxon(row)
    facts = {
        "types": ", ".join(vocabulary.entity_types(row)),
        "vocabulary": vocabulary.vocabulary_of(row),
        "species": "" if taxon is None else f"NCBITaxon:{taxon}",
        "rank" if vocabulary.vocabulary_of(row) == NCBI_TAXONOMY else "semantic types": ", ".join(
            vocabulary.semantic_types(row)
        ),
        "tree": ", ".join(vocabulary.tree_numbers(row)),
        "refers to": ", ".join(vocabulary.references(row)),
        "definition": vocabulary.definition(row),
    }
    yield from (f"{label:<{_LABEL}} {text}" for label, text in facts.items() if text)
    for above in vocabulary.ancestors(row):
        yield f"{'below':<{_LABEL}} {vocabulary.identifier(above)} {vocabulary.preferred_name(above)}"
    for name, kind in names[1:]:
        yield f"{kind:<{_LABEL}} {name}"

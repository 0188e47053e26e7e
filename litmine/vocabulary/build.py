"""Build a vocabulary from the files of its publishers, or from the tables of the built-in one."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa

from litmine.errors import VocabularyError
from litmine.vocabulary.assembly import Assembly, distinct_names
from litmine.vocabulary.card import write_card
from litmine.vocabulary.concept import (
    CELLOSAURUS,
    HGNC,
    MESH,
    MONDO,
    NCBI_GENE,
    NCBI_TAXONOMY,
    Concept,
    NameKind,
    Source,
)
from litmine.vocabulary.selection import BuiltinRule
from litmine.vocabulary.sources.cellosaurus import read_cellosaurus
from litmine.vocabulary.sources.gene_info import read_gene_info
from litmine.vocabulary.sources.hgnc import read_hgnc
from litmine.vocabulary.sources.mesh_ascii import read_mesh_ascii
from litmine.vocabulary.sources.mesh_xml import read_mesh_xml
from litmine.vocabulary.sources.mondo import read_mondo
from litmine.vocabulary.sources.source_file import looks_like, refuse, version_in_name
from litmine.vocabulary.sources.tables import find_tables, read_table
from litmine.vocabulary.sources.taxonomy import read_taxdump
from litmine.vocabulary.storage import (
    CONCEPT_SCHEMA,
    NAME_SCHEMA,
    Manifest,
    Section,
    check_is_replaceable,
    write_vocabulary,
)

_PUBLIC_DOMAIN = "public domain"
_BY = "CC BY 4.0"
# Licence, address and attribution of each publisher, as they state them.
_PUBLISHERS = {
    MESH: (_PUBLIC_DOMAIN, "https://www.nlm.nih.gov/mesh/", "Courtesy of the U.S. National Library of Medicine"),
    NCBI_GENE: (_PUBLIC_DOMAIN, "https://www.ncbi.nlm.nih.gov/gene", ""),
    NCBI_TAXONOMY: (_PUBLIC_DOMAIN, "https://www.ncbi.nlm.nih.gov/taxonomy", ""),
    HGNC: ("CC0", "https://www.genenames.org/", ""),
    MONDO: (_BY, "https://mondo.monarchinitiative.org/", "Mondo Disease Ontology, Monarch Initiative"),
    CELLOSAURUS: (
        _BY,
        "https://www.cellosaurus.org/",
        "Bairoch A. The Cellosaurus, a cell-line knowledge resource. J Biomol Tech 2018;29:25-38",
    ),
}


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """The files to build from, by publisher.

    tables: a folder of the tables that `litmine.vocabulary.sources.tables` describes. taxa: read only genes of these
    species, by their numbers in NCBI Taxonomy; empty for all.
    """

    mesh: Sequence[Path] = ()
    gene: Sequence[Path] = ()
    taxonomy: Path | None = None
    hgnc: Path | None = None
    mondo: Path | None = None
    cellosaurus: Path | None = None
    tables: Path | None = None
    taxa: Sequence[int] = ()


@dataclass(slots=True)
class Built:
    """A vocabulary that was built. problems: sentences about what was left out, since the files were wrong."""

    manifest: Manifest
    problems: list[str] = field(default_factory=list)


def build_vocabulary(
    files: SourceFiles,
    folder: Path,
    name: str,
    builtin_rule: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Built:
    """Build a vocabulary in a folder, in place of the one that is there.

    builtin_rule: leave out what the built-in vocabulary leaves out (`litmine.vocabulary.selection`). report: is told
    which file is read. Raises VocabularyError when a file cannot be read whole, or the folder
    has files of something else; then nothing is written.
    """
    check_is_replaceable(folder)
    assembly = Assembly()
    sources: dict[str, Source] = {}
    for publisher, path, read in _readers(files, sources):
        report(f"reading {path}")
        source = sources.setdefault(publisher, _source(publisher))
        source.files.append(path.name)
        version, date = version_in_name(path)
        source.version = max(source.version, version)
        source.date = max(source.date, date)
        assembly.add(read(), str(path), source)
    if not assembly.concepts:
        raise VocabularyError(
            "there are no concepts in these files; name at least one file, such as --mesh desc2024.xml"
        )
    report("joining concepts and sorting names")
    assembly.join()
    if builtin_rule:
        rule = BuiltinRule(assembly.concepts.values(), assembly.taxa_of_mesh)
        assembly.keep(rule)
        for publisher, counts in rule.left_out.items():
            if publisher in sources:
                for what, number in counts.items():
                    sources[publisher].count(f"left out: {what}", number)
    concepts, sections = tables_of(assembly.concepts.values())
    manifest = write_vocabulary(folder, name, concepts, sections, [*sources.values()])
    write_card(folder, manifest)
    return Built(manifest, assembly.problems.sentences())


def tables_of(concepts: Iterable[Concept]) -> tuple[pa.Table, list[tuple[Section, pa.Table]]]:
    """The table of concepts, sorted by identifier, and each section's table of names, sorted by normal form."""
    ordered = sorted(concepts, key=lambda concept: concept.identifier)
    names: dict[str, list[tuple[str, int, str, NameKind]]] = defaultdict(list)
    for row, concept in enumerate(ordered):
        names[concept.vocabulary] += ((form, row, name, kind) for form, name, kind in distinct_names(concept))
    counts = Counter(concept.vocabulary for concept in ordered)
    types: dict[str, set[str]] = defaultdict(set)
    for concept in ordered:
        types[concept.vocabulary].update(concept.entity_types)
    sections = []
    for vocabulary in sorted(names):
        rows = sorted(names.pop(vocabulary))
        table = pa.table(
            [[row[2] for row in rows], [row[1] for row in rows], [row[3] for row in rows]], schema=NAME_SCHEMA
        )
        section = Section(vocabulary, counts[vocabulary], len(rows), tuple(sorted(types[vocabulary])))
        sections.append((section, table))
    return _concept_table(ordered), sections


def _concept_table(ordered: Sequence[Concept]) -> pa.Table:
    return pa.table(
        [
            [concept.identifier for concept in ordered],
            [concept.vocabulary for concept in ordered],
            ["|".join(concept.entity_types) for concept in ordered],
            [concept.tree_numbers for concept in ordered],
            [concept.taxon for concept in ordered],
            ["|".join(concept.semantic_types) for concept in ordered],
            [concept.references for concept in ordered],
            [concept.parents for concept in ordered],
            [concept.definition or None for concept in ordered],
        ],
        schema=CONCEPT_SCHEMA,
    )


Read = Callable[[], Iterable[Concept]]


def _readers(files: SourceFiles, sources: dict[str, Source]) -> Iterator[tuple[str, Path, Read]]:
    """The publisher, path and reader of each file, in the order in which names are joined."""
    if files.tables is not None:
        for publisher, paths in find_tables(files.tables).items():
            for path in paths:
                yield publisher, path, partial(read_table, publisher, path)
    for path in files.mesh:
        yield MESH, path, partial(_read_mesh, path)
    for path in files.gene:
        yield NCBI_GENE, path, partial(read_gene_info, path, files.taxa)
    if files.taxonomy is not None:
        yield NCBI_TAXONOMY, files.taxonomy, partial(read_taxdump, files.taxonomy)
    if files.hgnc is not None:
        yield HGNC, files.hgnc, partial(read_hgnc, files.hgnc)
    # These state their version inside.
    if files.mondo is not None:
        source = sources.setdefault(MONDO, _source(MONDO))
        yield MONDO, files.mondo, partial(read_mondo, files.mondo, source)
    if files.cellosaurus is not None:
        source = sources.setdefault(CELLOSAURUS, _source(CELLOSAURUS))
        yield CELLOSAURUS, files.cellosaurus, partial(read_cellosaurus, files.cellosaurus, source)


def _read_mesh(path: Path) -> Iterable[Concept]:
    match looks_like(path):
        case "MeSH in ASCII":
            return read_mesh_ascii(path)
        case form if "XML" in form:
            return read_mesh_xml(path)
        case _:
            raise refuse(path, "MeSH in XML or ASCII")


def _source(publisher: str) -> Source:
    licence, address, attribution = _PUBLISHERS[publisher]
    return Source(publisher, "", licence, address, attribution=attribution)

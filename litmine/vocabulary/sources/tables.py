"""Read the tables with tabs that the built-in vocabulary is built from: a folder for each publisher.

MeSH/descriptors_YEAR, MeSH/supplementary_YEAR_KIND, MeSH/descriptor_semantic_types, NCBI-Gene/SPECIES_TAXON,
NCBI-Taxonomy/names_YEAR, Cellosaurus/cellosaurus_YEAR, MONDO/mondo_YEAR; MeSH/to_other_vocabularies tells which
diseases of DOID are MeSH records. Each ends in .tsv (semantic types in .psv), and may be gzip. Those that are not there
are passed over.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from litmine.errors import VocabularyError
from litmine.vocabulary.concept import MESH, NCBI_TAXONOMY, Concept, NameKind
from litmine.vocabulary.sources.cellosaurus import cell_line
from litmine.vocabulary.sources.gene_info import gene_concept
from litmine.vocabulary.sources.mesh_types import types_of_places
from litmine.vocabulary.sources.mondo import mondo_concept
from litmine.vocabulary.sources.source_file import open_source, split_list, table_rows, text_lines

# The other tables hold records of several types, which their headings tell.
_SUPPLEMENTARY_TYPES = {"disease": ("Disease",), "organism": ("Species",)}
_TAXON_IN_NAME = re.compile(r"_([0-9]+)\.")


def find_tables(folder: Path) -> dict[str, list[Path]]:
    """The tables of a folder by publisher. Raises VocabularyError when it has none."""
    patterns = {
        "MeSH": ("MeSH/descriptors_*.tsv*", "MeSH/supplementary_*.tsv*"),
        "NCBI Gene": ("NCBI-Gene/*.tsv*",),
        "NCBI Taxonomy": ("NCBI-Taxonomy/names_*.tsv*",),
        "Cellosaurus": ("Cellosaurus/cellosaurus_*.tsv*",),
        "MONDO": ("MONDO/mondo_*.tsv*",),
    }
    found = {name: [file for one in globs for file in sorted(folder.glob(one))] for name, globs in patterns.items()}
    if not any(found.values()):
        raise VocabularyError(
            f"{folder} has no tables; it needs files such as MeSH/descriptors_2024.tsv.gz (see docs/vocabulary.md)"
        )
    return {name: files for name, files in found.items() if files}


def read_table(publisher: str, path: Path) -> Iterator[Concept]:
    """Yield the concepts of a table. Raises VocabularyError when it has another form, or is damaged."""
    match publisher:
        case "MeSH" if path.name.startswith("descriptors"):
            return _descriptors(path)
        case "MeSH":
            return _supplementary(path)
        case "NCBI Gene":
            return _genes(path)
        case "NCBI Taxonomy":
            return _taxa(path)
        case "Cellosaurus":
            return _cell_lines(path)
        case _:
            return _diseases(path)


def _descriptors(path: Path) -> Iterator[Concept]:
    semantic_types = _semantic_types(path)
    columns = {name: (name,) for name in ("id", "name", "synonyms", "tree_numbers", "ncbi_taxon")}
    with open_source(path) as stream:
        for _, row in table_rows(path, stream, columns, "a table of MeSH descriptors"):
            places = tuple(split_list(row["tree_numbers"]))
            yield Concept(
                f"MESH:{row['id']}",
                MESH,
                types_of_places(places),
                _names(row),
                places,
                semantic_types=semantic_types.get(row["id"], ()),
                references=tuple(f"NCBITaxon:{taxon}" for taxon in split_list(row["ncbi_taxon"])),
            )


def _semantic_types(path: Path) -> dict[str, tuple[str, ...]]:
    """The semantic types of descriptors, from the table beside theirs if there is one."""
    found = {}
    for table in sorted(path.parent.glob("descriptor_semantic_types.psv*"))[:1]:
        with open_source(table) as stream:
            for _, line in text_lines(stream):
                identifier, _, rest = line.partition("|")
                # The name between may have bars; the types and their number do not.
                found[identifier] = tuple(split_list(rest.split("|")[-2], ";")) if rest.count("|") >= 2 else ()
    return found


def _supplementary(path: Path) -> Iterator[Concept]:
    kind = path.name.partition(".")[0].rpartition("_")[2]
    types = _SUPPLEMENTARY_TYPES.get(kind, ())
    columns = {name: (name,) for name in ("id", "name", "synonyms", "heading_mapped_to")}
    with open_source(path) as stream:
        for _, row in table_rows(path, stream, columns, "a table of MeSH supplementary records"):
            headings = split_list(row["heading_mapped_to"], ",")
            references = tuple(f"MESH:{heading}" for heading in headings)
            yield Concept(f"MESH:{row['id']}", MESH, types, _names(row), references=references)


def _genes(path: Path) -> Iterator[Concept]:
    found = _TAXON_IN_NAME.search(path.name)
    if found is None:
        raise VocabularyError(f"{path}: the name does not end in the number of a taxon, as in human_9606.tsv")
    columns = {name: (name,) for name in ("gene_id", "symbol", "synonyms", "name", "other_names", "dbxrefs")}
    with open_source(path) as stream:
        for _, row in table_rows(path, stream, columns, "a table of genes"):
            yield gene_concept(
                row["gene_id"],
                found[1],
                [row["symbol"], *split_list(row["synonyms"])],
                [row["name"]],
                split_list(row["other_names"]),
                split_list(row["dbxrefs"]),
            )


def _taxa(path: Path) -> Iterator[Concept]:
    columns = {name: (name,) for name in ("tax_id", "rank", "scientific_name", "common_name")}
    with open_source(path) as stream:
        for _, row in table_rows(path, stream, columns, "a table of taxa"):
            names: list[tuple[str, NameKind]] = [(row["scientific_name"], "preferred"), (row["common_name"], "synonym")]
            identifier = f"NCBITaxon:{row['tax_id']}"
            yield Concept(identifier, NCBI_TAXONOMY, ("Species",), names, semantic_types=(row["rank"],))


def _cell_lines(path: Path) -> Iterator[Concept]:
    columns = {"id": ("id",), "name": ("name",), "synonyms": ("synonyms",)}
    with open_source(path) as stream:
        for _, row in table_rows(path, stream, columns, "a table of cell lines"):
            yield cell_line(row["id"], row["name"], split_list(row["synonyms"]))


def _diseases(path: Path) -> Iterator[Concept]:
    """Diseases of MONDO. One without a reference to MeSH has that of the disease of DOID that it refers to."""
    columns = {"id": ("id",), "name": ("name",), "synonyms": ("synonyms",), "xrefs": ("xrefs",)}
    records = _records_of_doid(path.parent.parent / "MeSH")
    with open_source(path) as stream:
        for _, row in table_rows(path, stream, columns, "a table of diseases"):
            references = split_list(row["xrefs"])
            if not any(one.startswith("MESH:") for one in references):
                references += dict.fromkeys(records[one] for one in references if one in records)
            yield mondo_concept(row["id"], _names(row), references)


def _records_of_doid(folder: Path) -> dict[str, str]:
    """The MeSH record of each disease of DOID that has one."""
    columns = {name: (name,) for name in ("source", "id", "target", "target_id")}
    found = {}
    for table in sorted(folder.glob("to_other_vocabularies.tsv*"))[:1]:
        with open_source(table) as stream:
            for _, row in table_rows(table, stream, columns, "a table of mappings"):
                if row["source"] == "MESH" and row["target"] == "DOID":
                    found[row["target_id"]] = f"MESH:{row['id']}"
    return found


def _names(row: dict[str, str]) -> list[tuple[str, NameKind]]:
    return [(row["name"], "preferred"), *((name, "synonym") for name in split_list(row["synonyms"]))]

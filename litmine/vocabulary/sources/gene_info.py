"""Read genes from NCBI's `gene_info`, whose columns NCBI describes in gene/DATA/README."""

from collections.abc import Collection, Iterator
from pathlib import Path

from litmine.vocabulary.concept import NCBI_GENE, Concept, NameKind
from litmine.vocabulary.sources.source_file import open_source, split_list, table_rows

_COLUMNS = {
    "taxon": ("#tax_id", "tax_id"),
    "gene": ("GeneID",),
    "symbol": ("Symbol",),
    "synonyms": ("Synonyms",),
    "references": ("dbXrefs",),
    "full_name": ("description",),
    "official_symbol": ("?", "Symbol_from_nomenclature_authority"),
    "official_name": ("?", "Full_name_from_nomenclature_authority"),
    "other_names": ("?", "Other_designations"),
}
# NCBI's symbol of a gene that is registered and not yet named.
_UNNAMED = "NEWENTRY"


def read_gene_info(path: Path, taxa: Collection[int] = ()) -> Iterator[Concept]:
    """Yield the genes of a file, or those of some species, by their numbers in NCBI Taxonomy.

    Raises VocabularyError when the file is not `gene_info`, or damaged.
    """
    wanted = {str(taxon) for taxon in taxa}
    with open_source(path) as stream:
        for _, row in table_rows(path, stream, _COLUMNS, "NCBI's gene_info"):
            if (wanted and row["taxon"] not in wanted) or row["symbol"] == _UNNAMED:
                continue
            if row["gene"].isdecimal() and row["taxon"].isdecimal():
                yield gene_concept(
                    int(row["gene"]),
                    int(row["taxon"]),
                    [row["symbol"], row["official_symbol"], *split_list(row["synonyms"])],
                    [row["full_name"], row["official_name"]],
                    split_list(row["other_names"]),
                    split_list(row["references"]),
                )


def gene_concept(
    number: int,
    taxon: int,
    symbols: list[str],
    full_names: list[str],
    other_names: list[str],
    references: list[str],
) -> Concept:
    """A gene of NCBI Gene; the first symbol is the preferred name. Of its references, those to HGNC are kept."""
    named: list[tuple[str, NameKind]] = [(symbols[0], "preferred")]
    named += [(symbol, "symbol") for symbol in symbols[1:]]
    named += [(name, "full name") for name in full_names]
    named += [(name, "synonym") for name in other_names]
    hgnc = tuple(one.removeprefix("HGNC:") for one in references if one.startswith("HGNC:HGNC:"))
    names = [(name, kind) for name, kind in named if name != "-"]
    return Concept(f"NCBIGene:{number}", NCBI_GENE, ("Gene",), names, taxon=taxon, references=hgnc)

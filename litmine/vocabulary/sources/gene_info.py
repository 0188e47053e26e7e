"""Read genes from NCBI's `gene_info`, whose columns NCBI describes in gene/DATA/README."""

import re
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
_TAXON = re.compile("[0-9]{1,9}")
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
            yield gene_concept(
                row["gene"],
                row["taxon"],
                [row["symbol"], row["official_symbol"], *split_list(row["synonyms"])],
                [row["full_name"], row["official_name"]],
                split_list(row["other_names"]),
                split_list(row["references"]),
            )


def gene_concept(
    number: str,
    taxon: str,
    symbols: list[str],
    full_names: list[str],
    other_names: list[str],
    references: list[str],
) -> Concept:
    """A gene of NCBI Gene; the first symbol is the preferred name. Of its references, those to HGNC are kept.

    A gene whose taxon is no number has a malformed identifier that names the taxon, so that the build reports it.
    """
    named: list[tuple[str, NameKind]] = [(symbols[0], "preferred")]
    named += [(symbol, "symbol") for symbol in symbols[1:]]
    named += [(name, "full name") for name in full_names]
    named += [(name, "synonym") for name in other_names]
    hgnc = tuple(one.removeprefix("HGNC:") for one in references if one.startswith("HGNC:HGNC:"))
    names = [(name, kind) for name, kind in named if name != "-"]
    species = int(taxon) if _TAXON.fullmatch(taxon) else None
    identifier = f"NCBIGene:{number}" if species is not None else f"NCBIGene:{number} of the taxon {taxon}"
    return Concept(identifier, NCBI_GENE, ("Gene",), names, taxon=species, references=hgnc)

"""Read human genes from HGNC's complete set, or from a table of its download page."""

from collections.abc import Iterator
from pathlib import Path

from litmine.vocabulary.concept import HGNC, Concept, NameKind
from litmine.vocabulary.sources.source_file import open_source, split_list, table_rows

_COLUMNS = {
    "id": ("hgnc_id", "HGNC ID"),
    "symbol": ("symbol", "Approved symbol"),
    "name": ("name", "Approved name"),
    "status": ("?", "status"),
    "synonyms": ("alias_symbol", "Alias symbols"),
    "synonym_names": ("?", "alias_name", "Alias names"),
    "previous": ("prev_symbol", "Previous symbols"),
    "previous_names": ("?", "prev_name", "Previous names", "Previous name"),
    "gene": ("?", "entrez_id", "NCBI Gene ID", "NCBI Gene ID(supplied by NCBI)"),
}
_HUMAN = 9606


def read_hgnc(path: Path) -> Iterator[Concept]:
    """Yield the approved genes of a file. Their names join those of the NCBI gene that HGNC names.

    Raises VocabularyError when the file is not HGNC's, or damaged.
    """
    with open_source(path) as stream:
        for _, row in table_rows(path, stream, _COLUMNS, "HGNC's complete set"):
            if row["status"] not in ("", "Approved"):
                continue
            names: list[tuple[str, NameKind]] = [(row["symbol"], "preferred")]
            for column in ("synonyms", "previous"):
                names += [(name, "symbol") for name in _items(row[column])]
            names.append((row["name"], "full name"))
            for column in ("synonym_names", "previous_names"):
                names += [(name, "synonym") for name in split_list(row[column])]
            identifier = row["id"] if row["id"].startswith("HGNC:") else f"HGNC:{row['id']}"
            same_as = f"NCBIGene:{row['gene']}" if row["gene"] else ""
            yield Concept(identifier, HGNC, ("Gene",), names, taxon=_HUMAN, same_as=same_as)


def _items(cell: str) -> list[str]:
    """Symbols: the complete set separates them by `|`, the download page by a comma."""
    return split_list(cell) if "|" in cell else split_list(cell, ", ")

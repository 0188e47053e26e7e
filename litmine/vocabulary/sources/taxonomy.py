"""Read taxa from NCBI's taxdump: an archive, or a folder with `names.dmp` and `nodes.dmp`.

The format is that of taxdump_readme.txt: cells are separated by a tab, a bar and a tab, and lines end in a tab and a
bar.
"""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from litmine.errors import SourceError, VocabularyError
from litmine.vocabulary.concept import NCBI_TAXONOMY, Concept, NameKind
from litmine.vocabulary.hierarchy import check_acyclic
from litmine.vocabulary.sources.source_file import open_source, refuse, text_lines

_EXPECTED = "NCBI's taxdump (an archive, or a folder with names.dmp and nodes.dmp)"
# Of NCBI's classes of names, those that a text may use. Authorities, type material and groups for BLAST are no names.
_KINDS: dict[str, NameKind] = {
    "scientific name": "preferred",
    "acronym": "synonym",
    "common name": "synonym",
    "equivalent name": "synonym",
    "genbank acronym": "synonym",
    "genbank common name": "synonym",
    "genbank synonym": "synonym",
    "synonym": "synonym",
}
_ROOT = "1"


def read_taxdump(path: Path) -> Iterator[Concept]:
    """Yield the taxa of a taxdump with their names and parents.

    Raises VocabularyError when `path` is something else, a line has too few cells, or the tree is cyclic.
    """
    parents: dict[str, tuple[str, ...]] = {}
    ranks: dict[str, str] = {}
    for cells in _records(path, "nodes.dmp", 3):
        ranks[cells[0]] = cells[2].replace(" ", "_")
        parents[cells[0]] = () if cells[0] == _ROOT else (cells[1],)
    check_acyclic(parents, f"{path}, nodes.dmp")
    taxon = ""
    names: list[tuple[str, NameKind]] = []
    for cells in _records(path, "names.dmp", 4):
        if cells[0] != taxon:
            yield from _concept(taxon, names, parents, ranks)
            taxon, names = cells[0], []
        if cells[3] in _KINDS:
            names.append((cells[1], _KINDS[cells[3]]))
    yield from _concept(taxon, names, parents, ranks)


def _concept(
    taxon: str, names: list[tuple[str, NameKind]], parents: dict[str, tuple[str, ...]], ranks: dict[str, str]
) -> Iterator[Concept]:
    if names:
        names.sort(key=lambda name: name[1] != "preferred")
        above = tuple(f"NCBITaxon:{number}" for number in parents.get(taxon, ()) if number != _ROOT)
        rank = tuple(filter(None, [ranks.get(taxon)]))
        yield Concept(f"NCBITaxon:{taxon}", NCBI_TAXONOMY, ("Species",), names, semantic_types=rank, parents=above)


def _records(path: Path, name: str, cells: int) -> Iterator[list[str]]:
    with _open_member(path, name) as stream:
        for number, line in text_lines(stream):
            found = [cell.strip() for cell in line.removesuffix("\t|").split("\t|\t")]
            if len(found) < cells or not found[0].isdecimal():
                raise SourceError(f"line {number:,} of {name} is not of the form of {_EXPECTED}; take a complete file")
            yield found


@contextmanager
def _open_member(path: Path, name: str) -> Iterator[BinaryIO]:
    if path.is_dir():
        files = [file for file in (path / name, path / f"{name}.gz") if file.is_file()]
        if not files:
            raise VocabularyError(f"{path} is not {_EXPECTED}: it has no {name}")
        with open_source(files[0]) as stream:
            yield stream
        return
    with open_source(path) as whole:
        try:
            with tarfile.open(fileobj=whole, mode="r|") as archive:
                for member in archive:
                    if Path(member.name).name == name and member.isfile():
                        yield cast("BinaryIO", archive.extractfile(member))
                        return
        except tarfile.ReadError as error:
            if "unexpected end" in str(error):
                raise VocabularyError(f"{path} is incomplete; download the file again") from error
            raise refuse(path, _EXPECTED) from error
    raise VocabularyError(f"{path} is not {_EXPECTED}: it has no {name}")

"""Read descriptors and supplementary records from MeSH in ASCII (d2024.bin, c2024.bin).

The elements are those of NLM's "ASCII MeSH Data Elements": a line `*NEWRECORD`, then lines `ELEMENT = value`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from litmine.errors import SourceError
from litmine.vocabulary.concept import MESH, Concept, NameKind
from litmine.vocabulary.sources.mesh_types import types_of_places, types_of_semantics
from litmine.vocabulary.sources.source_file import open_source, refuse, text_lines

_NEW_RECORD = "*NEWRECORD"
_EXPECTED = "MeSH in ASCII"
_TAXON = "txid"
# The elements of the name and of the synonyms, by the type of the record: descriptor or supplementary record.
_ELEMENTS = {"D": ("MH", "PRINT ENTRY", "ENTRY"), "C": ("NM", "SY")}


def read_mesh_ascii(path: Path) -> Iterator[Concept]:
    """Yield the records of a file, without qualifiers.

    The headings that a supplementary record is mapped to are names in this form: references `heading:NAME`.
    Raises VocabularyError when the file is another one, or a record has no identifier or name.
    """
    record: dict[str, list[str]] | None = None
    number = 0
    with open_source(path) as stream:
        for number, line in text_lines(stream):
            if line.startswith(_NEW_RECORD):
                yield from _concept(record, number)
                record = defaultdict(list)
            elif record is None:
                if line.strip():
                    raise refuse(path, _EXPECTED)
            elif line.strip():
                element, equals, value = line.partition(" = ")
                if not equals:
                    raise SourceError(f"line {number:,} is not of the form `ELEMENT = value`; take a complete file")
                record[element.strip()].append(value.strip())
        if record is None:
            raise refuse(path, _EXPECTED)
        yield from _concept(record, number)


def _concept(record: Mapping[str, Sequence[str]] | None, number: int) -> Iterator[Concept]:
    if record is None:
        return
    found = _ELEMENTS.get("".join(record.get("RECTYPE", ())))
    if found is None:
        return
    heading, *synonyms = found
    if not record.get("UI") or not record.get(heading):
        raise SourceError(f"the record that ends at line {number:,} has no UI or no {heading}; take a complete file")
    names: list[tuple[str, NameKind]] = [(record[heading][0], "preferred")]
    # The other subfields of a term tell its types and source.
    names += [(term.partition("|")[0], "synonym") for element in synonyms for term in record.get(element, ())]
    tree_numbers, semantic_types = tuple(record.get("MN", ())), tuple(record.get("ST", ()))
    mapped = [text.lstrip("*").partition("/")[0] for text in record.get("HM", ())]
    taxa = [text for text in record.get("RN", ()) if text.startswith(_TAXON)]
    yield Concept(
        f"MESH:{record['UI'][0]}",
        MESH,
        types_of_places(tree_numbers) if heading == "MH" else types_of_semantics(semantic_types),
        names,
        tree_numbers,
        semantic_types=semantic_types,
        references=(
            *dict.fromkeys(f"heading:{name}" for name in mapped),
            *(f"NCBITaxon:{text.removeprefix(_TAXON)}" for text in taxa),
        ),
        definition=next(iter(record.get("MS", ())), ""),
    )

"""Read cell lines from Cellosaurus, as text (the form of UniProt's files) or as OBO."""

import re
from collections.abc import Iterator
from pathlib import Path

from litmine.errors import SourceError
from litmine.vocabulary.concept import CELLOSAURUS, Concept, NameKind, Source
from litmine.vocabulary.sources.obo import read_obo
from litmine.vocabulary.sources.source_file import looks_like, open_source, refuse, split_list, text_lines

_EXPECTED = "Cellosaurus as text or OBO"
_ACCESSION = re.compile(r"CVCL_[A-Z0-9]{4}")
_VERSION = re.compile(r"\s*Version:\s*([0-9.]+)")


def read_cellosaurus(path: Path, source: Source) -> Iterator[Concept]:
    """Yield the cell lines of a file. Raises VocabularyError when it is another one, or damaged."""
    match looks_like(path):
        case "an OBO file":
            yield from _read_obo(path, source)
        case "Cellosaurus text":
            yield from _read_text(path, source)
        case _:
            raise refuse(path, _EXPECTED)


def cell_line(identifier: str, name: str, synonyms: list[str]) -> Concept:
    """A cell line of Cellosaurus."""
    names: list[tuple[str, NameKind]] = [(name, "preferred"), *((synonym, "synonym") for synonym in synonyms)]
    return Concept(identifier, CELLOSAURUS, ("CellLine",), names)


def _read_text(path: Path, source: Source) -> Iterator[Concept]:
    entry: dict[str, str] = {}
    number = 0
    with open_source(path) as stream:
        for number, line in text_lines(stream):
            if line.startswith("//"):
                yield _entry(entry, number)
                entry = {}
            elif line[2:5] == "   " and line[:2].isalpha():
                code, value = line[:2], line[5:].strip()
                entry[code] = f"{entry[code]} {value}" if code in entry else value
            elif not entry and (version := _VERSION.match(line)):
                source.version = version[1]
        if entry:
            raise SourceError(f"the file ends within an entry, at line {number:,}; download it again")


def _entry(entry: dict[str, str], number: int) -> Concept:
    identifier = entry.get("AC", "")
    if not entry.get("ID") or not _ACCESSION.fullmatch(identifier):
        raise SourceError(f"the entry that ends at line {number:,} has no ID or no AC line; download the file again")
    return cell_line(identifier, entry["ID"], split_list(entry.get("SY", ""), ";"))


def _read_obo(path: Path, source: Source) -> Iterator[Concept]:
    found = False
    for term in read_obo(path, _EXPECTED):
        if isinstance(term, dict):
            source.version = term.get("data-version", "")
        elif _ACCESSION.fullmatch(term.identifier):
            found = True
            yield cell_line(term.identifier, term.name, [text for text, _ in term.synonyms])
    if not found:
        raise refuse(path, _EXPECTED)

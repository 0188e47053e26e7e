"""Annotated documents with identifiers of concepts: PubTator, and JSON lines in litmine's form; plain or gzip.

JSON lines: `{"id", "text", "entities": [{"id", "type", "start", "end", "identifier"}]}`, offsets in code points of
`text`. Several identifiers of a mention are joined by `|`; other keys are ignored.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from litmine.errors import CorpusError, SourceError
from litmine.sources.pubtator import PubtatorDocument, read_pubtator_documents
from litmine.types import UnreadableRecord

_GZIP = b"\x1f\x8b"
# What corpora write for a mention without an identifier.
_NO_IDENTIFIERS = frozenset({"", "-", "-1", "-2"})
_SEPARATORS = re.compile(r"[|,;+]")
_TAXON = re.compile(r"\((?:tax|Tax|TAX):\d+\)")
_MESH = re.compile(r"[DC]\d{6,9}")
_PREFIXES = {"Gene": "NCBIGene:", "Species": "NCBITaxon:"}


@dataclass(frozen=True, slots=True)
class AnnotatedEntity:
    """A mention: offsets in code points of the text, end exclusive, its type, and the identifiers that it refers to."""

    start: int
    end: int
    entity_type: str
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnnotatedDocument:
    """A document with its mentions, sorted by their offsets."""

    identifier: str
    text: str
    entities: tuple[AnnotatedEntity, ...]


def read_annotated_documents(
    path: Path, type_map: Mapping[str, str] | None = None, misplaced: list[str] | None = None
) -> Iterator[AnnotatedDocument]:
    """Yield the documents of a file; the form is detected from its first character.

    type_map: names of types in the file and litmine's names; `-` drops a type. Identifiers get litmine's prefixes by
    the type: `D010300` is MESH:D010300, a number is NCBIGene:7157 or NCBITaxon:9606. misplaced: gets a mention in words
    for each that is not at its offsets; these are left out. Raises CorpusError, with the line number, for a file in
    another form or with damaged gzip data, and OSError.
    """
    types = type_map or {}
    wrong = [] if misplaced is None else misplaced
    try:
        with _open(path) as stream:
            first = stream.peek(64).lstrip()[:1]  # type: ignore[attr-defined]
            if first == b"{":
                yield from _read_json_lines(path, stream, types, wrong)
            else:
                yield from _read_pubtator(path, stream, types, wrong)
    except (EOFError, zlib.error, gzip.BadGzipFile, SourceError) as error:
        raise CorpusError(f"{path} cannot be read to its end ({error}); get a fresh copy") from error


def identifiers_of(written: str, entity_type: str) -> tuple[str, ...]:
    """The identifiers in a column of PubTator, each once, as the lake shows them."""
    found = (_identifier(one.strip(), entity_type) for one in _SEPARATORS.split(_TAXON.sub("", written)))
    return tuple(dict.fromkeys(one for one in found if one))


def _identifier(written: str, entity_type: str) -> str:
    if written in _NO_IDENTIFIERS:
        return ""
    if _MESH.fullmatch(written):
        return f"MESH:{written}"
    if written.isdecimal():
        return f"{_PREFIXES.get(entity_type, '')}{written}"
    return written


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as stream:
        compressed = stream.read(2) == _GZIP
    return gzip.open(path, "rb") if compressed else path.open("rb")  # type: ignore[return-value]


def _read_pubtator(
    path: Path, stream: BinaryIO, types: Mapping[str, str], misplaced: list[str]
) -> Iterator[AnnotatedDocument]:
    for document in read_pubtator_documents(stream):
        if isinstance(document, UnreadableRecord):
            raise CorpusError(f"{path}, {document.where}: {document.why}")
        entities = []
        # Relations are in the same file; their second column is a word.
        for number, columns in document.annotations:
            if columns[1].isdecimal():
                entities.append(_pubtator_entity(path, number, columns, document, types, misplaced))
        yield _document(document.identifier, document.text, entities)


def _pubtator_entity(
    path: Path,
    number: int,
    columns: list[str],
    document: PubtatorDocument,
    types: Mapping[str, str],
    misplaced: list[str],
) -> AnnotatedEntity | None:
    try:
        start, end, entity_type = int(columns[1]), int(columns[2]), types.get(columns[4], columns[4])
    except (IndexError, ValueError) as error:
        raise CorpusError(f"{path}, line {number}: not a PubTator mention: {' '.join(columns)[:60]!r}") from error
    found = document.text[start:end]
    if not found.strip() or found.strip().casefold() != columns[3].strip().casefold():
        misplaced.append(f"line {number}: {columns[3][:40]!r}")
        return None
    identifiers = identifiers_of(columns[5], entity_type) if len(columns) > 5 else ()
    return None if entity_type == "-" else AnnotatedEntity(start, end, entity_type, identifiers)


def _read_json_lines(
    path: Path, stream: BinaryIO, types: Mapping[str, str], misplaced: list[str]
) -> Iterator[AnnotatedDocument]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            read = json.loads(line)
            text = str(read["text"])
            entities = [_json_entity(one, text, types, number, misplaced) for one in read.get("entities", [])]
            yield _document(str(read["id"]), text, entities)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CorpusError(
                f"{path}, line {number}: not an annotated document ({type(error).__name__}: {error});"
                ' expected {"id", "text", "entities"}'
            ) from error


def _json_entity(
    read: Mapping[str, Any], text: str, types: Mapping[str, str], number: int, misplaced: list[str]
) -> AnnotatedEntity | None:
    start, end, written = int(read["start"]), int(read["end"]), str(read["type"])
    entity_type = types.get(written, written)
    if not 0 <= start < end <= len(text):
        misplaced.append(f"line {number}: {start} to {end}")
        return None
    identifiers = identifiers_of(str(read.get("identifier") or ""), entity_type)
    return None if entity_type == "-" else AnnotatedEntity(start, end, entity_type, identifiers)


def _document(identifier: str, text: str, entities: list[AnnotatedEntity | None]) -> AnnotatedDocument:
    kept = [one for one in entities if one is not None]
    return AnnotatedDocument(identifier, text, tuple(sorted(kept, key=lambda one: (one.start, one.end))))

"""PubTator with relation lines: `pmid TAB type TAB identifier TAB identifier`, and a fifth column for the novelty."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from litmine.corpora.documents import RawDocument, RawEntity, RawRelation
from litmine.errors import CorpusError
from litmine.sources.pubtator import read_pubtator_documents
from litmine.types import UnreadableRecord

_NOVEL = {"Novel": ("novel",)}


def read_pubtator_file(path: Path, stream: BinaryIO) -> Iterator[RawDocument]:
    """Yield each document. Raises CorpusError, with the line number, for a line that is not PubTator."""
    for document in read_pubtator_documents(stream):
        if isinstance(document, UnreadableRecord):
            raise CorpusError(f"{path}, {document.where}: {document.why}")
        raw = RawDocument(document.identifier, document.text, f"line {document.number}")
        for number, columns in document.annotations:
            # A mention's second column is its start, a relation's is its type.
            if columns[1].isdecimal():
                raw.entities.append(_entity(path, number, columns))
            else:
                qualifiers = _NOVEL.get(columns[4], ()) if len(columns) > 4 else ()
                raw.relations.append(RawRelation(columns[1], columns[2], columns[3], f"line {number}", qualifiers))
        yield raw


def _entity(path: Path, number: int, columns: list[str]) -> RawEntity:
    try:
        spans = ((int(columns[1]), int(columns[2])),)
        identifier = columns[5] if len(columns) > 5 else ""
        return RawEntity("", columns[4], spans, columns[3], identifier, f"line {number}")
    except (IndexError, ValueError) as error:
        raise CorpusError(f"{path}, line {number}: not a PubTator mention: {' '.join(columns)[:60]!r}") from error

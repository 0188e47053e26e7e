"""Mentions of annotated documents, with identifiers of concepts: PubTator, BioC JSON and JSON lines; plain or gzip.

`litmine.corpora.document_files` reads the same documents with their relations, labels and sentences.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from litmine.corpora.document_checks import CorpusReport, Finding, check_document
from litmine.corpora.document_files import read_raw_documents
from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity
from litmine.corpora.identifiers import identifiers_of

__all__ = ["AnnotatedDocument", "AnnotatedEntity", "identifiers_of", "read_annotated_documents"]


def read_annotated_documents(
    path: Path,
    type_map: Mapping[str, str] | None = None,
    misplaced: list[str] | None = None,
    file_types: set[str] | None = None,
) -> Iterator[AnnotatedDocument]:
    """Yield the documents of a file with their mentions only; the form is detected.

    type_map: names of types in the file and litmine's names; `-` drops a type. Identifiers get litmine's prefixes by
    the type: `D010300` is MESH:D010300, a number is NCBIGene:7157 or NCBITaxon:9606. misplaced: gets a mention in words
    for each that is not at its offsets; these are left out. A mention that the file has twice is there twice.
    file_types: gets the names of types in the file. Raises CorpusError, with the line number, for a file in another
    form or with damaged gzip data, and OSError.
    """
    report = CorpusReport()
    for raw in read_raw_documents(path, report):
        raw.relations, raw.labels, raw.sentences = [], [], []
        if file_types is not None:
            file_types.update(one.entity_type for one in raw.entities)
        yield check_document(raw, report, type_map=type_map, keep_repeated=True)
        if misplaced is not None:
            misplaced += [f"{where}: {what}" for where, what in report.of(Finding.OFFSETS)]
        report.findings.clear()

"""Read annotated documents in any form, each with its relations, labels and sentences; the form is detected.

A file: JSON lines in litmine's form, PubTator, BioC JSON, XML of DDI 2013, JSON lines of PHEE, DDI 2013, GAD, EU-ADR,
of tokens with tags and of corpora with labels, MEDLINE text with its publication types, columns of GAD and EU-ADR, or
CSV of labelled texts (`.csv`); plain or gzip. A folder: brat, the tables of ChemProt and DrugProt, the files of ADE,
XML files of DDI 2013, or JSON files that are read one after another.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from litmine.corpora.document_checks import CorpusReport, checked_documents
from litmine.corpora.document_formats.ade import is_ade_folder, read_ade
from litmine.corpora.document_formats.bioc import read_bioc
from litmine.corpora.document_formats.brat import is_brat, read_brat
from litmine.corpora.document_formats.ddi import read_ddi_json, read_ddi_xml
from litmine.corpora.document_formats.json_lines import NumberedLines, read_json_lines
from litmine.corpora.document_formats.labelled import is_labelled, read_labelled_json
from litmine.corpora.document_formats.labelled_csv import read_labelled_csv
from litmine.corpora.document_formats.masked import read_masked_columns, read_masked_json
from litmine.corpora.document_formats.medline_labels import read_medline_labels
from litmine.corpora.document_formats.phee import read_phee
from litmine.corpora.document_formats.pubtator import read_pubtator_file
from litmine.corpora.document_formats.tables import is_table_folder, read_table_folder
from litmine.corpora.document_formats.tagged import is_tagged, read_tagged_sentences
from litmine.corpora.documents import AnnotatedDocument, RawDocument
from litmine.corpora.relation_declarations import RelationDeclaration
from litmine.errors import CorpusError, SourceError
from litmine.sources.lines import numbered_lines
from litmine.sources.pubtator import HEADER_PATTERN

# Endings of files of annotated documents.
DOCUMENT_SUFFIXES = (".jsonl", ".json", ".jsonl.gz", ".json.gz")

_GZIP = b"\x1f\x8b"
# Largest file of BioC or XML, unpacked: these are read whole.
MAX_OBJECT_BYTES = 1 << 28


def read_documents(
    path: Path,
    report: CorpusReport,
    declaration: RelationDeclaration | None = None,
    type_map: Mapping[str, str] | None = None,
) -> Iterator[AnnotatedDocument]:
    """Yield the documents of a file or folder, with what does not hold left out and in `report`.

    declaration: of the corpus, if it is one that litmine knows; see `checked_documents`, also for `type_map`. Raises
    CorpusError, with the place, for content in another form or with damaged gzip data, and OSError.
    """
    yield from checked_documents(read_raw_documents(path, report), report, declaration, type_map)


def read_raw_documents(path: Path, report: CorpusReport) -> Iterator[RawDocument]:
    """Yield the documents of a file or folder as they are there, unchecked. Raises as `read_documents`."""
    try:
        if path.is_dir():
            yield from _read_folder(path, report)
        else:
            with open_plain_or_gzip(path) as stream:
                yield from _read_file(path, stream)
    except (EOFError, zlib.error, gzip.BadGzipFile, SourceError) as error:
        raise CorpusError(f"{path} cannot be read to its end ({error}); get a fresh copy") from error


def open_plain_or_gzip(path: Path) -> BinaryIO:
    """Open a file for reading; its first bytes show whether it is compressed. Raises OSError."""
    with path.open("rb") as stream:
        compressed = stream.read(2) == _GZIP
    return gzip.open(path, "rb") if compressed else path.open("rb")  # type: ignore[return-value]


def json_files(folder: Path) -> list[Path]:
    """The files of annotated documents in a folder that is not divided into splits, sorted; empty for any other."""
    files = sorted(file for file in folder.iterdir() if file.name.endswith(DOCUMENT_SUFFIXES))
    return [] if any(file.name.partition(".")[0] in {"train", "dev"} for file in files) else files


def _read_folder(folder: Path, report: CorpusReport) -> Iterator[RawDocument]:
    if is_ade_folder(folder):
        yield from read_ade(folder, report)
    elif is_brat(folder):
        yield from read_brat(folder)
    elif is_table_folder(folder):
        yield from read_table_folder(folder)
    elif files := sorted(folder.rglob("*.xml")):
        for file in files:
            with file.open("rb") as stream:
                yield from read_ddi_xml(file, _read_whole(file, stream), f"{file.name}, ")
    elif files := json_files(folder):
        for file in files:
            with open_plain_or_gzip(file) as stream:
                yield from _read_file(file, stream)
    else:
        raise CorpusError(
            f"{folder} is no corpus with relations; it needs .ann files, the tables abstracts, entities and relations"
            " (.tsv), DRUG-AE.rel, or .xml files; or name a file"
        )


def _read_file(path: Path, stream: BinaryIO) -> Iterator[RawDocument]:
    first = next((line for _, line in numbered_lines(stream) if line.strip()), b"").lstrip()
    stream.seek(0)
    if ".csv" in path.suffixes:
        yield from read_labelled_csv(path, _read_whole(path, stream))
    elif first.startswith(b"PMID-"):
        yield from read_medline_labels(stream)
    elif first.startswith(b"<"):
        yield from read_ddi_xml(path, _read_whole(path, stream))
    elif first.startswith(b"{"):
        if (reader := _json_reader(first)) is None:
            yield from read_bioc(path, _read_whole(path, stream))
        else:
            yield from reader(path, numbered_lines(stream))
    elif HEADER_PATTERN.match(first) or not (b"$" in first or first.rstrip().endswith(b"label")):
        yield from read_pubtator_file(path, stream)
    else:
        yield from read_masked_columns(path, numbered_lines(stream))


def _read_whole(path: Path, stream: BinaryIO) -> bytes:
    """The content of a file in a form that is one object. Raises CorpusError beyond `MAX_OBJECT_BYTES`."""
    content = stream.read(MAX_OBJECT_BYTES + 1)
    if len(content) > MAX_OBJECT_BYTES:
        raise CorpusError(f"{path} has more than {MAX_OBJECT_BYTES >> 20} MiB in one object; split it")
    return content


_JsonReader = Callable[[Path, NumberedLines], Iterator[RawDocument]]


def _json_reader(first: bytes) -> _JsonReader | None:
    """The reader of the JSON lines that begin like this; None for BioC, which is one object in one line or in many."""
    try:
        keys: dict[str, object] = json.loads(first)
    except (ValueError, RecursionError):
        # An object of many lines goes on after its first line; a document that is damaged ends somewhere else.
        return None if first.rstrip().endswith((b"{", b"[", b",")) else read_json_lines
    if "documents" in keys:
        return None
    if {"context", "annotations"} <= keys.keys():
        return read_phee
    if is_labelled(keys):
        return read_labelled_json
    if {"text", "label"} <= keys.keys():
        return read_masked_json
    if "text" not in keys and is_tagged(keys.get("sentences")):
        return read_tagged_sentences
    return read_ddi_json if "sentences" in keys and "text" not in keys else read_json_lines

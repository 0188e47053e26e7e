"""Texts and sentences with labels, in the forms in which their corpora are published as JSON lines.

A line has `pmid` or `id` (or `pmcid`) and one of:
- `title` and `abstract`, or `text`, with `label` or `labels` of the whole (StudyType, LitCovid, OHSUMED); several
  labels may be a list, or joined by `;`;
- `sentences`, each with `text` and `label` or `labels` (NICTA-PIBOSO, HoC). The text is the sentences, joined by one
  space; its labels are those of its sentences;
- `title` and `sections`, each with `label` and `text` (Evidence Inference). Each section is marked with its label; the
  label is not in the text.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from litmine.corpora.document_formats.json_lines import SHAPE_ERRORS, NumberedLines, json_objects, not_a_document
from litmine.corpora.documents import AnnotatedSentence, RawDocument
from litmine.errors import CorpusError

_NAMES = ("pmid", "id", "pmcid")
_SEPARATOR = ";"


def is_labelled(first: Mapping[str, Any]) -> bool:
    """Whether a line of a file has one of the forms of this module."""
    if not any(name in first for name in _NAMES):
        return False
    if "sections" in first:
        return True
    sentences = first.get("sentences")
    if isinstance(sentences, list) and "text" not in first:
        # The sentences of DDI 2013 have entities and pairs.
        return all(isinstance(one, dict) and "text" in one and "entities" not in one for one in sentences)
    # Documents of relations name their mentions; their labels are those of litmine's own form.
    labelled = "label" in first or isinstance(first.get("labels"), str) or "abstract" in first or "id" not in first
    return labelled and ("label" in first or "labels" in first) and not {"entities", "relations", "fold"} & set(first)


def read_labelled_json(path: Path, lines: NumberedLines) -> Iterator[RawDocument]:
    """Yield each text. Raises CorpusError, with the line number, for a line of another form."""
    for number, read in json_objects(path, lines):
        try:
            yield _document(read, f"line {number}")
        except SHAPE_ERRORS as error:
            raise CorpusError(f"{path}, line {number}: {not_a_document(error)}") from error


def _document(read: Mapping[str, Any], where: str) -> RawDocument:
    names = [str(read[key]) for key in _NAMES if key in read]
    if not names:
        raise KeyError("pmid")
    name = names[0]
    if "sections" in read:
        return _joined(name, where, [{"text": read.get("title") or ""}, *read["sections"]])
    if "text" not in read and "sentences" in read:
        return _joined(name, where, read["sentences"])
    parts = [read["text"]] if "text" in read else [read.get("title"), read.get("abstract")]
    document = RawDocument(name, " ".join(str(part) for part in parts if part), where)
    document.labels = _labels(read)
    return document


def _joined(name: str, where: str, parts: list[Mapping[str, Any]]) -> RawDocument:
    """A document of the parts that have words, each marked as a sentence with its labels."""
    texts: list[str] = []
    document = RawDocument(name, "", where)
    at = 0
    for part in parts:
        text = str(part["text"])
        if not text.strip():
            continue
        labels = _labels(part)
        if "label" in part or "labels" in part:
            document.sentences.append(AnnotatedSentence(at, at + len(text), tuple(labels)))
        document.labels += [one for one in labels if one not in document.labels]
        texts.append(text)
        at += len(text) + 1
    document.text = " ".join(texts)
    return document


def _labels(read: Mapping[str, Any]) -> list[str]:
    """The labels of a text or sentence, each once; an empty one is none."""
    found = read.get("labels", read.get("label", []))
    words = found.split(_SEPARATOR) if isinstance(found, str) else found
    if not isinstance(words, list):
        raise TypeError("labels are a list, or words joined by ;")
    return list(dict.fromkeys(str(one).strip() for one in words if str(one).strip()))

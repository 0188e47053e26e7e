"""JSON lines in litmine's form of annotated documents: read them raw, and write them.

`{"id", "text", "entities": [{"id", "type", "start", "end", "identifier"}], "relations": [{"type", "arg1", "arg2"}],
"labels": [...], "sentences": [{"start", "end", "labels"}]}`, offsets in code points of `text`; keys that a task does
not need are left out, and `pmid` may stand for `id`. Several identifiers of a mention are joined by `|`. A relation
may have `qualifiers`, a mention the `text` that is at its offsets, and `title` and `abstract` may stand for `text`,
joined by one space. Other keys are ignored.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from litmine.corpora.documents import AnnotatedDocument, AnnotatedSentence, RawDocument, RawEntity, RawRelation
from litmine.errors import CorpusError

# Lines with their numbers, as `litmine.sources.lines` gives them.
NumberedLines = Iterable[tuple[int, bytes]]
# What a line with another shape than the expected one raises while it is read.
SHAPE_ERRORS = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


def json_objects(path: Path, lines: NumberedLines) -> Iterator[tuple[int, Any]]:
    """Line number and value of each line that is not blank. Raises CorpusError, with the number, for other text."""
    for number, line in lines:
        if line.strip():
            try:
                yield number, json.loads(line)
            except SHAPE_ERRORS as error:
                raise CorpusError(f"{path}, line {number}: {not_a_document(error)}") from error


def not_a_document(error: Exception) -> str:
    """The rest of a message on a line that is no annotated document."""
    return f'not an annotated document ({type(error).__name__}: {error}); expected {{"id", "text", "entities"}}'


def read_json_lines(path: Path, lines: NumberedLines) -> Iterator[RawDocument]:
    """Yield each document. Raises CorpusError, with the line number, for a line that is not one."""
    for number, read in json_objects(path, lines):
        try:
            yield _document(read, f"line {number}")
        except SHAPE_ERRORS as error:
            raise CorpusError(f"{path}, line {number}: {not_a_document(error)}") from error


def _document(read: Mapping[str, Any], where: str) -> RawDocument:
    text = read["text"] if "text" in read else f"{read['title']} {read['abstract']}"
    document = RawDocument(str(read["id"] if "id" in read else read["pmid"]), str(text), where)
    document.entities = [_entity(one, where) for one in read.get("entities", ())]
    document.relations = [_relation(one, where) for one in read.get("relations", ())]
    document.labels = _words(read.get("labels", ()))
    document.sentences = [
        AnnotatedSentence(int(one["start"]), int(one["end"]), tuple(_words(one.get("labels", ()))))
        for one in read.get("sentences", ())
    ]
    return document


def _words(read: object) -> list[str]:
    if not isinstance(read, list | tuple):
        raise TypeError("labels and qualifiers are lists")
    return [str(one) for one in read]


def _entity(read: Mapping[str, Any], where: str) -> RawEntity:
    written = read.get("text")
    return RawEntity(
        str(read.get("id") or ""),
        str(read["type"]),
        ((int(read["start"]), int(read["end"])),),
        None if written is None else str(written),
        str(read.get("identifier") or ""),
        where,
    )


def _relation(read: Mapping[str, Any], where: str) -> RawRelation:
    qualifiers = tuple(_words(read.get("qualifiers", ())))
    return RawRelation(str(read["type"]), str(read["arg1"]), str(read["arg2"]), where, qualifiers)


def to_json_line(document: AnnotatedDocument) -> str:
    """A document as a line, without the line break; `read_json_lines` and the checks give the same document again."""
    written: dict[str, Any] = {"id": document.identifier, "text": document.text}
    if document.entities:
        written["entities"] = [
            {
                **({"id": one.entity_id} if one.entity_id else {}),
                "type": one.entity_type,
                "start": one.start,
                "end": one.end,
                **({"identifier": "|".join(one.identifiers)} if one.identifiers else {}),
            }
            for one in document.entities
        ]
    if document.relations:
        written["relations"] = [
            {
                "type": one.relation_type,
                "arg1": one.arg1,
                "arg2": one.arg2,
                **({"qualifiers": list(one.qualifiers)} if one.qualifiers else {}),
            }
            for one in document.relations
        ]
    if document.labels:
        written["labels"] = list(document.labels)
    if document.sentences:
        written["sentences"] = [
            {"start": one.start, "end": one.end, "labels": list(one.labels)} for one in document.sentences
        ]
    return json.dumps(written, ensure_ascii=False)

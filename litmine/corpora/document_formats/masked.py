"""GAD and EU-ADR: sentences in which `@GENE$` and `@DISEASE$` stand for the two mentions, with the label 0 or 1.

Forms: JSON lines with `text`, `label` and perhaps `fold`; or two columns, sentence TAB label, or three with an index
first and perhaps a line of names, as BioBERT's authors distribute them.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from litmine.corpora.document_formats.json_lines import SHAPE_ERRORS, NumberedLines, json_objects, not_a_document
from litmine.corpora.documents import AnnotatedSentence, RawDocument, RawEntity, RawRelation
from litmine.errors import CorpusError

MASK = re.compile(r"@(GENE|DISEASE)\$")


def read_masked_json(path: Path, lines: NumberedLines) -> Iterator[RawDocument]:
    """Yield each sentence as a document `sLINE`, or `FOLD-sLINE`. Raises CorpusError, with the line number."""
    for number, read in json_objects(path, lines):
        try:
            fold = f"{int(read['fold'])}-" if "fold" in read else ""
            yield _document(f"{fold}s{number}", str(read["text"]), str(read["label"]), f"line {number}")
        except SHAPE_ERRORS as error:
            raise CorpusError(f"{path}, line {number}: {not_a_document(error)}") from error


def read_masked_columns(path: Path, lines: NumberedLines) -> Iterator[RawDocument]:
    """Yield each sentence as a document `sLINE`. Raises CorpusError, with the line number, for other lines."""
    for number, line in lines:
        try:
            columns = line.decode("utf-8").split("\t")
        except UnicodeDecodeError as error:
            raise CorpusError(f"{path}, line {number}: not UTF-8 ({error}); save it as UTF-8") from error
        if columns == [""] or (number == 1 and columns[-1] == "label"):
            continue
        if len(columns) not in {2, 3}:
            raise CorpusError(f"{path}, line {number}: expected sentence TAB label, not {len(columns)} columns")
        yield _document(f"s{number}", columns[-2], columns[-1].strip(), f"line {number}")


def _document(identifier: str, text: str, label: str, where: str) -> RawDocument:
    raw = RawDocument(identifier, text, where, sentences=[AnnotatedSentence(0, len(text))] if text else [])
    masks = list(MASK.finditer(text))
    for place, mask in enumerate(masks, 1):
        raw.entities.append(RawEntity(f"T{place}", mask[1], (mask.span(),), mask[0], "", where))
    if label not in {"0", "1"}:
        raw.unread.append((where, f"the label is {label!r}, not 0 or 1"))
    elif sorted(mask[1] for mask in masks) != ["DISEASE", "GENE"]:
        raw.unread.append((where, f"{len(masks)} masked mentions instead of a gene and a disease"))
    elif label == "1":
        genes = [f"T{place}" for place, mask in enumerate(masks, 1) if mask[1] == "GENE"]
        diseases = [f"T{place}" for place, mask in enumerate(masks, 1) if mask[1] == "DISEASE"]
        raw.relations.append(RawRelation("1", genes[0], diseases[0], where))
    return raw

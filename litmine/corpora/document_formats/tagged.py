"""JSON lines of sentences as tokens and tags, as EBM-NLP and PICO-sections have them.

`{"pmid", "sentences": [{"tokens": [...], "tags": ["I-PAR", "O", ...]}]}`, with or without the PMID. A document is all
its tokens, joined by single spaces. An I tag that continues nothing begins a mention.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from litmine.corpora.document_formats.json_lines import SHAPE_ERRORS, NumberedLines, json_objects, not_a_document
from litmine.corpora.documents import RawDocument, RawEntity
from litmine.errors import CorpusError
from litmine.text.tags import tags_to_spans


def is_tagged(sentences: object) -> bool:
    """Whether the value of `sentences` is in this form."""
    return isinstance(sentences, list) and bool(sentences) and isinstance(sentences[0], dict) and "tags" in sentences[0]


def read_tagged_sentences(path: Path, lines: NumberedLines) -> Iterator[RawDocument]:
    """Yield each document; one without a PMID is named by its file and its number in it, from 1.

    Raises CorpusError, with the line number, for a line in another form.
    """
    name = path.name.partition(".")[0]
    for count, (number, read) in enumerate(json_objects(path, lines), 1):
        try:
            yield _document(read, str(read.get("pmid") or f"{name}-{count}"), f"line {number}")
        except SHAPE_ERRORS as error:
            raise CorpusError(f"{path}, line {number}: {not_a_document(error)}") from error


def _document(read: Mapping[str, Any], identifier: str, where: str) -> RawDocument:
    tokens: list[str] = []
    entities: list[tuple[int, int, str]] = []
    for sentence in read["sentences"]:
        if len(sentence["tokens"]) != len(sentence["tags"]):
            raise ValueError(f"a sentence has {len(sentence['tokens'])} tokens and {len(sentence['tags'])} tags")
        entities += [
            (start + len(tokens), end + len(tokens), kind) for start, end, kind in tags_to_spans(sentence["tags"])
        ]
        tokens += sentence["tokens"]
    starts = [0, *accumulate(len(token) + 1 for token in tokens)]
    document = RawDocument(identifier, " ".join(tokens), where)
    document.entities = [
        RawEntity(f"T{i}", kind, ((starts[start], starts[end] - 1),), None, "", where)
        for i, (start, end, kind) in enumerate(entities, 1)
    ]
    return document

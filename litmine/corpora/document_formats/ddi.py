"""DDI 2013: documents of sentences with drugs and pairs of them, in the publisher's XML or as JSON lines.

The offsets of a sentence's drugs count in the sentence; its last character belongs to the mention in the XML
(`charOffset="0-6;10-14"`) and not in JSON. A document's sentences are joined by one space here.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.parsers import expat

from litmine.corpora.document_formats.json_lines import SHAPE_ERRORS, NumberedLines, json_objects, not_a_document
from litmine.corpora.documents import AnnotatedSentence, RawDocument, RawEntity, RawRelation
from litmine.errors import CorpusError

_TRUE = frozenset({"true", "True"})


def read_ddi_xml(path: Path, content: bytes, name: str = "") -> Iterator[RawDocument]:
    """Yield the documents of an XML file; `name` stands before each place in the report.

    Raises CorpusError for XML that is not well-formed, that has a document type (so no entity is ever expanded), or
    without the expected elements.
    """
    documents: list[dict[str, Any]] = []

    def start_element(tag: str, attributes: dict[str, str]) -> None:
        if tag == "document":
            documents.append({"id": attributes["id"], "sentences": []})
        elif tag == "sentence":
            sentence = {"id": attributes["id"], "text": attributes["text"], "entities": [], "pairs": []}
            documents[-1]["sentences"].append(sentence)
        elif tag == "entity":
            spans = [part.split("-") for part in attributes["charOffset"].split(";")]
            places = [[int(start), int(end) + 1] for start, end in spans]
            documents[-1]["sentences"][-1]["entities"].append({**attributes, "spans": places})
        elif tag == "pair":
            related = attributes["ddi"] in _TRUE
            documents[-1]["sentences"][-1]["pairs"].append({**attributes, "ddi": related})

    def refuse_doctype(*_: object) -> None:
        raise CorpusError(f"{path} declares a document type, which DDI files do not have; it is not read")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start_element
    parser.StartDoctypeDeclHandler = refuse_doctype
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, *SHAPE_ERRORS) as error:
        line = parser.CurrentLineNumber
        raise CorpusError(f"{path}, line {line}: not XML of DDI 2013 ({type(error).__name__}: {error})") from error
    for read in documents:
        try:
            document = _document(read, f"{name}{read['id']}")
        except SHAPE_ERRORS as error:
            raise CorpusError(f"{path}, {read['id']}: not XML of DDI 2013 ({type(error).__name__}: {error})") from error
        yield document


def read_ddi_json(path: Path, lines: NumberedLines) -> Iterator[RawDocument]:
    """Yield the documents of JSON lines. Raises CorpusError, with the line number, for a line that is not one."""
    for number, read in json_objects(path, lines):
        try:
            yield _document(read, f"line {number}")
        except SHAPE_ERRORS as error:
            raise CorpusError(f"{path}, line {number}: {not_a_document(error)}") from error


def _document(read: Mapping[str, Any], where: str) -> RawDocument:
    raw = RawDocument(str(read["id"]), "", where)
    texts = []
    offset = 0
    for sentence in read["sentences"]:
        text = str(sentence["text"])
        place = f"{where}, {sentence['id']}"
        raw.entities += [_entity(one, offset, place) for one in sentence["entities"]]
        for pair in sentence["pairs"]:
            if pair["ddi"]:
                arguments = str(pair["e1"]), str(pair["e2"])
                # Ids begin with that of their document. A pair without a type has none in the corpus itself.
                elsewhere = any(not one.startswith(f"{raw.identifier}.") for one in arguments)
                kind = str(pair.get("type") or "no type")
                raw.relations.append(RawRelation(kind, *arguments, place, elsewhere=elsewhere))
        if text.strip():
            raw.sentences.append(AnnotatedSentence(offset, offset + len(text)))
        texts.append(text)
        offset += len(text) + 1
    raw.text = " ".join(texts)
    return raw


def _entity(read: Mapping[str, Any], offset: int, where: str) -> RawEntity:
    places = read.get("spans") or [[read["start"], read["end"]]]
    spans = tuple(sorted((int(start) + offset, int(end) + offset) for start, end in places))
    return RawEntity(str(read["id"]), str(read["type"]), spans, str(read["text"]), "", where)

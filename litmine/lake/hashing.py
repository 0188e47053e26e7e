"""64-bit fingerprints of texts, questions and records: signed, so that they fit Parquet's and DuckDB's BIGINT."""

import json
from dataclasses import fields
from datetime import date
from hashlib import blake2b

from litmine.types import Article, MeshHeading, Question, Section

_CONTENT = tuple((field.name, field.default) for field in fields(Article) if field.name != "pmid")


def text_hash(text: str) -> int:
    """Fingerprint of a text's UTF-8."""
    return _signed(text.encode("utf-8", "surrogatepass"))


def question_digest(question: Question) -> int:
    """Fingerprint of what is asked: a question's words and type, and not its id."""
    return _signed(json.dumps([question.text, question.question_type]).encode())


def record_hash(article: Article) -> int:
    """Fingerprint of everything the record says.

    What a record leaves out does not enter, so that a field that `Article` gains one day changes only the records that
    have it, and the rest of a lake need not be written again.
    """
    said = {name: value for name, default in _CONTENT if (value := getattr(article, name)) != default}
    return _signed(json.dumps(said, default=_plain, separators=(",", ":")).encode())


def deletion_hash() -> int:
    """Fingerprint that stands for every deletion."""
    return _signed(b"deleted")


def _plain(value: Section | MeshHeading | date) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return [getattr(value, name) for name in value.__slots__]


def _signed(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big", signed=True)

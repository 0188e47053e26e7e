"""64-bit hashes of texts, questions and records. They are signed, to fit the BIGINT of Parquet and DuckDB."""

import json
from dataclasses import fields
from datetime import date
from hashlib import blake2b

from litmine.types import RECORD, Article, MeshHeading, Question, Section

_CONTENT_FIELDS = tuple((field.name, field.default) for field in fields(Article) if field.name != "pmid")


def text_hash(text: str) -> int:
    """The hash of a text's UTF-8 bytes."""
    return _signed_hash(text.encode("utf-8", "surrogatepass"))


def question_digest(question: Question) -> int:
    """The hash of a question's text and type. The id does not count."""
    return _signed_hash(json.dumps([question.text, question.question_type]).encode())


def record_hash(article: Article, record_class: int = RECORD) -> int:
    """The hash of a record's content, without the PMID. A bare text and a record of the same content differ.

    Fields with their default value are left out. So when `Article` gains a field, only records that have it change,
    and the other records of a lake need not be written again.
    """
    content = {name: value for name, default in _CONTENT_FIELDS if (value := getattr(article, name)) != default}
    if record_class != RECORD:
        content["record_class"] = record_class
    return _signed_hash(json.dumps(content, default=_to_json, separators=(",", ":")).encode())


def deletion_hash() -> int:
    """The record hash of every deletion."""
    return _signed_hash(b"deleted")


def _to_json(value: Section | MeshHeading | date) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return [getattr(value, name) for name in value.__slots__]


def _signed_hash(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big", signed=True)

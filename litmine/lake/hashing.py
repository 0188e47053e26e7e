"""64-bit hashes of texts, questions and records. They are signed, to fit the BIGINT of Parquet and DuckDB."""

import json
from dataclasses import fields
from datetime import date
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from litmine.types import (
    CONTENT_FIELDS,
    RECORD,
    Article,
    AuthorAffiliation,
    Chemical,
    Correction,
    DataBank,
    Grant,
    MeshHeading,
    Question,
    Section,
)

_CONTENT_FIELDS = tuple(
    (field.name, field.default) for field in fields(Article) if field.name in CONTENT_FIELDS and field.name != "pmid"
)
_STRUCTS = (Section, MeshHeading, AuthorAffiliation, Chemical, Grant, Correction, DataBank)
# The values of a struct as a tuple, which JSON has as an array.
_STRUCT_VALUES: dict[type, Any] = {struct: attrgetter(*(field.name for field in fields(struct))) for struct in _STRUCTS}


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
    return _signed_hash(_JSON.encode(content).encode())


def deletion_hash() -> int:
    """The record hash of every deletion."""
    return _signed_hash(b"deleted")


def _to_json(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else _STRUCT_VALUES[type(value)](value)


# Made once: `json.dumps` makes an encoder for each call. No value contains itself, so nothing checks for it.
_JSON = json.JSONEncoder(default=_to_json, separators=(",", ":"), check_circular=False)


def _signed_hash(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big", signed=True)

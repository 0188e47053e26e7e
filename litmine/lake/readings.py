"""Readings: what one reader made of some questions and texts, "no answer" included.

A slice of pairs is one file, named after the pairs: it exists = they are read, and they are never read again.

What was asked, and over which articles: written when the readings are done, so that answers change all at once.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

import pyarrow as pa

from litmine.errors import SchemaError
from litmine.lake.file_writer import write_bytes
from litmine.lake.hashing import question_digest
from litmine.lake.parquet import encode
from litmine.lake.paths import Place, folder_name
from litmine.schema import arrow_schema
from litmine.text.sentences import enclosing_sentence
from litmine.types import Question, ReaderOutput, SpanAnswer


@dataclass(frozen=True, slots=True)
class Retrieved:
    """An article that a question is read over: the hash of its text, BM25, and its place, from 1."""

    pmid: int
    text_hash: int
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the reader (name@digest), how articles were looked for, and what was found, the best first."""

    question: Question
    model: str
    top_k: int
    filter: str | None
    retrieved: tuple[Retrieved, ...]

    @property
    def digest(self) -> int:
        return question_digest(self.question)


def record_asked(lake: Place, asked: Sequence[Asked], run: str, asked_at: datetime) -> None:
    """Note what a run asked: from now on these are the questions' retrievals. Raises LakeError when it cannot."""
    found = {(one.digest, hit): None for one in asked for hit in one.retrieved}
    retrieved = [
        {
            "question_digest": digest,
            "run": run,
            "pmid": hit.pmid,
            "text_hash": hit.text_hash,
            "score": hit.score,
            "rank": hit.rank,
        }
        for digest, hit in found
    ]
    questions = [
        {
            "question_digest": one.digest,
            "question_id": one.question.question_id,
            "question": one.question.text,
            "question_type": one.question.question_type,
            "guessed": one.question.guessed,
            "model": one.model,
            "top_k": one.top_k,
            "filter": one.filter,
            "asked_at": asked_at,
            "run": run,
        }
        for one in asked
    ]
    # The questions last: without them the rest is not seen.
    for table, rows in (("retrieved", retrieved), ("questions", questions)):
        data = encode(table, pa.Table.from_pylist(rows, schema=arrow_schema(table)))
        write_bytes(lake / table / f"{run}.parquet", data, exclusive=True)


class Pair(NamedTuple):
    """A question and a text: what a reader reads at a time."""

    question_digest: int
    pmid: int
    text_hash: int


@dataclass(frozen=True, slots=True)
class ReadingsFooter:
    """What a slice's file says about its making: `pairs` counts those that failed too, `seconds` is wall time."""

    model: str
    pairs: int
    device: str
    precision: str
    seconds: float
    tokens: int
    versions: Mapping[str, str]


def slice_file(lake: Place, model: str, pairs: Iterable[Pair]) -> Place:
    """Where the readings of `model` (name@digest) for these pairs belong, whatever their order."""
    name = blake2b(repr(sorted(tuple(pair) for pair in pairs)).encode(), digest_size=12).hexdigest()
    return lake / folder_name("readings", model) / f"{name}.parquet"


def write_readings(
    path: Place,
    pairs: Sequence[Pair],
    texts: Sequence[str],
    replies: Sequence[ReaderOutput | str],
    footer: ReadingsFooter,
) -> bool:
    """Write a slice to its file, whole and only if it is absent; returns whether it was written.

    A reply that is a string says why its pair could not be read. Raises SchemaError, naming the first row at fault,
    when the offsets of an answer do not hold or a score is no probability; LakeError when the file cannot be written.
    """
    table = readings_table(footer.model, pairs, texts, replies)
    return write_bytes(path, encode("readings", table, asdict(footer)), exclusive=True)


def readings_table(
    model: str, pairs: Sequence[Pair], texts: Sequence[str], replies: Sequence[ReaderOutput | str]
) -> pa.Table:
    """The rows of a slice. Raises SchemaError as `write_readings` does."""
    rows = [row for one in zip(pairs, texts, replies, strict=True) for row in _rows(*one)]
    rows.sort(key=lambda row: (*row[:3], row[4] or 0))
    schema = arrow_schema("readings")
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    try:
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SchemaError(f"a reading of {model} has a value that is not as declared: {error}") from error
    return pa.Table.from_arrays(arrays, schema=schema)


def _rows(pair: Pair, text: str, reply: ReaderOutput | str) -> Iterator[tuple[Any, ...]]:
    """The rows of one reading, columns in the order of the table."""
    nothing = (None,) * 9
    if isinstance(reply, str):
        yield (*pair, *nothing, None, None, None, reply)
        return
    for probability in (reply.no_answer, reply.yes, reply.no):
        _check_probability(pair, probability)
    whole = reply.no_answer, reply.yes, reply.no, None
    for variant, spans in enumerate((reply.spans, reply.variants)):
        for span in spans:
            yield (*pair, *_columns(pair, text, span), bool(variant), *whole)
    if not reply.spans:
        yield (*pair, *nothing, *whole)


def _columns(pair: Pair, text: str, span: SpanAnswer) -> tuple[Any, ...]:
    start, end = span.start_char, span.end_char
    if not 0 <= start < end <= len(text) or text[start:end] != span.answer:
        raise SchemaError(f"PMID {pair.pmid}: {span} stands at {start}:{end}, where the text has {text[start:end]!r}")
    if not 0 <= span.start_token < span.end_token:
        raise SchemaError(f"PMID {pair.pmid}: {span} has the tokens {span.start_token}:{span.end_token}")
    _check_probability(pair, span.score)
    return (
        span.answer,
        start,
        end,
        span.start_token,
        span.end_token,
        *enclosing_sentence(text, start, end),
        span.score,
    )


def _check_probability(pair: Pair, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
        raise SchemaError(f"PMID {pair.pmid}: a reading has the score {value}, which is no probability")

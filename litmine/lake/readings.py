"""Store what a reader finds in each pair of question and text, and the log of questions that were asked.

Readings are written in slices. A slice is one file, named after its pairs: if the file exists, the pairs have been
read, "no answer" included, and litmine does not read them again. The question log is written when all readings are
done, so that the view `answers` changes at once.
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
from litmine.lake.parquet import encode_parquet
from litmine.lake.paths import LakePath, folder_name
from litmine.schema import arrow_schema
from litmine.text.sentences import Regions, enclosing_sentence
from litmine.types import Question, ReaderOutput, SpanAnswer


class QuestionTextPair(NamedTuple):
    """A question and a text: the unit that a reader reads."""

    question_digest: int
    pmid: int
    text_hash: int


@dataclass(frozen=True, slots=True)
class ReadingsFooter:
    """The footer of a slice file: how its readings were made.

    pairs: number of pairs, failed ones included. seconds: wall time.
    """

    model: str
    pairs: int
    device: str
    precision: str
    seconds: float
    tokens: int
    versions: Mapping[str, str]


def slice_path(lake: LakePath, model: str, pairs: Iterable[QuestionTextPair]) -> LakePath:
    """The path for the readings of these pairs by `model` (name@digest). The order of the pairs does not matter."""
    name = blake2b(repr(sorted(tuple(pair) for pair in pairs)).encode(), digest_size=12).hexdigest()
    return lake / folder_name("readings", model) / f"{name}.parquet"


def write_readings(
    path: LakePath,
    pairs: Sequence[QuestionTextPair],
    texts: Sequence[str],
    outputs: Sequence[ReaderOutput | str],
    footer: ReadingsFooter,
    regions: Sequence[Regions] = (),
) -> bool:
    """Write a slice to its file unless the file exists. Returns whether it was written.

    outputs: one per pair; a string is the reason why the pair could not be read. regions: of the text of each pair,
    as in `litmine.lake.articles.NewTexts`; an evidence sentence does not cross them. Empty for texts without regions.
    Raises SchemaError, naming the first bad row, if an answer's offsets do not match its text or a score is not a
    probability. Raises LakeError if the file cannot be written.
    """
    table = readings_table(footer.model, pairs, texts, outputs, regions)
    return write_bytes(path, encode_parquet("readings", table, asdict(footer)), exclusive=True)


def readings_table(
    model: str,
    pairs: Sequence[QuestionTextPair],
    texts: Sequence[str],
    outputs: Sequence[ReaderOutput | str],
    regions: Sequence[Regions] = (),
) -> pa.Table:
    """The rows of a slice, in the columns of `schemas/readings.json`. Raises SchemaError as `write_readings` does."""
    readings = zip(pairs, texts, outputs, regions or [()] * len(pairs), strict=True)
    rows = [row for reading in readings for row in _reading_rows(*reading)]
    rows.sort(key=lambda row: (*row[:3], row[4] or 0))
    schema = arrow_schema("readings")
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    try:
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SchemaError(f"a reading of {model} has a value of the wrong type: {error}") from error
    return pa.Table.from_arrays(arrays, schema=schema)


def _reading_rows(
    pair: QuestionTextPair, text: str, output: ReaderOutput | str, regions: Regions
) -> Iterator[tuple[Any, ...]]:
    """The rows of one reading, with columns in the order of the table."""
    no_span = (None,) * 9
    if isinstance(output, str):
        yield (*pair, *no_span, None, None, None, output)
        return
    for probability in (output.no_answer, output.yes, output.no):
        _check_probability(pair, probability)
    reading_columns = output.no_answer, output.yes, output.no, None
    for is_variant, spans in ((False, output.spans), (True, output.variants)):
        for span in spans:
            yield (*pair, *_span_columns(pair, text, span, regions), is_variant, *reading_columns)
    if not output.spans:
        yield (*pair, *no_span, *reading_columns)


def _span_columns(pair: QuestionTextPair, text: str, span: SpanAnswer, regions: Regions) -> tuple[Any, ...]:
    start, end = span.start_char, span.end_char
    if not 0 <= start < end <= len(text) or text[start:end] != span.answer:
        raise SchemaError(f"PMID {pair.pmid}: {span} is at {start}:{end}, but the text there is {text[start:end]!r}")
    if not 0 <= span.start_token < span.end_token:
        raise SchemaError(f"PMID {pair.pmid}: {span} has the token range {span.start_token}:{span.end_token}")
    _check_probability(pair, span.score)
    return (
        span.answer,
        start,
        end,
        span.start_token,
        span.end_token,
        *enclosing_sentence(text, start, end, regions),
        span.score,
    )


def _check_probability(pair: QuestionTextPair, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
        raise SchemaError(f"PMID {pair.pmid}: a reading has the score {value}, which is not a probability")


@dataclass(frozen=True, slots=True)
class RetrievedArticle:
    """An article that the search returned for a question: the hash of its text, its BM25 score, its rank from 1."""

    pmid: int
    text_hash: int
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class QuestionLogEntry:
    """A question, the reader (name@digest), the search settings, and the articles retrieved, best first."""

    question: Question
    model: str
    top_k: int
    filter: str | None
    retrieved: tuple[RetrievedArticle, ...]

    @property
    def digest(self) -> int:
        return question_digest(self.question)


def record_questions(lake: LakePath, entries: Sequence[QuestionLogEntry], run: str, asked_at: datetime) -> None:
    """Add the questions of a run to the log; the views use the newest entry of each question.

    Raises LakeError if the log cannot be written.
    """
    # Two questions with one digest (the same words under two ids) share their retrieved articles.
    hits = {(entry.digest, hit): None for entry in entries for hit in entry.retrieved}
    retrieved = [
        {
            "question_digest": digest,
            "run": run,
            "pmid": hit.pmid,
            "text_hash": hit.text_hash,
            "score": hit.score,
            "rank": hit.rank,
        }
        for digest, hit in hits
    ]
    questions = [
        {
            "question_digest": entry.digest,
            "question_id": entry.question.question_id,
            "question": entry.question.text,
            "question_type": entry.question.question_type,
            "guessed": entry.question.guessed,
            "model": entry.model,
            "top_k": entry.top_k,
            "filter": entry.filter,
            "asked_at": asked_at,
            "run": run,
        }
        for entry in entries
    ]
    # `questions` comes last: without its row, the views do not show the retrieved articles.
    for table, rows in (("retrieved", retrieved), ("questions", questions)):
        data = encode_parquet(table, pa.Table.from_pylist(rows, schema=arrow_schema(table)))
        write_bytes(lake / table / f"{run}.parquet", data, exclusive=True)

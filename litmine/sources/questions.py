"""Read questions from JSON Lines, CSV or BioASQ's JSON, recognised by content, and guess their types."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from litmine.errors import QuestionError, SourceError
from litmine.settings import did_you_mean
from litmine.sources.bounded import read_file_up_to
from litmine.sources.encodings import decode_text, undecodable
from litmine.sources.question_types import guess_type
from litmine.types import Question

_ID_FIELDS = ("question_id", "id")
_TEXT_FIELDS = ("question", "body", "text")
_TYPE_FIELDS = ("question_type", "type")
_TYPE_NAMES = {"factoid": "factoid", "list": "list", "yesno": "yesno", "yes/no": "yesno"}
# BioASQ's summary questions ask for a paragraph, which readers cannot write. Their type is guessed.
_SUMMARY = "summary"
_FORMATS = 'JSON Lines, {"question": "..."} a line, CSV with a column `question`, or BioASQ\'s JSON'
_BIOASQ = re.compile(r'(?<!\\)"questions"\s*:\s*\[')
# A file is read whole. Question answering shared tasks publish files of some 80 MB.
MAX_FILE_BYTES = 128 << 20
MAX_QUESTION_CHARS = 10_000
# The limit belongs to the process, so each reader of CSV sets its own.
_MAX_FIELD_CHARS = 1 << 17
# Each takes a kilobyte while it is read, however short it is.
MAX_QUESTIONS = 1_000_000
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def read_questions(path: Path) -> list[Question]:
    """The questions of a file, in order. A missing id becomes the number of the question; a missing type is guessed.

    Raises QuestionError, with the line, for an unknown format, an empty question, an unknown type, or a repeated id;
    and for a file that cannot be read or has no questions.
    """
    try:
        content = read_file_up_to(path, MAX_FILE_BYTES, "a file of questions")
    except SourceError as error:
        raise QuestionError(f"{path} cannot be read: {error}") from error
    except (OSError, ValueError) as error:
        raise QuestionError(f"{path} cannot be read ({_reason(error)}); check the path") from error
    questions: dict[str, Question] = {}
    locations: dict[str, str] = {}
    for location, row in _rows(path, content):
        if len(questions) == MAX_QUESTIONS:
            raise QuestionError(
                f"{path} has more than {MAX_QUESTIONS:,} questions, the most that a file may have; split it"
            )
        try:
            question = _question(row, len(questions) + 1)
        except QuestionError as error:
            raise QuestionError(f"{path}, {location}: {error}") from None
        if question.question_id in locations:
            first = locations[question.question_id]
            raise QuestionError(f"{path}, {location}: the id {question.question_id!r} is already used in {first}")
        questions[question.question_id] = question
        locations[question.question_id] = location
    if not questions:
        raise QuestionError(f"{path} has no questions; write them as {_FORMATS}")
    return list(questions.values())


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def parse_question(text: str, question_id: str = "1", question_type: str = "") -> Question:
    """A question with normalised white space; its type is guessed if `question_type` is empty.

    Raises QuestionError when the text has no word, or for an unknown type.
    """
    if len(text) > MAX_QUESTION_CHARS:
        raise QuestionError(f"the question has {len(text):,} characters, and one may have {MAX_QUESTION_CHARS:,}")
    text = " ".join(_LONE_SURROGATE.sub("\ufffd", text).split())
    if not any(char.isalnum() for char in text):
        raise QuestionError("the question is empty" if not text else f"the question {text[:40]!r} has no word")
    type_name = question_type.strip().lower()
    if type_name in ("", _SUMMARY):
        return Question(question_id, text, guess_type(text), guessed=True, summary=type_name == _SUMMARY)
    if type_name not in _TYPE_NAMES:
        shown, known = question_type[:40], [*_TYPE_NAMES, _SUMMARY]
        raise QuestionError(
            f"the question type {shown!r} is not one of {', '.join(known)}{did_you_mean(shown.lower(), known)}"
        )
    return Question(question_id, text, _TYPE_NAMES[type_name])


def _question(row: Mapping[str, Any], number: int) -> Question:
    return parse_question(
        _value(row, _TEXT_FIELDS) or "", _value(row, _ID_FIELDS) or str(number), _value(row, _TYPE_FIELDS) or ""
    )


def _value(row: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The value of the first of these fields that the row has; None if it has none."""
    value = next((row[name] for name in names if row.get(name) is not None), None)
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        raise QuestionError(f"the {names[0]} is neither a string nor a whole number")
    return None if value is None else _LONE_SURROGATE.sub("\ufffd", str(value)).strip()


def _rows(path: Path, content: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The location and the fields of each question."""
    try:
        text = decode_text(content)
    except UnicodeDecodeError as error:
        raise QuestionError(f"{path}, {undecodable(content, error)}") from None
    except SourceError as error:
        raise QuestionError(f"{path}: {error}") from None
    if not text.lstrip().startswith("{"):
        yield from _csv(path, text)
    elif _BIOASQ.search(text):
        yield from _bioasq(path, text)
    else:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield f"line {number}", _object(path, line, number)


def _object(path: Path, text: str, line: int) -> dict[str, Any]:
    """The JSON object in `text`, which starts on line `line` of the file."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise QuestionError(f"{path}, line {line + error.lineno - 1}: it is not JSON ({error.msg})") from None
    except (ValueError, RecursionError):
        raise QuestionError(f"{path}, line {line}: it is not JSON that can be read") from None
    if not isinstance(value, dict):
        raise QuestionError(f'{path}, line {line}: it is not a JSON object, {{"question": "..."}}')
    return value


def _bioasq(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    questions = _object(path, text, 1).get("questions")
    if not isinstance(questions, list):
        raise QuestionError(f"{path}, line 1: it has no list of questions")
    for number, question in enumerate(questions, 1):
        location = f"question {number}"
        if not isinstance(question, dict):
            raise QuestionError(f"{path}, {location}: it is not a JSON object")
        yield location, question


def _csv(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    csv.field_size_limit(_MAX_FIELD_CHARS)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        if not text.strip():
            return
        if not set(names) & set(_TEXT_FIELDS):
            raise QuestionError(f"{path}, line 1: it is not {_FORMATS}")
        reader.fieldnames = names
        for row in reader:
            if None in row:
                raise QuestionError(
                    f"{path}, line {reader.line_num}: it has more fields than the {len(names)} of the first line; "
                    "put quotes around a question with commas"
                )
            yield f"line {reader.line_num}", row
    except csv.Error as error:
        raise QuestionError(f"{path}, line {reader.reader.line_num}: it is not CSV ({error})") from None

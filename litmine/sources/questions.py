"""Questions from a file: JSON Lines, CSV or BioASQ's JSON, told apart by content; and what type a question is."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from litmine.errors import QuestionError
from litmine.types import Question

_IDS = ("question_id", "id")
_TEXTS = ("question", "body", "text")
_TYPES = ("question_type", "type")
_KNOWN_TYPES = {"factoid": "factoid", "list": "list", "yesno": "yesno", "yes/no": "yesno"}
# BioASQ's summary questions want prose: what they are read as is guessed, as where no type is given.
_GUESSED_TYPES = {"", "summary"}
_FORMATS = 'JSON Lines, {"question": "..."} a line, CSV with a column `question`, or BioASQ\'s JSON'
_BIOASQ = re.compile(r'(?<!\\)"questions"\s*:\s*\[')
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

# Only before a word that asks, so that "E. coli" is no end.
_SENTENCE_END = re.compile(
    r"(?<=[.?!])\s+(?=(?:what|which|who|how|is|are|do|does|can|please|list|name)\b)", re.IGNORECASE
)
_YES_OR_NO = re.compile(
    r"(am|are|is|was|were|do|does|did|can|could|has|have|had|should|would|will|may|might|must)\b", re.IGNORECASE
)
_SEVERAL = re.compile(
    r"(please\s+)?(list|name|enumerate|provide|give)\b|(what|which|who)\s+(are|were|have)\b", re.IGNORECASE
)
_ASKED_FOR = re.compile(r"\b(?:which|what)\s+(.*)", re.IGNORECASE | re.DOTALL)
_MOST_NOUNS = 4
_OF_SEVERAL = {"are", "were", "have"}
_NO_NOUNS = re.compile(
    "a|an|and|by|can|causes?|could|did|do|does|for|from|had|has|in|is|may|of|that|the|to|was|will|with|would",
    re.IGNORECASE,
)


def read_questions(path: Path) -> list[Question]:
    """The questions of a file, in its order. One without an id gets its number, one without a type a guess.

    Raises QuestionError, with the line, for a file of none of the formats, a question that is empty or of another type,
    and an id that stands twice; and for a file without questions.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise QuestionError(f"{path} cannot be read ({error.strerror})") from error
    questions: dict[str, Question] = {}
    places: dict[str, str] = {}
    for where, row in _rows(path, content):
        try:
            question = _question(row, len(questions) + 1)
        except QuestionError as error:
            raise QuestionError(f"{path}, {where}: {error}") from None
        if question.question_id in places:
            first = places[question.question_id]
            raise QuestionError(f"{path}, {where}: the id {question.question_id!r} stands in {first} already")
        questions[question.question_id] = question
        places[question.question_id] = where
    if not questions:
        raise QuestionError(f"{path} has no questions; write them as {_FORMATS}")
    return list(questions.values())


def parse_question(text: str, question_id: str = "1", question_type: str = "") -> Question:
    """A question as it is asked: white space in one blank each, its type guessed when none is given.

    Raises QuestionError when there is nothing in it to look for, or the type is not one that a reader answers.
    """
    text = " ".join(_LONE_SURROGATE.sub("\ufffd", text).split())
    if not any(char.isalnum() for char in text):
        raise QuestionError("the question is empty" if not text else f"the question {text[:40]!r} has no word")
    said = question_type.strip().lower()
    if said in _GUESSED_TYPES:
        return Question(question_id, text, guess_type(text), guessed=True)
    if said not in _KNOWN_TYPES:
        raise QuestionError(f"the question type {question_type[:40]!r} is not one of {', '.join(_KNOWN_TYPES)}")
    return Question(question_id, text, _KNOWN_TYPES[said])


def guess_type(text: str) -> str:
    """The type that a question's words suggest: yesno for "Is ...", list for "Which genes ...", else factoid."""
    asked = _SENTENCE_END.split(text.strip())[-1]
    if _YES_OR_NO.match(asked):
        return "yesno"
    if _SEVERAL.match(asked):
        return "list"
    asked_for = _ASKED_FOR.search(asked)
    for word in re.findall(r"[\w-]+", asked_for[1] if asked_for else "")[:_MOST_NOUNS]:
        if _NO_NOUNS.fullmatch(word):
            break
        if word.lower() in _OF_SEVERAL or _is_plural(word):
            return "list"
    return "factoid"


def _is_plural(word: str) -> bool:
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))


def _question(row: Mapping[str, Any], number: int) -> Question:
    return parse_question(
        _value(row, _TEXTS) or "", _value(row, _IDS) or str(number), question_type=_value(row, _TYPES) or ""
    )


def _value(row: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of the fields that the row has."""
    value = next((row[name] for name in names if row.get(name) is not None), None)
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        raise QuestionError(f"the {names[0]} is neither a string nor a whole number")
    return None if value is None else _LONE_SURROGATE.sub("\ufffd", str(value)).strip()


def _rows(path: Path, content: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each question's place and fields."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise QuestionError(f"{path}, line {number}: it is not UTF-8; save the file as UTF-8") from None
    if not text.lstrip().startswith("{"):
        yield from _csv(path, text)
    elif _BIOASQ.search(text):
        yield from _bioasq(path, text)
    else:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield f"line {number}", _object(path, line, number)


def _object(path: Path, text: str, line: int) -> dict[str, Any]:
    """The JSON object that begins on that line."""
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
        where = f"question {number}"
        if not isinstance(question, dict):
            raise QuestionError(f"{path}, {where}: it is not a JSON object")
        yield where, question


def _csv(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        if not text.strip():
            return
        if not set(names) & set(_TEXTS):
            raise QuestionError(f"{path}, line 1: it is none of {_FORMATS}")
        reader.fieldnames = names
        for row in reader:
            if None in row:
                raise QuestionError(
                    f"{path}, line {reader.line_num}: it has more fields than the {len(names)} of the first line; "
                    "put a question with commas into quotes"
                )
            yield f"line {reader.line_num}", row
    except csv.Error as error:
        raise QuestionError(f"{path}, line {reader.reader.line_num}: it is not CSV ({error})") from None

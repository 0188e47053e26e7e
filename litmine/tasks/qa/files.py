"""A file of questions, whichever of the three forms it has: told by what it holds."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from litmine.errors import CorpusError
from litmine.tasks.qa.bioasq import bioasq_questions
from litmine.tasks.qa.pubmedqa import pubmedqa_questions
from litmine.tasks.qa.questions import Asked, QuestionFile
from litmine.tasks.qa.squad import squad_questions

_READERS: dict[str, Callable[[Any], Iterator[Asked | None]]] = {
    "squad": squad_questions,
    "bioasq": bioasq_questions,
    "pubmedqa": pubmedqa_questions,
}


def read_file(path: Path) -> QuestionFile:
    """The questions of a file (CorpusError when it is none of the three forms, or holds no question to use)."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path} cannot be read as JSON: {error}") from error
    form = _form(read)
    if form is None:
        raise CorpusError(
            f"{path} is neither SQuAD's JSON (data), nor BioASQ's (questions), nor PubMedQA's (QUESTION by PMID)"
        )
    questions: list[Asked | None] = []
    try:
        questions.extend(_READERS[form](read))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise CorpusError(f"{path}: question {len(questions) + 1} is not as {form} has them: {what}") from error
    usable = tuple(asked for asked in questions if asked is not None)
    if not usable:
        raise CorpusError(f"{path} holds no question with an answer; leave it out")
    return QuestionFile(path.stem, path, form, usable, len(questions) - len(usable))


def _form(read: Any) -> str | None:
    if not isinstance(read, dict) or not read:
        return None
    if isinstance(read.get("data"), list):
        return "squad"
    if isinstance(read.get("questions"), list):
        return "bioasq"
    first = next(iter(read.values()))
    return "pubmedqa" if isinstance(first, dict) and "QUESTION" in first else None

"""A file of questions, whichever of the three forms it has: told by what it holds.

Questions with the texts that answer them and their answers: what a reader learns from and is judged on.

SQuAD's JSON (Rajpurkar et al. 2016, 2018; COVID-QA has it too): articles of paragraphs, each with its questions.

The answers' offsets are not read: in copies of SQuAD they are those of the first occurrence, wrong for some 3 % of the
answers, and in COVID-QA they are off by white space for one in six. `answer_alignment` looks for the words.

BioASQ's JSON (task B): questions of four types with exact answers and snippets; summaries have no exact answer.

PubMedQA's JSON (Jin et al. 2019): yes/no questions by PMID, each with its abstract less the conclusion.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from litmine.errors import CorpusError
from litmine.types import QUESTION_TYPES


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, its texts (none twice), and what is right.

    question_type: `factoid`, `list` or `yesno`. answers: each with its synonyms, as the file spells them; none when the
    texts do not answer. yes: the answer to a yes/no question, None for any other. batch: the part of its file that it
    belongs to, if the file has any (BioASQ's `6B1`).
    """

    question_id: str
    question: str
    question_type: str
    texts: tuple[str, ...] = field(repr=False)
    answers: tuple[tuple[str, ...], ...] = ()
    yes: bool | None = None
    batch: str = ""

    @property
    def key(self) -> str:
        """The question without white space, punctuation and case: two of one key are one question."""
        return "".join(character for character in self.question.casefold() if character.isalnum())

    @property
    def unanswerable(self) -> bool:
        """Whether its file says that its texts do not answer."""
        return self.yes is None and not self.answers


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """The questions of one file in its order; `form` is `squad`, `bioasq` or `pubmedqa`.

    `left_out` counts those that teach and judge nothing: without an answer, of another type.
    """

    name: str
    path: Path
    form: str
    questions: tuple[Asked, ...] = field(repr=False)
    left_out: int = 0


def squad_questions(read: Any) -> Iterator[Asked]:
    """The questions of a file's JSON (KeyError, TypeError, AttributeError or ValueError when it is of another form).

    What the annotators marked are synonyms of one answer, each as often as it was marked.
    """
    for article in read["data"]:
        for paragraph in article["paragraphs"]:
            text = _text(paragraph["context"])
            for asked in paragraph["qas"]:
                marked = tuple(answer for each in asked["answers"] if (answer := _text(each["text"]).strip()))
                yield Asked(
                    str(asked["id"]), _text(asked["question"]).strip(), "factoid", (text,), (marked,) if marked else ()
                )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} stands where a text should")
    return value


def bioasq_questions(read: Any) -> Iterator[Asked | None]:
    """The questions of a file's JSON, None for one without an exact answer or of another type.

    Raises KeyError, TypeError, AttributeError or ValueError when it is of another form.
    """
    for asked in read["questions"]:
        kind, exact = asked["type"], asked.get("exact_answer")
        texts = tuple(dict.fromkeys(each["text"] for each in asked.get("snippets") or () if each["text"].strip()))
        head = str(asked["id"]), asked["body"].strip(), kind, texts
        batch = str(asked.get("batch", ""))
        if kind == "yesno" and exact:
            yield Asked(*head, yes=_yes(exact), batch=batch)
        elif kind in QUESTION_TYPES and (answers := _answers(exact, kind)):
            yield Asked(*head, answers=answers, batch=batch)
        else:
            yield None


def _yes(exact: Any) -> bool:
    """As the official evaluation reads it."""
    said = (exact[0] if isinstance(exact, list) else exact).lower()
    if "yes" not in said and "no" not in said:
        raise ValueError(f"a yes/no question is answered {said!r}")
    return "yes" in said


def _answers(exact: Any, kind: str) -> tuple[tuple[str, ...], ...]:
    """Each answer with its synonyms. The second year's factoids are one flat list of synonyms."""
    if not exact:
        return ()
    if isinstance(exact, str):
        groups = [[exact]]
    elif kind == "factoid" and all(isinstance(each, str) for each in exact):
        groups = [exact]
    else:
        groups = [[each] if isinstance(each, str) else each for each in exact]
    answers = (tuple(dict.fromkeys(name for each in group if (name := each.strip()))) for group in groups)
    return tuple(answer for answer in answers if answer)


def pubmedqa_questions(read: Any) -> Iterator[Asked | None]:
    """The questions of a file's JSON, None for those that the abstract leaves at maybe.

    The parts are put together as `text` does: led by their labels, one space between. Raises KeyError, TypeError,
    AttributeError or ValueError when it is of another form.
    """
    for pmid, asked in read.items():
        parts, labels = asked["CONTEXTS"], asked.get("LABELS") or []
        labels = labels if len(labels) == len(parts) else [""] * len(parts)
        text = " ".join(f"{label}: {part}" if label else part for label, part in zip(labels, parts, strict=True))
        said = asked["final_decision"]
        if said not in {"yes", "no", "maybe"}:
            raise ValueError(f"question {pmid} is answered {said!r}")
        yield None if said == "maybe" else Asked(pmid, asked["QUESTION"].strip(), "yesno", (text,), yes=said == "yes")


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

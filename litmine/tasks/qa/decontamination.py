"""Keep dev questions and duplicates out of the training questions, and hold out questions for calibration."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from litmine.errors import CorpusError
from litmine.tasks.qa.question_files import GoldQuestion, QuestionFile

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DevQuestions:
    """The dev questions of a file: those of the batches whose names begin with one of `batches`, or all."""

    file: QuestionFile
    batches: tuple[str, ...]

    @property
    def questions(self) -> list[GoldQuestion]:
        """The questions, in the order of the file. Raises CorpusError when the file has no such batch."""
        questions = [question for question in self.file.questions if self.includes(question)]
        if not questions:
            raise CorpusError(
                f"{self.file.path} has no question of {', '.join(self.batches)}; name batches that it has"
            )
        return questions

    def includes(self, question: GoldQuestion) -> bool:
        """Whether a question of the file is a dev question."""
        return not self.batches or question.batch.startswith(self.batches)


def remove_leaks_and_repeats(
    files: Sequence[QuestionFile], dev: DevQuestions | None, strict: bool, log: Log
) -> list[QuestionFile]:
    """The files without dev questions, copies of dev questions, and repeats, in the same order.

    A copy has the id or the words of a dev question. A repeat has the words and texts of a question in an earlier file.
    Removed copies and repeats are logged. Raises CorpusError when a file has no question left, and for a copy if
    `strict`.
    """
    dev_questions = dev.questions if dev else []
    ids, keys = {question.question_id for question in dev_questions}, {question.key for question in dev_questions}
    seen: set[tuple[str, tuple[str, ...]]] = set()

    def is_leak(question: GoldQuestion) -> bool:
        return question.question_id in ids or question.key in keys

    def is_repeat(question: GoldQuestion) -> bool:
        identity = question.key, question.texts
        repeated = identity in seen
        seen.add(identity)
        return repeated

    kept = []
    for file in files:
        candidates = [
            question
            for question in file.questions
            if not (dev and file.path == dev.file.path and dev.includes(question))
        ]
        leaks, clean = _partition(candidates, is_leak)
        repeats, unique = _partition(clean, is_repeat)
        if leaks and strict:
            raise CorpusError(
                f"{_describe_questions(file, leaks)} are also dev questions; remove them, or omit"
                " --strict-leaks to drop them"
            )
        if leaks:
            log(f"removed from training, because they are dev questions: {_describe_questions(file, leaks)}")
        if repeats:
            log(f"removed from training, because an earlier file has them: {_describe_questions(file, repeats)}")
        if not unique:
            raise CorpusError(f"{file.path} has no training question that is not in the other files; leave it out")
        kept.append(replace(file, questions=tuple(unique)))
    return kept


def hold_out(file: QuestionFile, share: float) -> tuple[QuestionFile, list[GoldQuestion]]:
    """Split off about `share` of the questions with span answers; returns the rest of the file, and these.

    The choice depends only on the words of the question or, in SQuAD, on the text, which many questions share. If
    nothing would be left, nothing is held out.
    """
    held_out, rest = _partition(
        file.questions, lambda question: question.yes is None and _hash(question, file.form) < share
    )
    return (replace(file, questions=tuple(rest)), held_out) if rest else (file, [])


def _hash(question: GoldQuestion, form: str) -> float:
    """A number from 0 to 1."""
    content = question.texts[0] if form == "squad" else question.key
    return int.from_bytes(hashlib.sha256(content.encode()).digest()[:4], "big") / 2**32


def _partition(
    questions: Sequence[GoldQuestion], condition: Callable[[GoldQuestion], bool]
) -> tuple[list[GoldQuestion], list[GoldQuestion]]:
    """The questions that meet the condition, and the others."""
    parts: tuple[list[GoldQuestion], list[GoldQuestion]] = [], []
    for question in questions:
        parts[0 if condition(question) else 1].append(question)
    return parts


def _describe_questions(file: QuestionFile, questions: Sequence[GoldQuestion]) -> str:
    return f"{len(questions):,} of the questions of {file.name} ({questions[0].question[:80]!r})"

"""A reader against a file of questions: every text read, answers merged as in a lake, official measures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from litmine.errors import CorpusError
from litmine.lake.answer_merging import TextsRead, merge_replies
from litmine.tasks.qa.metrics import FACTOID_ANSWERS, score_factoids, score_lists, score_spans, score_verdicts
from litmine.tasks.qa.question_files import Asked, QuestionFile
from litmine.tasks.qa.reader import Reader
from litmine.types import ReaderOutput

# Of pairs in memory at a time.
_AT_ONCE = 2_048


@dataclass(frozen=True, slots=True)
class Given:
    """What a reader answered to a question: answers, the best first, or yes (None when it does not say)."""

    asked: Asked
    answers: tuple[str, ...]
    yes: bool | None


@dataclass(frozen=True, slots=True)
class Judged:
    """The scores of a reader on a file in percent, and what it answered."""

    model: str
    scores: dict[str, float]
    given: tuple[Given, ...] = field(repr=False)


def judge(
    reader: Reader,
    file: QuestionFile,
    questions: Sequence[Asked] | None = None,
    all_types: bool = False,
) -> Judged:
    """Judge a reader on a file, or on some of its questions.

    SQuAD: exact_match and f1. BioASQ: strict_accuracy, lenient_accuracy and mrr of the factoids, and with `all_types`
    those of lists and, when the reader was taught them, of yes/no questions. PubMedQA: of yes/no questions.
    Raises CorpusError when there is nothing to judge.
    """
    asked = list(file.questions if questions is None else questions)
    wanted = _wanted(reader, file, all_types)
    asked = [one for one in asked if one.question_type in wanted]
    if not asked:
        raise CorpusError(f"{file.path} has no {' or '.join(wanted)} question to judge {reader.name} on")
    if file.form == "squad":
        # Version 1.1 has an answer to every question, and its measures know no "no answer".
        answerable = not any(one.unanswerable for one in asked)
        given = [_squad(one, replies[0], answerable) for block in _read(reader, asked) for one, replies in block]
        scores = score_spans((_flat(one.asked), one.answers[0] if one.answers else "") for one in given)
    else:
        given = [one for block in _read(reader, asked) for one in _merged(block)]
        scores = score_given(given)
    return Judged(reader.name, scores, tuple(given))


def _wanted(reader: Reader, file: QuestionFile, all_types: bool) -> list[str]:
    if file.form == "squad" or not all_types:
        return ["yesno"] if file.form == "pubmedqa" else ["factoid"]
    return ["factoid", "list", *(["yesno"] if reader.settings.yes_no else [])]


def score_given(given: Sequence[Given]) -> dict[str, float]:
    """BioASQ's measures of the types of question that there are, in percent."""
    by_type = {kind: [one for one in given if one.asked.question_type == kind] for kind in ("factoid", "list", "yesno")}
    scores: dict[str, float] = {}
    if factoids := by_type["factoid"]:
        scores |= score_factoids((one.asked.answers, one.answers) for one in factoids)
    if lists := by_type["list"]:
        scores |= score_lists((one.asked.answers, one.answers) for one in lists)
    if verdicts := by_type["yesno"]:
        scores |= score_verdicts((bool(one.asked.yes), one.yes) for one in verdicts)
    return scores


def _read(reader: Reader, questions: Sequence[Asked]) -> Iterator[list[tuple[Asked, list[ReaderOutput]]]]:
    """The questions in blocks, in order, each with the replies of its texts; the texts of a block are read together."""
    block: list[Asked] = []
    pairs = 0
    for number, asked in enumerate(questions, 1):
        block.append(asked)
        pairs += len(asked.texts)
        if pairs >= _AT_ONCE or number == len(questions):
            replies = iter(reader.answer([(one.question, text) for one in block for text in one.texts]))
            yield [(one, list(islice(replies, len(one.texts)))) for one in block]
            block, pairs = [], 0


def _squad(asked: Asked, reply: ReaderOutput, answerable: bool) -> Given:
    said = reply.spans[:1] if answerable or reply.no_answer < 0.5 else ()
    return Given(asked, tuple(span.answer for span in said), None)


def _merged(block: Sequence[tuple[Asked, Sequence[ReaderOutput]]]) -> Iterator[Given]:
    """What a lake would answer to each question from these replies."""
    merged = merge_replies([TextsRead(asked.question_type, asked.texts, replies) for asked, replies in block])
    for (asked, _), answers in zip(block, merged, strict=True):
        yield answered(asked, [found.answer for found in answers])


def answered(asked: Asked, answers: Sequence[str]) -> Given:
    """Of what a lake answers to a question, the best first, that which is judged."""
    if asked.question_type == "yesno":
        return Given(asked, (), answers[0] == "yes" if answers else None)
    return Given(asked, tuple(answers[:FACTOID_ANSWERS] if asked.question_type == "factoid" else answers), None)


def _flat(asked: Asked) -> list[str]:
    return [name for answer in asked.answers for name in answer]

"""Score a reader on a file of questions with the file's official measures.

The reader reads every text of a question, and the answers of the texts are merged as in a lake.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from litmine.errors import CorpusError
from litmine.lake.answer_merging import QuestionReadings, merge_answers
from litmine.tasks.qa.metrics import FACTOID_ANSWERS, score_factoids, score_lists, score_spans, score_verdicts
from litmine.tasks.qa.question_files import GoldQuestion, QuestionFile
from litmine.tasks.qa.reader import Reader
from litmine.types import ReaderOutput

# Pairs in memory at a time.
_PAIRS_AT_ONCE = 2_048

# Questions with the reader's output for each of their texts.
_Outputs = list[tuple[GoldQuestion, list[ReaderOutput]]]


@dataclass(frozen=True, slots=True)
class ReaderPrediction:
    """A reader's answers to one question, best first; or `yes` for a yes/no question, None without an answer."""

    gold: GoldQuestion
    answers: tuple[str, ...]
    yes: bool | None


@dataclass(frozen=True, slots=True)
class ReaderPredictions:
    """One reader's predictions on a file, and their scores in percent."""

    model: str
    scores: dict[str, float]
    predictions: tuple[ReaderPrediction, ...] = field(repr=False)


def predict(
    reader: Reader,
    file: QuestionFile,
    questions: Sequence[GoldQuestion] | None = None,
    all_types: bool = False,
) -> ReaderPredictions:
    """Answer the questions of a file, or some of them, and score the answers.

    SQuAD: exact_match and f1. PubMedQA: the measures of yes/no questions. BioASQ: strict_accuracy, lenient_accuracy and
    mrr of the factoid questions; with `all_types` also the measures of list questions and, if the reader has a yes/no
    head, of yes/no questions. Raises CorpusError when there is no such question.
    """
    types = _scored_types(reader, file, all_types)
    selected = [one for one in (file.questions if questions is None else questions) if one.question_type in types]
    if not selected:
        raise CorpusError(f"{file.path} has no {' or '.join(types)} question that {reader.name} can be scored on")
    if file.form == "squad":
        # In version 1.1 every question has an answer, and "no answer" is always wrong.
        answerable = not any(one.unanswerable for one in selected)
        predictions = [
            _predict_squad(gold, outputs[0], answerable)
            for block in _read_blocks(reader, selected)
            for gold, outputs in block
        ]
        scores = score_spans((one.gold.names, one.answers[0] if one.answers else "") for one in predictions)
    else:
        predictions = [one for block in _read_blocks(reader, selected) for one in _predict_merged(block)]
        scores = score_predictions(predictions)
    return ReaderPredictions(reader.name, scores, tuple(predictions))


def _scored_types(reader: Reader, file: QuestionFile, all_types: bool) -> list[str]:
    if file.form == "squad" or not all_types:
        return ["yesno"] if file.form == "pubmedqa" else ["factoid"]
    return ["factoid", "list", *(["yesno"] if reader.settings.yes_no else [])]


def score_predictions(predictions: Sequence[ReaderPrediction]) -> dict[str, float]:
    """BioASQ's measures in percent, for the question types among the predictions."""
    by_type = {
        kind: [one for one in predictions if one.gold.question_type == kind] for kind in ("factoid", "list", "yesno")
    }
    scores: dict[str, float] = {}
    if factoids := by_type["factoid"]:
        scores |= score_factoids((one.gold.answers, one.answers) for one in factoids)
    if lists := by_type["list"]:
        scores |= score_lists((one.gold.answers, one.answers) for one in lists)
    if verdicts := by_type["yesno"]:
        scores |= score_verdicts((bool(one.gold.yes), one.yes) for one in verdicts)
    return scores


def _read_blocks(reader: Reader, questions: Sequence[GoldQuestion]) -> Iterator[_Outputs]:
    """Run the reader on blocks of questions, in order."""
    block: list[GoldQuestion] = []
    pairs = 0
    for number, gold in enumerate(questions, 1):
        block.append(gold)
        pairs += len(gold.texts)
        if pairs >= _PAIRS_AT_ONCE or number == len(questions):
            outputs = iter(reader.answer([(one.question, text) for one in block for text in one.texts]))
            yield [(one, list(islice(outputs, len(one.texts)))) for one in block]
            block, pairs = [], 0


def _predict_squad(gold: GoldQuestion, output: ReaderOutput, answerable: bool) -> ReaderPrediction:
    spans = output.spans[:1] if answerable or output.no_answer < 0.5 else ()
    return ReaderPrediction(gold, tuple(span.answer for span in spans), None)


def _predict_merged(block: _Outputs) -> Iterator[ReaderPrediction]:
    """The answers that a lake would show for these outputs."""
    merged = merge_answers([QuestionReadings(gold.question_type, gold.texts, outputs) for gold, outputs in block])
    for (gold, _), answers in zip(block, merged, strict=True):
        yield make_prediction(gold, [one.answer for one in answers])


def make_prediction(gold: GoldQuestion, answers: Sequence[str]) -> ReaderPrediction:
    """The prediction in a lake's ranked answers to a question; for a factoid, the first five answers."""
    if gold.question_type == "yesno":
        return ReaderPrediction(gold, (), answers[0] == "yes" if answers else None)
    return ReaderPrediction(
        gold, tuple(answers[:FACTOID_ANSWERS] if gold.question_type == "factoid" else answers), None
    )

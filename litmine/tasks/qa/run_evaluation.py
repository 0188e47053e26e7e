"""Run `litmine evaluate qa`: score a reader on a file of questions."""

from typing import Any

from litmine.specs import EvaluationResult
from litmine.tasks.qa.decontamination import DevQuestions
from litmine.tasks.qa.evaluate import ReaderPredictions, predict
from litmine.tasks.qa.evaluation_settings import ReaderEvaluation
from litmine.tasks.qa.question_files import read_question_file
from litmine.tasks.registry import load_reader


def run_evaluation(evaluation: ReaderEvaluation) -> EvaluationResult:
    """Score the reader on the file.

    Raises CorpusError for a file that cannot be read or used, and ModelError for a reader that cannot be loaded.
    """
    file = read_question_file(evaluation.data)
    questions = DevQuestions(file, evaluation.batches).questions
    reader = load_reader(evaluation.model, precision=evaluation.precision, batch_tokens=evaluation.batch_tokens)
    result = predict(reader, file, questions, evaluation.all_types)
    return EvaluationResult(
        record=result.scores,
        table=[
            f"{file.name}: {len(result.predictions):,} questions, read by {result.model}",
            *(f"{name:18}{score:>8.2f}" for name, score in result.scores.items()),
        ],
        files={evaluation.answers_to: _answer_records(result)} if evaluation.answers_to else {},
    )


def _answer_records(result: ReaderPredictions) -> list[dict[str, Any]]:
    return [
        {
            "question_id": one.gold.question_id,
            "question": one.gold.question,
            "question_type": one.gold.question_type,
            "gold": one.gold.yes if one.gold.question_type == "yesno" else one.gold.answers,
            "predicted": one.yes if one.gold.question_type == "yesno" else one.answers,
        }
        for one in result.predictions
    ]

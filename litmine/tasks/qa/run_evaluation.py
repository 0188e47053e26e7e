"""What `litmine evaluate qa` runs: a reader against a file of questions."""

from typing import Any

from litmine.specs import EvaluationResult
from litmine.tasks.qa.decontamination import DevSet
from litmine.tasks.qa.evaluate import Judged, judge
from litmine.tasks.qa.evaluation_settings import ReaderEvaluation
from litmine.tasks.qa.question_files import read_file
from litmine.tasks.registry import load_reader


def run_evaluation(evaluation: ReaderEvaluation) -> EvaluationResult:
    """Judge the reader on the file.

    Raises CorpusError for a file that cannot be read or judged on, ModelError for a reader that cannot be loaded.
    """
    file = read_file(evaluation.data)
    questions = DevSet(file, evaluation.batches).questions
    reader = load_reader(evaluation.model, precision=evaluation.precision, batch_tokens=evaluation.batch_tokens)
    judged = judge(reader, file, questions, evaluation.all_types)
    return EvaluationResult(
        record=judged.scores,
        table=[
            f"{file.name}: {len(judged.given):,} questions, read by {judged.model}",
            *(f"{name:18}{score:>8.2f}" for name, score in judged.scores.items()),
        ],
        files={evaluation.answers_to: _answers(judged)} if evaluation.answers_to else {},
    )


def _answers(judged: Judged) -> list[dict[str, Any]]:
    return [
        {
            "question_id": one.asked.question_id,
            "question": one.asked.question,
            "question_type": one.asked.question_type,
            "gold": one.asked.yes if one.asked.question_type == "yesno" else one.asked.answers,
            "given": one.yes if one.asked.question_type == "yesno" else one.answers,
        }
        for one in judged.given
    ]

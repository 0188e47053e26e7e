"""Run a reader over questions from the command line, with progress and a summary on stderr."""

from pathlib import Path
from typing import TYPE_CHECKING

from litmine.cli.console import print_message
from litmine.cli.progress import ExecutorProgress, Meter

if TYPE_CHECKING:
    from litmine.lake.lake import Lake
    from litmine.lake.runs import Gap
    from litmine.pipeline.answer import AnswerResult, QuestionRun
    from litmine.runtime.executor import Executor


def answer_question_file(
    lake: "Lake",
    file: Path,
    reader: str,
    top_k: int,
    where: str | None,
    executor: "Executor",
    precision: str,
    batch_tokens: int | None,
) -> "list[Gap]":
    """Answer a file of questions, print the summary and return the new gaps."""
    from litmine.pipeline.answer import question_run_from_file

    result = answer_with_progress(
        lake, question_run_from_file(file, reader, top_k, where), executor, precision, batch_tokens
    )
    for sentence in result.summary_lines():
        print_message(sentence)
    return result.new_gaps


def answer_with_progress(
    lake: "Lake", questions: "QuestionRun", executor: "Executor", precision: str, batch_tokens: int | None
) -> "AnswerResult":
    """Answer questions, with a progress meter on stderr."""
    from litmine.pipeline.answer import answer

    with Meter("reading", "pairs") as meter:
        return answer(lake, questions, executor, precision, batch_tokens, ExecutorProgress(meter))

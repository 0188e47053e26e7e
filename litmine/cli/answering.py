"""Run a reader over questions from the command line, with progress and a summary on stderr."""

from pathlib import Path
from typing import TYPE_CHECKING

from litmine.cli.console import print_message
from litmine.cli.progress import ExecutorProgress, Meter

if TYPE_CHECKING:
    from litmine.lake.lake import Lake
    from litmine.lake.runs import Gap
    from litmine.pipeline.answer import Answered, QuestionRun
    from litmine.runtime.executor import Executor


def answer_question_file(
    lake: "Lake",
    file: Path,
    reader: str,
    top_k: int,
    where: str | None,
    workforce: "Executor",
    precision: str,
    batch_tokens: int | None,
) -> "list[Gap]":
    """Answer a file of questions, print the summary and return the new gaps."""
    from litmine.pipeline.answer import inquiry_of

    result = answer_with_progress(lake, inquiry_of(file, reader, top_k, where), workforce, precision, batch_tokens)
    for sentence in result.account():
        print_message(sentence)
    return result.new_gaps


def answer_with_progress(
    lake: "Lake", questions: "QuestionRun", workforce: "Executor", precision: str, batch_tokens: int | None
) -> "Answered":
    """Answer questions, with a progress meter on stderr."""
    from litmine.pipeline.answer import answer

    with Meter("reading", "pairs") as meter:
        return answer(lake, questions, workforce, precision, batch_tokens, ExecutorProgress(meter))

"""Questions on the command line: a run of a reader on a meter, and what it says of itself."""

from pathlib import Path
from typing import TYPE_CHECKING

from litmine.cli.meter import Meter
from litmine.cli.shown import Shown
from litmine.cli.talk import say

if TYPE_CHECKING:
    from litmine.lake.lake import Lake
    from litmine.lake.runs import Gap
    from litmine.work.answer import Answered, Inquiry
    from litmine.work.workforce import Workforce


def answer_file(
    lake: "Lake",
    file: Path,
    reader: str,
    top_k: int,
    where: str | None,
    workforce: "Workforce",
    precision: str,
    batch_tokens: int | None,
) -> "list[Gap]":
    """Answer a file of questions; returns the new gaps."""
    from litmine.sources.questions import read_questions
    from litmine.work.answer import Inquiry

    questions = read_questions(file)
    inquiry = Inquiry(questions, reader, top_k, where, "annotate --questions", str(file))
    result = answering(lake, inquiry, workforce, precision, batch_tokens)
    on = f" on {result.device} in {result.precision}" if result.device else ""
    guessed = sum(question.guessed for question in questions)
    if guessed:
        say(f"the type of {guessed:,} of {result.questions:,} questions was guessed; the view `questions` says which")
    say(
        f"{result.questions:,} questions over {result.retrieved:,} articles retrieved: {result.pairs:,} read now and"
        f" {result.skipped:,} before, {result.spans:,} answers found by {result.model}{on}"
        if result.planned or result.recorded
        else f"nothing to do: {result.model} has answered these questions over all that is retrieved for them"
    )
    return result.new_gaps


def answering(
    lake: "Lake", inquiry: "Inquiry", workforce: "Workforce", precision: str, batch_tokens: int | None
) -> "Answered":
    """Answer on a meter, and say what could not be read."""
    from litmine.work.answer import answer

    with Meter("reading", "pairs") as meter:
        result = answer(lake, inquiry, workforce, precision, batch_tokens, Shown(meter))
    for gap in result.new_gaps:
        say(f"could not be read: {gap.where}: {gap.why}")
    return result

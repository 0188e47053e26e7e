"""Questions on the command line: a run of a reader on a meter, and what it says of itself."""

from pathlib import Path
from typing import TYPE_CHECKING

from litmine.cli.console import say
from litmine.cli.progress import Meter, Shown

if TYPE_CHECKING:
    from litmine.lake.lake import Lake
    from litmine.lake.runs import Gap
    from litmine.pipeline.answer import Answered, QuestionRun
    from litmine.runtime.executor import Workforce


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
    from litmine.pipeline.answer import inquiry_of

    result = answering(lake, inquiry_of(file, reader, top_k, where), workforce, precision, batch_tokens)
    for sentence in result.account():
        say(sentence)
    return result.new_gaps


def answering(
    lake: "Lake", inquiry: "Inquiry", workforce: "Workforce", precision: str, batch_tokens: int | None
) -> "Answered":
    """Answer on a meter."""
    from litmine.pipeline.answer import answer

    with Meter("reading", "pairs") as meter:
        return answer(lake, inquiry, workforce, precision, batch_tokens, Shown(meter))

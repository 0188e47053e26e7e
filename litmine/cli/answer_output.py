"""Output of `ask`: the answers to a question as text, with their evidence sentences, or as JSON."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import IO, Any

import click

from litmine.cli.console import print_message, printable
from litmine.pipeline.ranked_answers import (
    RankedAnswer,
    answers_record,
    answers_to_show,
    publication_types,
    split_evidence,
)
from litmine.types import Question

# Papers shown in full for each verdict on a yes/no question.
_YESNO_PAPERS = 3
_SPACE = re.compile(r"\s")


def print_json(
    question: Question,
    model: str,
    retrieved: int,
    answers: Sequence[RankedAnswer],
    more: Mapping[str, Any] | None = None,
) -> None:
    """Print the question, all answers and what `more` holds as one JSON object on stdout."""
    # ASCII, because titles are untrusted and JSON does not escape control characters above U+007F.
    click.echo(
        json.dumps(
            {
                "question_id": question.question_id,
                "question": question.text,
                "question_type": question.question_type,
                "guessed": question.guessed,
                "model": model,
                "retrieved": retrieved,
                **answers_record(answers),
                **(more or {}),
            },
            indent=2,
        )
    )


def print_text(question: Question, answers: Sequence[RankedAnswer], out: IO[str]) -> None:
    """Print the answers with the sentence of the best paper, or of the best three papers for yes and no."""
    ranked = [answer for answer in answers if answer.rank is not None]
    is_yesno = question.question_type == "yesno"
    shown = answers_to_show(question, answers)
    full_papers = _YESNO_PAPERS if is_yesno else 1
    if shown and not is_yesno and not any(answer.is_likely for answer in shown):
        print_message("no article is likely to answer this; these answers are the best found")
    printer = AnswerPrinter(out)
    for number, answer in enumerate(shown, 1):
        support = "1 paper" if answer.support == 1 else f"{answer.support} papers"
        printer.line(f"{number}. ", answer.best.answer or "", f"  ({support}, {answer.best.score:.2f})", marks=False)
        for paper in answer.papers[:full_papers]:
            before, marked, after = split_evidence(paper)
            printer.line(f"   {before}", marked, after)
            source = (f"PMID {paper.pmid}", paper.year, paper.journal, publication_types(paper.publication_types))
            printer.line("   " + ", ".join(str(part) for part in source if part))
        if rest := [str(paper.pmid) for paper in answer.papers[full_papers:]]:
            printer.line(f"   also PMID {', '.join(rest)}")
    if not answers:
        return
    if not ranked and is_yesno:
        print_message(
            "no retrieved article answers yes or no; if this reader was not trained on yes/no questions, use another"
            " --reader"
        )
    elif not ranked:
        print_message("no retrieved article contains an answer")


class AnswerPrinter:
    """Prints lines of untrusted text with one part highlighted: bold green on a terminal, else between asterisks."""

    def __init__(self, out: IO[str]) -> None:
        from rich.console import Console

        self._out = out
        self._console = Console(file=out, highlight=False, soft_wrap=True) if out.isatty() else None

    def line(self, before: str, marked: str = "", after: str = "", marks: bool = True) -> None:
        """Print a line with `marked` highlighted; without `marks`, no asterisks are added."""
        parts = [_clean(part) for part in (before, marked, after)]
        if self._console is not None:
            from rich.text import Text

            self._console.print(Text.assemble(parts[0], (parts[1], "bold green"), parts[2]))
            return
        if marks and parts[1]:
            parts[1] = f"**{parts[1]}**"
        click.echo("".join(parts), self._out)


def _clean(text: str) -> str:
    return _SPACE.sub(" ", printable(text))

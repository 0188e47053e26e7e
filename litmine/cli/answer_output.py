"""The answers to one question as `ask` prints them: for people, each with its sentence; for programs, as JSON."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import IO

import click

from litmine.cli.console import print_message, printable
from litmine.lake.lake import Lake
from litmine.output.rows import records
from litmine.types import Question

# As many as BioASQ counts of a factoid question.
_SHOWN = 5
_PAPERS = 3
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class PaperAnswer:
    """What one article answers: offsets are code points of its text, and `evidence` is the sentence."""

    pmid: int
    year: int | None
    journal: str | None
    title: str | None
    answer: str | None
    score: float | None
    start_char: int | None
    end_char: int | None
    start_token: int | None
    end_token: int | None
    evidence_start: int | None
    evidence_end: int | None
    evidence: str | None


@dataclass(frozen=True, slots=True)
class RankedAnswer:
    """The same answer of one paper or several, the surest first; None and 0 for those that give no answer."""

    rank: int | None
    support: int
    papers: Sequence[PaperAnswer]

    @property
    def best(self) -> PaperAnswer:
        return self.papers[0]

    @property
    def score(self) -> float:
        return round(sum(paper.score or 0 for paper in self.papers), 6)


def load_answers(lake: Lake, question_id: str) -> list[RankedAnswer]:
    """The answers to a question in their order; at the end, without a rank, the papers that give none."""
    table = lake.sql(
        "select rank, coalesce(support, 0) as support, pmid, year, journal, title, answer, score, start_char, end_char,"
        " start_token, end_token, evidence_start, evidence_end,"
        " substr(text, evidence_start + 1, evidence_end - evidence_start) as evidence"
        f" from answers join articles using (pmid) where question_id = '{question_id}'"
        " order by rank nulls last, score desc, pmid"
    )
    found = []
    for (rank, support), own in groupby(
        records(table.to_reader()), key=lambda row: (row.pop("rank"), row.pop("support"))
    ):
        found.append(RankedAnswer(rank, support, [PaperAnswer(**row) for row in own]))
    return found


def print_json(question: Question, model: str, retrieved: int, found: Sequence[RankedAnswer]) -> None:
    """Everything, as one JSON object on stdout."""
    answers = [
        {"rank": one.rank, "answer": one.best.answer, "support": one.support, "score": one.score}
        | {"papers": [asdict(paper) for paper in one.papers]}
        for one in found
        if one.rank is not None
    ]
    # In ASCII: titles are untrusted, and JSON's own escapes leave the controls above U+007F alone.
    click.echo(
        json.dumps(
            {
                "question_id": question.question_id,
                "question": question.text,
                "question_type": question.question_type,
                "guessed": question.guessed,
                "model": model,
                "retrieved": retrieved,
                "answers": answers,
                "without_answer": [paper.pmid for one in found if one.rank is None for paper in one.papers],
            },
            indent=2,
        )
    )


def print_text(question: Question, found: Sequence[RankedAnswer], out: IO[str]) -> None:
    """The answers for people, each with the sentence of its surest paper; of a verdict with those of a few papers."""
    answers = [one for one in found if one.rank is not None]
    shown = answers if question.question_type != "factoid" else _apart(answers)[:_SHOWN]
    papers = 1 if question.question_type != "yesno" else _PAPERS
    printed = _Printed(out)
    for number, one in enumerate(shown, 1):
        agree = "1 paper" if one.support == 1 else f"{one.support} papers"
        printed.line(f"{number}. ", one.best.answer or "", f"  ({agree}, {one.best.score:.2f})", marks=False)
        for paper in one.papers[:papers]:
            before, marked, after = _sentence(paper)
            printed.line(f"   {before}", marked, after)
            printed.line(
                "   " + ", ".join(str(said) for said in (f"PMID {paper.pmid}", paper.year, paper.journal) if said)
            )
        if rest := [str(paper.pmid) for paper in one.papers[papers:]]:
            printed.line(f"   also PMID {', '.join(rest)}")
    if not answers and question.question_type == "yesno" and found:
        print_message(
            "none of the articles says yes or no to this; a reader that was not taught to never does: try another"
            " --reader"
        )
    elif not answers:
        print_message(
            "none of the articles retrieved gives an answer" if found else "no article of the lake has these words"
        )
    elif max(one.best.score or 0 for one in answers) < 0.5:
        print_message("no article is likely to answer this; these come closest")


def _apart(answers: Sequence[RankedAnswer]) -> list[RankedAnswer]:
    """The answers without those that only spell a better one otherwise: everywhere they overlap one."""
    taken: dict[int, list[tuple[int, int]]] = {}
    apart = []
    for one in answers:
        places = [(paper.pmid, paper.start_char or 0, paper.end_char or 0) for paper in one.papers]
        if all(
            any(start < after and before < end for before, after in taken.get(pmid, ())) for pmid, start, end in places
        ):
            continue
        apart.append(one)
        for pmid, start, end in places:
            taken.setdefault(pmid, []).append((start, end))
    return apart


def _sentence(paper: PaperAnswer) -> tuple[str, str, str]:
    """The sentence before, in and after the answer; the title where the reader points to no sentence."""
    if paper.evidence is None or paper.evidence_start is None:
        return paper.title or "", "", ""
    if paper.start_char is None or paper.end_char is None:
        return paper.evidence, "", ""
    start, end = paper.start_char - paper.evidence_start, paper.end_char - paper.evidence_start
    return paper.evidence[:start], paper.evidence[start:end], paper.evidence[end:]


class _Printed:
    """Lines of untrusted text, of which a piece stands out: in colour on a terminal, between asterisks elsewhere."""

    def __init__(self, out: IO[str]) -> None:
        from rich.console import Console

        self._out = out
        self._console = Console(file=out, highlight=False, soft_wrap=True) if out.isatty() else None

    def line(self, before: str, marked: str = "", after: str = "", marks: bool = True) -> None:
        """Print a line; asterisks only where it `marks`."""
        pieces = [_clean(piece) for piece in (before, marked, after)]
        if self._console is not None:
            from rich.text import Text

            self._console.print(Text.assemble(pieces[0], (pieces[1], "bold green"), pieces[2]))
            return
        if marks and pieces[1]:
            pieces[1] = f"**{pieces[1]}**"
        click.echo("".join(pieces), self._out)


def _clean(text: str) -> str:
    return _SPACE.sub(" ", printable(text))

"""Output of `ask`: the answers to a question as text, with their evidence sentences, or as JSON."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import IO, TYPE_CHECKING, Any

import click

from litmine.cli.console import print_message, printable
from litmine.lake.lake import Lake
from litmine.output.rows import records
from litmine.types import Question

if TYPE_CHECKING:
    from litmine.pipeline.supporting_sentences import SupportingSentence

# BioASQ judges the first five answers to a factoid question.
_MAX_FACTOID_ANSWERS = 5
# Papers shown in full for each verdict on a yes/no question.
_YESNO_PAPERS = 3
# Below this score an article's answer to a question is unlikely to be right; chosen on dev questions
# (docs/decisions/0145-whole-answers.md).
_MIN_LIKELY_SCORE = 0.15
_SPACE = re.compile(r"\s")
_UNINFORMATIVE_TYPES = re.compile(r"Journal Article|English Abstract|Research Support, .*")


@dataclass(frozen=True, slots=True)
class PaperAnswer:
    """One article's answer. Offsets count code points of the article's text; `evidence` is the evidence sentence."""

    pmid: int
    year: int | None
    journal: str | None
    title: str | None
    publication_types: Sequence[str]
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
    """An answer with the papers that give it, highest score first. Rank None collects the papers without an answer."""

    rank: int | None
    support: int
    papers: Sequence[PaperAnswer]

    @property
    def best(self) -> PaperAnswer:
        """The answer of the paper with the highest score."""
        return self.papers[0]

    @property
    def score(self) -> float:
        """The sum of the papers' scores."""
        return round(sum(paper.score or 0 for paper in self.papers), 6)


def load_answers(lake: Lake, question_id: str) -> list[RankedAnswer]:
    """The answers to a question by rank; the papers without an answer come last."""
    table = lake.sql(
        "select rank, coalesce(support, 0) as support, pmid, year, journal, title, publication_types, answer, score,"
        " start_char, end_char, start_token, end_token, evidence_start, evidence_end,"
        " substr(text, evidence_start + 1, evidence_end - evidence_start) as evidence"
        f" from answers join articles using (pmid) where question_id = '{question_id}'"
        " order by rank nulls last, score desc, pmid"
    )
    return [
        RankedAnswer(rank, support, [PaperAnswer(**row) for row in rows])
        for (rank, support), rows in groupby(
            records(table.to_reader()), key=lambda row: (row.pop("rank"), row.pop("support"))
        )
    ]


def print_json(
    question: Question,
    model: str,
    retrieved: int,
    answers: Sequence[RankedAnswer],
    more: Mapping[str, Any] | None = None,
) -> None:
    """Print the question, all answers and what `more` holds as one JSON object on stdout."""
    ranked = [
        {"rank": answer.rank, "answer": answer.best.answer, "support": answer.support, "score": answer.score}
        | {"papers": [asdict(paper) for paper in answer.papers]}
        for answer in answers
        if answer.rank is not None
    ]
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
                "answers": ranked,
                "without_answer": [paper.pmid for answer in answers if answer.rank is None for paper in answer.papers],
                **(more or {}),
            },
            indent=2,
        )
    )


def print_text(question: Question, answers: Sequence[RankedAnswer], out: IO[str]) -> None:
    """Print the answers with the sentence of the best paper, or of the best three papers for yes and no."""
    ranked = [answer for answer in answers if answer.rank is not None]
    is_yesno = question.question_type == "yesno"
    shown = ranked if question.question_type != "factoid" else _without_overlaps(ranked)[:_MAX_FACTOID_ANSWERS]
    full_papers = _YESNO_PAPERS if is_yesno else 1
    if shown and not is_yesno and max(answer.best.score or 0 for answer in shown) < _MIN_LIKELY_SCORE:
        print_message("no article is likely to answer this; these answers are the best found")
    printer = AnswerPrinter(out)
    for number, answer in enumerate(shown, 1):
        support = "1 paper" if answer.support == 1 else f"{answer.support} papers"
        printer.line(f"{number}. ", answer.best.answer or "", f"  ({support}, {answer.best.score:.2f})", marks=False)
        for paper in answer.papers[:full_papers]:
            before, marked, after = _split_evidence(paper)
            printer.line(f"   {before}", marked, after)
            source = (f"PMID {paper.pmid}", paper.year, paper.journal, publication_types(paper))
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


def _without_overlaps(answers: Sequence[RankedAnswer]) -> list[RankedAnswer]:
    """The answers without those whose every span overlaps a better answer, such as another form of the same name."""
    spans: dict[int, list[tuple[int, int]]] = {}
    kept = []
    for answer in answers:
        own_spans = [(paper.pmid, paper.start_char or 0, paper.end_char or 0) for paper in answer.papers]
        if all(
            any(start < other_end and other_start < end for other_start, other_end in spans.get(pmid, ()))
            for pmid, start, end in own_spans
        ):
            continue
        kept.append(answer)
        for pmid, start, end in own_spans:
            spans.setdefault(pmid, []).append((start, end))
    return kept


def publication_types(paper: "PaperAnswer | SupportingSentence") -> str:
    """The paper's publication types, without those that say nothing about its kind of evidence."""
    return "; ".join(name for name in paper.publication_types if not _UNINFORMATIVE_TYPES.fullmatch(name))


def _split_evidence(paper: PaperAnswer) -> tuple[str, str, str]:
    """The evidence sentence before, in and after the answer; the title if there is no sentence."""
    if paper.evidence is None or paper.evidence_start is None:
        return paper.title or "", "", ""
    if paper.start_char is None or paper.end_char is None:
        return paper.evidence, "", ""
    start, end = paper.start_char - paper.evidence_start, paper.end_char - paper.evidence_start
    return paper.evidence[:start], paper.evidence[start:end], paper.evidence[end:]


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

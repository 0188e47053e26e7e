"""The answers to a question with the papers that give them, as `ask` and the explorer show them."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from litmine.lake.lake import Lake
from litmine.output.rows import records
from litmine.types import Question

# BioASQ judges the first five answers to a factoid question.
_MAX_FACTOID_ANSWERS = 5
# Below this score an article's answer to a question is unlikely to be right; chosen on dev questions
# (docs/decisions/0145-whole-answers.md).
_MIN_LIKELY_SCORE = 0.15
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
    def is_likely(self) -> bool:
        """Whether the best paper's answer is likely to be right."""
        return (self.best.score or 0) >= _MIN_LIKELY_SCORE

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


def answers_record(answers: Sequence[RankedAnswer]) -> dict[str, Any]:
    """All answers with their papers, and the PMIDs of the papers without an answer, as JSON has them."""
    return {
        "answers": [
            {"rank": answer.rank, "answer": answer.best.answer, "support": answer.support, "score": answer.score}
            | {"papers": [asdict(paper) for paper in answer.papers]}
            for answer in answers
            if answer.rank is not None
        ],
        "without_answer": [paper.pmid for answer in answers if answer.rank is None for paper in answer.papers],
    }


def answers_to_show(question: Question, answers: Sequence[RankedAnswer]) -> list[RankedAnswer]:
    """The answers that a person reads: for a factoid question the best few, without other forms of the same name."""
    ranked = [answer for answer in answers if answer.rank is not None]
    return ranked if question.question_type != "factoid" else _without_overlaps(ranked)[:_MAX_FACTOID_ANSWERS]


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


def publication_types(types: Sequence[str]) -> str:
    """A paper's publication types, without those that say nothing about its kind of evidence."""
    return "; ".join(name for name in types if not _UNINFORMATIVE_TYPES.fullmatch(name))


def split_evidence(paper: PaperAnswer) -> tuple[str, str, str]:
    """The evidence sentence before, in and after the answer; the title if there is no sentence."""
    if paper.evidence is None or paper.evidence_start is None:
        return paper.title or "", "", ""
    if paper.start_char is None or paper.end_char is None:
        return paper.evidence, "", ""
    start, end = paper.start_char - paper.evidence_start, paper.end_char - paper.evidence_start
    return paper.evidence[:start], paper.evidence[start:end], paper.evidence[end:]

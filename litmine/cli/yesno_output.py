"""Output of `ask` for a yes/no question: the sentences about it, and verdicts only where they are asked for."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import IO, Any

from litmine.cli.answer_output import AnswerPrinter
from litmine.cli.console import print_message
from litmine.pipeline.ranked_answers import RankedAnswer, publication_types
from litmine.pipeline.supporting_sentences import QuestionSupport

# Sentences that are printed in full.
_MAX_SENTENCES = 5
CAVEAT = (
    "a reader's yes or no is a guess: on three sets of questions the built-in reader is right no more often than always"
    " saying yes; rely on the sentences"
)


def support_record(support: QuestionSupport) -> dict[str, Any]:
    """The words of the question and the sentences about it, for `--format json`."""
    return {
        "question_words": list(support.words),
        "sentences": [asdict(sentence) for sentence in support.relevant],
    }


def print_support(support: QuestionSupport, out: IO[str]) -> None:
    """Print the sentences with more than half of the question's words, those with most words first."""
    relevant, count = support.relevant, len(support.words)
    if not support.sentences:
        return
    if not relevant:
        print_message(
            f"no retrieved article has a sentence with more than half of the question's words"
            f" ({', '.join(support.words)}): they say neither yes nor no"
        )
        return
    print_message(
        f"articles with a sentence that has all words of the question ({', '.join(support.words)}):"
        f" {support.complete:,} of {len(support.sentences):,}; no verdict is given without --verdict"
    )
    printer = AnswerPrinter(out)
    for number, sentence in enumerate(relevant[:_MAX_SENTENCES], 1):
        printer.line(f"{number}. {sentence.sentence}")
        source = (
            f"PMID {sentence.pmid}",
            sentence.year,
            sentence.journal,
            publication_types(sentence.publication_types),
        )
        printer.line(
            f"   {sentence.words} of {count} words of the question, " + ", ".join(str(part) for part in source if part)
        )
    if rest := [str(sentence.pmid) for sentence in relevant[_MAX_SENTENCES:]]:
        printer.line(f"   also PMID {', '.join(rest)}")


def keep_relevant_verdicts(answers: Sequence[RankedAnswer], support: QuestionSupport) -> list[RankedAnswer]:
    """The verdicts of the papers with a relevant sentence, ranked again; the other papers come last, without a verdict.

    A text that lacks the question's words says neither yes nor no, even if the reader gives a verdict on it.
    """
    relevant = {sentence.pmid for sentence in support.relevant}
    without_verdict = [
        replace(paper, answer=None, score=None)
        for answer in answers
        for paper in answer.papers
        if answer.rank is None or paper.pmid not in relevant
    ]
    kept = []
    for answer in answers:
        papers = [paper for paper in answer.papers if paper.pmid in relevant]
        if answer.rank is not None and papers:
            kept.append(replace(answer, papers=papers, support=len(papers)))
    kept.sort(key=lambda answer: -answer.score)
    ranked = [replace(answer, rank=rank) for rank, answer in enumerate(kept, 1)]
    return [*ranked, RankedAnswer(None, 0, without_verdict)] if without_verdict else ranked

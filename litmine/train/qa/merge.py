"""What several texts say to one question, put together: the same answer's scores are summed."""

from collections.abc import Sequence
from dataclasses import dataclass

from litmine.train.qa.metrics_squad import normalise
from litmine.types import Reply, SpanAnswer

# Of a list question every answer is given whose summed score is at least this share of the best one's.
LIST_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Merged:
    """An answer as its best-scored span spells it, its summed score, and how many texts give it."""

    answer: str
    score: float
    support: int


def merge_answers(replies: Sequence[Reply]) -> list[Merged]:
    """The answers of a question's texts, the highest summed score first.

    Answers are the same when they are without case, punctuation and articles.
    """
    spans: dict[str, list[tuple[int, SpanAnswer]]] = {}
    for text, reply in enumerate(replies):
        for span in reply.spans:
            spans.setdefault(normalise(span.answer) or span.answer.lower(), []).append((text, span))
    merged = [
        Merged(
            max(same, key=lambda found: found[1].score)[1].answer,
            sum(span.score for _, span in same),
            len({text for text, _ in same}),
        )
        for same in spans.values()
    ]
    return sorted(merged, key=lambda found: -found.score)


def list_answers(merged: Sequence[Merged], share: float = LIST_SHARE) -> list[str]:
    """The answers to give to a list question."""
    return [found.answer for found in merged if found.score >= share * merged[0].score]


def merge_verdicts(replies: Sequence[Reply]) -> bool | None:
    """Yes when the mean probability of yes is at least a half; None when no text or no head said anything."""
    told = [reply.yes for reply in replies if reply.yes is not None]
    return sum(told) / len(told) >= 0.5 if told else None

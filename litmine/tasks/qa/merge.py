"""What several texts say to one question, put together as the view `answers` does it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from litmine.tasks.qa.metrics_squad import normalise
from litmine.types import Reply, SpanAnswer

# Of a list question every answer is given whose sum is at least this share of the best one's.
LIST_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Merged:
    """An answer as its best-scored span spells it, what its texts give to it in sum, and how many texts give it."""

    answer: str
    score: float
    support: int


def merge_factoid(replies: Sequence[Reply]) -> list[Merged]:
    """The answers of a question's texts, overlapping ones among them, the best first.

    A text gives to a span its odds against "no answer" times the probability of that: the spans of one text compete.
    """
    return _merge(
        [(span, _competing(span.score, reply.no_answer)) for span in (*reply.spans, *reply.variants)]
        for reply in replies
    )


def merge_list(replies: Sequence[Reply]) -> list[Merged]:
    """The same for a list: its answers are apart, several of a text may be right, and their scores are summed."""
    return _merge([(span, span.score) for span in reply.spans] for reply in replies)


def list_answers(merged: Sequence[Merged], share: float = LIST_SHARE) -> list[str]:
    """The answers to give to a list question."""
    return [found.answer for found in merged if found.score >= share * merged[0].score]


def merge_verdicts(replies: Sequence[Reply]) -> bool | None:
    """Yes when the texts say yes at least as much as no, in sum; None when no text or no head said anything."""
    told = [(reply.yes, reply.no) for reply in replies if reply.yes is not None and reply.no is not None]
    return sum(yes for yes, _ in told) >= sum(no for _, no in told) if told else None


def _competing(score: float, no_answer: float) -> float:
    return min(score, no_answer * score / (1 - score)) if score < 1 else score


def _merge(texts: Iterable[Sequence[tuple[SpanAnswer, float]]]) -> list[Merged]:
    """Answers are the same without case, punctuation and articles, and each counts once a text, by its best span."""
    same: dict[str, list[tuple[float, float, str]]] = {}
    for weighed in texts:
        best: dict[str, tuple[float, float, str]] = {}
        for span, weight in weighed:
            key = normalise(span.answer) or span.answer.lower()
            best[key] = max(best.get(key, (-1.0, 0.0, "")), (span.score, weight, span.answer), key=lambda it: it[0])
        for key, found in best.items():
            same.setdefault(key, []).append(found)
    merged = [
        Merged(max(found, key=lambda it: it[0])[2], sum(weight for _, weight, _ in found), len(found))
        for found in same.values()
    ]
    return sorted(merged, key=lambda found: -found.score)

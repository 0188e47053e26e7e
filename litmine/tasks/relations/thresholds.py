"""Choose the threshold of each head: the least probability that counts as a relation."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from litmine.tasks.relations.metrics import RelationKey
from litmine.tasks.relations.predict import ScoredKey

# Thresholds that are tried.
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 19))


@dataclass(frozen=True, slots=True)
class ThresholdScore:
    """F1 in percent at a threshold, over one head's pairs."""

    threshold: float
    f1: float


def threshold_scores(gold: Collection[RelationKey], scored: Sequence[ScoredKey]) -> list[ThresholdScore]:
    """F1 of each of `THRESHOLDS`. gold: the relations of the documents that `scored` is of."""
    wanted = set(gold)
    right = sorted((one.score for one in scored if one.key in wanted), reverse=True)
    found = sorted((one.score for one in scored), reverse=True)
    return [
        ThresholdScore(least, 200 * hits / (both + len(wanted)) if hits else 0.0)
        for least in THRESHOLDS
        for hits, both in [(sum(one >= least for one in right), sum(one >= least for one in found))]
    ]


def best_threshold(gold: Collection[RelationKey], scored: Sequence[ScoredKey], default: float = 0.5) -> float:
    """The threshold with the best F1, the middle one of equals; `default` if there is no relation to find."""
    scores = threshold_scores(gold, scored)
    highest = max(one.f1 for one in scores)
    if not gold or not highest:
        return default
    equal = [one.threshold for one in scores if one.f1 == highest]
    return equal[len(equal) // 2]

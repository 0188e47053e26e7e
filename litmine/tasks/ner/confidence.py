"""Confidence intervals of scores, and the comparison of two models on one corpus, by bootstrap.

Each resample draws as many passages (sentences or documents) as the corpus has, with replacement, and is scored again.
Intervals are percentile intervals (Efron 1979). Two models are scored on the same resamples (Koehn 2004, W04-3250); the
two-sided p-value is that of Berg-Kirkpatrick et al. 2012 (D12-1091). Sentences of one abstract are similar, so
intervals over sentences are narrower than intervals over documents.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litmine.tasks.ner.evaluate import METRICS, MICRO, Counts, Predictions, precision_recall_f1, with_micro

RESAMPLES = 1_000
SEED = 1
_BOUNDS = (2.5, 97.5)
_F1 = METRICS.index("f1")
# Draws in memory at a time.
_MAX_DRAWS = 1_000_000

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class F1Difference:
    """F1 of one model minus that of another in points, its 95 % interval, and the p-value of no difference."""

    f1: float
    interval: Interval
    p: float


def bootstrap(
    counts: Counts, entity_types: Sequence[str], resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, dict[str, Interval]]:
    """The 95 % interval of precision, recall and F1 (percent) by type and `micro`, from counts (passages, types, 3).

    A resample without mentions of a type scores 0 for it, like a corpus without any.
    """
    scores = precision_recall_f1(with_micro(_resample(counts, resamples, seed)))
    low, high = np.percentile(scores, _BOUNDS, axis=0).tolist()
    return {
        name: {figure: (low[row][i], high[row][i]) for i, figure in enumerate(METRICS)}
        for row, name in enumerate([*entity_types, MICRO])
    }


def paired_bootstrap(
    ours: Counts, theirs: Counts, entity_types: Sequence[str], resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, F1Difference]:
    """Our F1 minus theirs by type and `micro`, from both models' counts (passages, types, 3) on the same passages.

    p is the share of resamples whose difference d has |d - observed| >= |observed|; the observed corpus counts as one
    more resample.
    """
    paired = np.concatenate([ours, theirs], axis=1)
    kinds = len(entity_types)
    resampled = _differences(_resample(paired, resamples, seed), kinds)
    observed = _differences(paired.sum(axis=0), kinds)
    low, high = np.percentile(resampled, _BOUNDS, axis=0).tolist()
    # The tolerance covers rounding of mathematically equal differences.
    extreme = np.abs(resampled - observed) >= np.abs(observed) - 1e-9
    p = (1 + extreme.sum(axis=0)) / (1 + resamples)
    return {
        name: F1Difference(float(observed[i]), (low[i], high[i]), float(p[i]))
        for i, name in enumerate([*entity_types, MICRO])
    }


def _differences(paired: NDArray[np.number], kinds: int) -> NDArray[np.float64]:
    """F1 of the first `kinds` types and their micro average, minus that of the other types."""
    scored = [
        precision_recall_f1(with_micro(side))[..., _F1] for side in (paired[..., :kinds, :], paired[..., kinds:, :])
    ]
    return scored[0] - scored[1]


def _resample(counts: Counts, resamples: int, seed: int) -> NDArray[np.float64]:
    """The summed counts of each resample: (resamples, types, 3)."""
    passages = len(counts)
    flat = counts.reshape(passages, -1).astype(np.float64)
    generator = np.random.default_rng(seed)
    sums: list[NDArray[np.float64]] = []
    at_once = max(1, _MAX_DRAWS // passages)
    for start in range(0, resamples, at_once):
        block = min(at_once, resamples - start)
        draws = generator.integers(passages, size=(block, passages))
        draws += np.arange(block)[:, None] * passages
        times = np.bincount(draws.ravel(), minlength=block * passages).reshape(block, passages)
        sums.append(times @ flat)
    return np.concatenate(sums).reshape(resamples, *counts.shape[1:])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Our F1 minus theirs by type and `micro`, and the gold mentions that only one of the two models finds.

    Mentions are counted by (mention, type), most frequent first, ignoring case; the spelling is that of the first.
    """

    differences: dict[str, F1Difference]
    only_ours: Counter[tuple[str, str]]
    only_theirs: Counter[tuple[str, str]]


def compare(ours: Predictions, theirs: Predictions, resamples: int = RESAMPLES, seed: int = SEED) -> Comparison:
    """Compare two models' predictions on the same corpus."""
    entity_types = ours.corpus.entity_types
    return Comparison(
        paired_bootstrap(ours.counts, theirs.counts, entity_types, resamples, seed),
        _found_only_by(ours, theirs),
        _found_only_by(theirs, ours),
    )


def _found_only_by(one: Predictions, other: Predictions) -> Counter[tuple[str, str]]:
    """Gold mentions that `one` finds and `other` misses."""
    spellings: dict[tuple[str, str], tuple[str, str]] = {}
    mentions: Counter[tuple[str, str]] = Counter()
    for passage, found, others in zip(one.corpus.passages, one.spans, other.spans, strict=True):
        for span in sorted(set(passage.spans).intersection(found).difference(others), key=lambda span: span.start_char):
            mention = passage.text[span.start_char : span.end_char]
            mentions[spellings.setdefault((mention.casefold(), span.entity_type), (mention, span.entity_type))] += 1
    return Counter(dict(mentions.most_common()))

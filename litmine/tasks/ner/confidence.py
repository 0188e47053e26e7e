"""Two models on one corpus: both predictions in, the difference of their F1 and what each alone has right out.

How sure a score is: counts by passage in, bootstrap intervals and paired differences out.

Passages (the sentences or documents of a file) are drawn with replacement, as many as there are, and the score is
computed anew: Efron 1979, percentile interval. Two models are scored on the same draws: Koehn 2004 (W04-3250); the
p-value is that of Berg-Kirkpatrick et al. 2012 (D12-1091), two-sided. Sentences of one abstract resemble each other, so
an interval over sentences is narrower than one over the documents that they come from.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litmine.tasks.ner.evaluate import FIGURES, MICRO, Counts, Predictions, figures, with_micro

RESAMPLES = 1_000
SEED = 1
_BOUNDS = (2.5, 97.5)
_F1 = FIGURES.index("f1")
# Of draws in memory at a time.
_MOST_DRAWS = 1_000_000

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Difference:
    """F1 of one model less that of another, in points, its 95 % interval, and the p-value of there being none."""

    f1: float
    interval: Interval
    p: float


def bootstrap(
    counts: Counts, entity_types: Sequence[str], resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, dict[str, Interval]]:
    """The 95 % interval of precision, recall and F1 (percent) by type and `micro`, from counts (passages, types, 3).

    A resample without a mention of a type scores 0 in it, as a corpus without one does.
    """
    scores = figures(with_micro(_resample(counts, resamples, seed)))
    low, high = np.percentile(scores, _BOUNDS, axis=0).tolist()
    return {
        name: {figure: (low[row][i], high[row][i]) for i, figure in enumerate(FIGURES)}
        for row, name in enumerate([*entity_types, MICRO])
    }


def paired_bootstrap(
    ours: Counts, theirs: Counts, entity_types: Sequence[str], resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, Difference]:
    """Our F1 less theirs by type and `micro`, from both models' counts (passages, types, 3) on the same passages.

    p is the share of resamples, the observed corpus counted as one more, whose difference lies at least as far from the
    observed one as the observed one from 0.
    """
    both = np.concatenate([ours, theirs], axis=1)
    kinds = len(entity_types)
    resampled = _differences(_resample(both, resamples, seed), kinds)
    observed = _differences(both.sum(axis=0), kinds)
    low, high = np.percentile(resampled, _BOUNDS, axis=0).tolist()
    # Differences that are equal on paper differ in their last bits.
    far = np.abs(resampled - observed) >= np.abs(observed) - 1e-9
    p = (1 + far.sum(axis=0)) / (1 + resamples)
    return {
        name: Difference(float(observed[i]), (low[i], high[i]), float(p[i]))
        for i, name in enumerate([*entity_types, MICRO])
    }


def _differences(both: NDArray[np.number], kinds: int) -> NDArray[np.float64]:
    scored = [figures(with_micro(side))[..., _F1] for side in (both[..., :kinds, :], both[..., kinds:, :])]
    return scored[0] - scored[1]


def _resample(counts: Counts, resamples: int, seed: int) -> NDArray[np.float64]:
    """The sum of each resample's counts: (resamples, types, 3)."""
    passages = len(counts)
    flat = counts.reshape(passages, -1).astype(np.float64)
    generator = np.random.default_rng(seed)
    sums: list[NDArray[np.float64]] = []
    at_once = max(1, _MOST_DRAWS // passages)
    for start in range(0, resamples, at_once):
        block = min(at_once, resamples - start)
        draws = generator.integers(passages, size=(block, passages))
        draws += np.arange(block)[:, None] * passages
        times = np.bincount(draws.ravel(), minlength=block * passages).reshape(block, passages)
        sums.append(times @ flat)
    return np.concatenate(sums).reshape(resamples, *counts.shape[1:])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Our F1 less theirs by type and `micro`, and the gold mentions that only one of the two finds.

    The mentions are counted by (mention, type), the most frequent first, the case of letters as it stands first.
    """

    differences: dict[str, Difference]
    only_ours: Counter[tuple[str, str]]
    only_theirs: Counter[tuple[str, str]]


def compare(ours: Predictions, theirs: Predictions, resamples: int = RESAMPLES, seed: int = SEED) -> Comparison:
    """Compare two models' predictions on the same corpus; `litmine.tasks.ner.intervals` says by whose method."""
    entity_types = ours.corpus.entity_types
    return Comparison(
        paired_bootstrap(ours.counts, theirs.counts, entity_types, resamples, seed),
        _right_alone(ours, theirs),
        _right_alone(theirs, ours),
    )


def _right_alone(one: Predictions, other: Predictions) -> Counter[tuple[str, str]]:
    spelt: dict[tuple[str, str], tuple[str, str]] = {}
    alone: Counter[tuple[str, str]] = Counter()
    for passage, found, others in zip(one.corpus.passages, one.spans, other.spans, strict=True):
        for span in sorted(set(passage.spans).intersection(found).difference(others), key=lambda span: span.start_char):
            mention = passage.text[span.start_char : span.end_char]
            alone[spelt.setdefault((mention.casefold(), span.entity_type), (mention, span.entity_type))] += 1
    return Counter(dict(alone.most_common()))

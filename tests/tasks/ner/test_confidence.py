"""Confidence intervals have the stated coverage, and differences are paired."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.ner import confidence
from litmine.tasks.ner.confidence import bootstrap, paired_bootstrap
from litmine.tasks.ner.evaluate import METRICS, Counts, score_counts

TYPES = ("Chemical", "Disease")


def draw_counts(generator: np.random.Generator, passages: int, chance: float = 0.7) -> Counts:
    """Counts of a tagger that finds a mention with this probability, and invents as many as it misses."""
    gold = generator.integers(4, size=(passages, len(TYPES)))
    right = generator.binomial(gold, chance)
    invented = generator.binomial(gold, 1 - chance)
    return np.stack([right, right + invented, gold], axis=-1)


COUNTS = st.builds(
    lambda seed, passages: draw_counts(np.random.default_rng(seed), passages), st.integers(0, 999), st.integers(1, 9)
)


@given(counts=COUNTS, seed=st.integers(0, 9))
def test_an_interval_equals_that_of_drawing_passage_by_passage(counts: Counts, seed: int) -> None:
    found = bootstrap(counts, TYPES, 100, seed)
    generator = np.random.default_rng(seed)
    scores = [score_counts(counts[generator.integers(len(counts), size=len(counts))], TYPES) for _ in range(100)]
    for name in (*TYPES, "micro"):
        for figure in METRICS:
            expected = np.percentile([score[name][figure] for score in scores], [2.5, 97.5])
            assert found[name][figure] == pytest.approx(tuple(expected), abs=1e-9)


def test_95_of_100_intervals_contain_the_true_score() -> None:
    generator = np.random.default_rng(0)
    # As many mentions are invented as missed, so expected precision, recall and F1 are 70 %.
    held = [
        low <= 70 <= high
        for low, high in (bootstrap(draw_counts(generator, 100), TYPES)["micro"]["f1"] for _ in range(300))
    ]
    assert 0.91 <= np.mean(held) <= 0.98


def test_bounded_memory_does_not_change_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = draw_counts(np.random.default_rng(1), 50)
    at_once = bootstrap(counts, TYPES, 200)
    monkeypatch.setattr(confidence, "_MAX_DRAWS", 333)
    assert bootstrap(counts, TYPES, 200) == at_once


def test_a_model_without_errors_has_an_interval_of_length_0() -> None:
    counts = np.full((20, 1, 3), 2)
    assert bootstrap(counts, ["Gene"])["Gene"] == dict.fromkeys(METRICS, (100.0, 100.0))


@given(ours=COUNTS, seed=st.integers(0, 99))
def test_swapping_the_models_negates_the_difference(ours: Counts, seed: int) -> None:
    theirs = draw_counts(np.random.default_rng(seed), len(ours), 0.5)
    theirs[..., 2] = ours[..., 2]
    theirs[..., 0] = np.minimum(theirs[..., 0], ours[..., 2])
    there, back = paired_bootstrap(ours, theirs, TYPES, 100), paired_bootstrap(theirs, ours, TYPES, 100)
    scores = [score_counts(counts, TYPES) for counts in (ours, theirs)]
    for name, difference in there.items():
        assert difference.f1 == pytest.approx(scores[0][name]["f1"] - scores[1][name]["f1"], abs=1e-9)
        assert difference.f1 == -back[name].f1
        assert difference.interval == pytest.approx(tuple(-bound for bound in reversed(back[name].interval)), abs=1e-9)
        assert difference.p == back[name].p


def test_a_model_does_not_differ_from_itself() -> None:
    counts = draw_counts(np.random.default_rng(2), 40)
    for difference in paired_bootstrap(counts, counts, TYPES).values():
        assert (difference.f1, difference.interval, difference.p) == (0.0, (0.0, 0.0), 1.0)


def test_a_clear_difference_is_significant() -> None:
    generator = np.random.default_rng(3)
    worse = draw_counts(generator, 300, 0.6)
    better = worse.copy()
    better[..., 0] = worse[..., 2]
    better[..., 1] = worse[..., 2]
    difference = paired_bootstrap(better, worse, TYPES)["micro"]
    assert difference.interval[0] > 30
    assert difference.p == pytest.approx(1 / 1001)


def test_5_of_100_equal_pairs_differ_at_the_5_percent_level() -> None:
    generator = np.random.default_rng(4)
    p = []
    for _ in range(300):
        gold = generator.integers(4, size=(100, 1))
        sides = []
        for _ in range(2):
            right = generator.binomial(gold, 0.7)
            sides.append(np.stack([right, right + generator.binomial(gold, 0.3), gold], axis=-1))
        p.append(paired_bootstrap(sides[0], sides[1], ["Gene"], 200)["micro"].p)
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09

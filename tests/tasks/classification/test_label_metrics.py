"""Scores of labels, areas under the ROC curve, the work that a screening saves, and calibration."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.classification.calibration import calibrate, calibration_error
from litmine.tasks.classification.make import best_f1_threshold, with_thresholds
from litmine.tasks.classification.metrics import area_under_roc, label_scores, screen
from litmine.tasks.classification.settings import SEVERAL, Scheme


def test_scores_by_label_micro_and_macro() -> None:
    wanted = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]])
    found = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0]])
    scores = label_scores(("a", "b", "c"), wanted, found, [0, 1, 2, 3])
    assert scores.by_label["a"] == {"precision": 100.0, "recall": 50.0, "f1": 66.67, "support": 2}
    assert scores.by_label["b"]["f1"] == 80.0
    assert scores.by_label["c"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert scores.by_label["micro"]["f1"] == 75.0
    # The label that nobody wants does not count.
    assert scores.macro_f1 == pytest.approx((66.667 + 80) / 2, abs=0.01)
    low, high = scores.intervals["micro"]
    assert low <= 75 <= high
    assert scores.record(intervals=False).keys() == {"a", "b", "c", "micro", "macro_f1"}


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40))
def test_the_area_is_the_share_of_ordered_pairs(rows: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([score for score, _ in rows]), np.array([is_one for _, is_one in rows])
    pairs = [(a > b) + (a == b) / 2 for a in scores[positive] for b in scores[~positive]]
    area = area_under_roc(scores, positive)
    assert area is None if not pairs else area == pytest.approx(np.mean(pairs))


def test_work_saved_over_sampling() -> None:
    # Ten texts, two of them positive, at ranks 1 and 4: at full recall four are read.
    scores, positive = np.arange(10, 0, -1) / 10, np.array([1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    found = screen(scores, positive, 1.0)
    assert found is not None
    assert (found.recall, found.precision, found.read, found.threshold) == (1.0, 0.5, 0.4, 0.7)
    # (TN + FN) / N - (1 - recall)
    assert found.saved == pytest.approx(6 / 10 - 0)
    half = screen(scores, positive, 0.5)
    assert half is not None
    assert half.read == 0.1
    assert half.saved == pytest.approx(9 / 10 - 0.5)
    assert screen(scores, np.zeros(10), 0.95) is None


@given(st.integers(0, 10_000))
def test_a_mark_keeps_the_recall_that_was_asked_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    targets = [(0,) if rng.random() < 0.2 else (1,) for _ in range(60)]
    logits = rng.normal(0, 1, (60, 2)).astype(np.float32)
    scheme = with_thresholds(Scheme("s", ("in", "out")), logits, targets, 0.95)
    positive = np.array([target == (0,) for target in targets])
    if positive.any():
        powers = np.exp(logits)
        kept = powers[:, 0] / powers.sum(axis=1) >= scheme.thresholds[0] - 1e-5
        assert kept[positive].mean() >= 0.95
    assert sum(scheme.thresholds) == pytest.approx(1)


def test_calibration_finds_the_scale_and_the_shift() -> None:
    rng = np.random.default_rng(1)
    true = rng.normal(0, 2, 4_000)
    right = rng.random(4_000) < 1 / (1 + np.exp(-true))
    # Logits that are three times too large, and shifted.
    logits = (3 * (true - 1))[:, None].astype(np.float32)
    targets = [(0,) if one else () for one in right]
    scheme = Scheme("s", ("a",), choice=SEVERAL)
    calibrated = calibrate(scheme, logits, targets)
    assert calibrated.scale == pytest.approx(1 / 3, abs=0.05)
    assert calibrated.shifts[0] == pytest.approx(1, abs=0.15)
    assert calibration_error(calibrated, logits, targets) < 0.03 < calibration_error(scheme, logits, targets)
    assert calibrate(scheme, logits[:5], targets[:5]) == scheme
    # Labels that are separated perfectly stay finite.
    apart = calibrate(scheme, np.repeat([[-5.0], [5.0]], 30, axis=0), [()] * 30 + [(0,)] * 30)
    assert 0 < apart.scale <= 100


def test_the_threshold_with_the_best_f1() -> None:
    scores = np.array([0.9, 0.8, 0.6, 0.3, 0.2], dtype=np.float32)
    assert best_f1_threshold(scores, np.array([True, True, False, False, False])) == pytest.approx(0.7)
    assert best_f1_threshold(scores, np.zeros(5, dtype=bool)) == 0.5

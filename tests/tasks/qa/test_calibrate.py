"""Temperature and bias: found again from what was drawn with them."""

from pathlib import Path

import numpy as np
import pytest

from litmine.tasks.qa.calibrate import calibrate, calibration_error, fit
from litmine.tasks.qa.question_files import read_file
from litmine.tasks.registry import load_reader


def test_slope_and_intercept_are_found_again() -> None:
    draw = np.random.default_rng(1)
    logits = draw.normal(0, 4, 20_000)
    right = draw.random(20_000) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    assert fit(logits, right) == pytest.approx((0.5, -1), abs=0.06)


def test_sides_that_do_not_overlap_stay_finite() -> None:
    slope, intercept = fit(np.array([-50.0, -40.0, 40.0, 50.0]), np.array([False, False, True, True]))
    assert 0 < slope < 10
    assert abs(intercept) < 10


def test_the_error_by_hand() -> None:
    """Of two at 0.15 one is right: 0.35 off; of two at 0.9 both: 0.1 off; the mean is 0.225."""
    scores, right = np.array([0.15, 0.15, 0.9, 0.9]), np.array([True, False, True, True])
    assert calibration_error(scores, right) == pytest.approx(0.225)
    assert calibration_error(np.array([1.0]), np.array([True])) == 0


def test_a_reader_on_questions_that_tell_nothing(tiny_reader: Path, question_files: Path) -> None:
    reader = load_reader(str(tiny_reader), precision="float32")
    questions = read_file(question_files / "squad2.json").questions
    assert calibrate(reader, []) is None
    assert calibrate(reader, [asked for asked in questions if asked.unanswerable]) is None
    found = calibrate(reader, questions)
    assert found is not None
    assert found.temperature > 0
    assert 0 < found.right <= 16
    assert found.error < 0.2

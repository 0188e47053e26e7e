"""Calibration recovers the temperature and bias of simulated scores."""

from pathlib import Path

import numpy as np
import pytest

from litmine.tasks.qa.calibrate import calibrate, calibration_error, fit_logistic_regression
from litmine.tasks.qa.question_files import read_question_file
from litmine.tasks.registry import load_reader


def test_slope_and_intercept_of_simulated_data_are_recovered() -> None:
    draw = np.random.default_rng(1)
    logits = draw.normal(0, 4, 20_000)
    right = draw.random(20_000) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    assert fit_logistic_regression(logits, right) == pytest.approx((0.5, -1), abs=0.06)


def test_separable_classes_give_finite_weights() -> None:
    slope, intercept = fit_logistic_regression(
        np.array([-50.0, -40.0, 40.0, 50.0]), np.array([False, False, True, True])
    )
    assert 0 < slope < 10
    assert abs(intercept) < 10


def test_calibration_error_of_four_scores() -> None:
    """One of two scores of 0.15 is correct (0.35 off), both of 0.9 are (0.1 off); the mean is 0.225."""
    scores, right = np.array([0.15, 0.15, 0.9, 0.9]), np.array([True, False, True, True])
    assert calibration_error(scores, right) == pytest.approx(0.225)
    assert calibration_error(np.array([1.0]), np.array([True])) == 0


def test_questions_without_correct_spans_give_no_calibration(tiny_reader: Path, question_files: Path) -> None:
    reader = load_reader(str(tiny_reader), precision="float32")
    questions = read_question_file(question_files / "squad2.json").questions
    assert calibrate(reader, []) is None
    assert calibrate(reader, [question for question in questions if question.unanswerable]) is None
    found = calibrate(reader, questions)
    assert found is not None
    assert found.temperature > 0
    assert 0 < found.right <= 16
    assert found.error < 0.2

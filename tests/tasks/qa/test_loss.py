"""The loss against numbers worked out from its definition."""

import math

import numpy as np
import pytest
import torch

from litmine.tasks.qa.examples import Batch, Example, collate
from litmine.tasks.qa.learner import span_loss, verdict_loss


def example(*answers: tuple[tuple[int, int], ...], verdict: int = -1) -> Example:
    """Four tokens, of which the first (no answer) and the last two may start and end a span."""
    allowed = np.array([0, 2, 3])
    return Example(np.arange(4), np.zeros(4, dtype=np.int64), allowed, allowed, answers, verdict)


def batch(*examples: Example) -> Batch:
    return collate(examples, 0)


def logits(*rows: tuple[float, float, float, float]) -> torch.Tensor:
    """The same start and end logits for each example."""
    return torch.stack([torch.tensor(rows)] * 2, dim=-1)


def test_one_place_among_what_is_allowed() -> None:
    """Of logits log 2, (not allowed), log 1, log 5, p is 2/8, 1/8, 5/8: start at 2, end at 3 is 1/8 of 5/8."""
    given = logits((math.log(2), 99.0, 0.0, math.log(5)))
    assert span_loss(given, batch(example(((2, 3),)))).item() == pytest.approx(-math.log(1 / 8 * 5 / 8), abs=1e-5)
    assert span_loss(given, batch(example(((0, 0),)))).item() == pytest.approx(-math.log((2 / 8) ** 2), abs=1e-5)


def test_places_of_one_answer_are_summed_and_answers_averaged() -> None:
    given = logits((math.log(2), 0.0, 0.0, math.log(5)))
    places = batch(example(((2, 2), (3, 3))))
    assert span_loss(given, places).item() == pytest.approx(-math.log((1 / 8) ** 2 + (5 / 8) ** 2), abs=1e-5)
    answers = batch(example(((2, 2),), ((3, 3),)))
    assert span_loss(given, answers).item() == pytest.approx(-math.log(1 / 8) - math.log(5 / 8), abs=1e-5)


def test_any_place_will_do() -> None:
    """The gradient goes to the likelier of two places; a list's answers both pull."""
    for marked, pulls in ((example(((2, 2), (3, 3))), False), (example(((2, 2),), ((3, 3),)), True)):
        given = logits((0.0, 0.0, 0.0, 9.0)).requires_grad_()
        span_loss(given, batch(marked)).backward()
        assert given.grad is not None
        assert (given.grad[0, 2].sum().item() < -0.1) == pulls


def test_examples_are_summed_and_yes_no_ones_have_no_span() -> None:
    given = logits((0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0))
    mixed = batch(example(((0, 0),)), example(verdict=1), example(((2, 3),)))
    assert span_loss(given, mixed).item() == pytest.approx(4 * math.log(3), abs=1e-5)
    none = given[:1].clone().requires_grad_()
    loss = span_loss(none, batch(example(verdict=0)))
    loss.backward()
    assert loss.item() == 0


def test_verdicts_are_weighted() -> None:
    verdicts = torch.zeros((3, 2))
    mixed = batch(example(verdict=0), example(((0, 0),)), example(verdict=1))
    loss = verdict_loss(verdicts, mixed, torch.tensor([3.0, 0.5]))
    assert loss.item() == pytest.approx(3.5 * math.log(2), abs=1e-5)
    assert verdict_loss(verdicts[:1], batch(example(((0, 0),))), torch.ones(2)).item() == 0

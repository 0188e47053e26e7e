"""The losses against values computed from their definitions."""

import math

import numpy as np
import pytest
import torch

from litmine.tasks.qa.examples import ReaderBatch, ReaderExample, collate
from litmine.tasks.qa.stage_training import span_loss, verdict_loss


def example(*answers: tuple[tuple[int, int], ...], verdict: int = -1) -> ReaderExample:
    """Four tokens, of which the first (no answer) and the last two may start and end a span."""
    allowed = np.array([0, 2, 3])
    return ReaderExample(np.arange(4), np.zeros(4, dtype=np.int64), allowed, allowed, answers, verdict)


def batch(*examples: ReaderExample) -> ReaderBatch:
    return collate(examples, 0)


def logits(*rows: tuple[float, float, float, float]) -> torch.Tensor:
    """The same start and end logits for each example."""
    return torch.stack([torch.tensor(rows)] * 2, dim=-1)


def test_only_allowed_columns_compete() -> None:
    """Logits log 2, (not allowed), log 1, log 5 give p = 2/8, 1/8, 5/8; the span from 2 to 3 has 1/8 * 5/8."""
    span_logits = logits((math.log(2), 99.0, 0.0, math.log(5)))
    assert span_loss(span_logits, batch(example(((2, 3),)))).item() == pytest.approx(-math.log(1 / 8 * 5 / 8), abs=1e-5)
    assert span_loss(span_logits, batch(example(((0, 0),)))).item() == pytest.approx(-math.log((2 / 8) ** 2), abs=1e-5)


def test_occurrences_are_summed_and_answers_averaged() -> None:
    span_logits = logits((math.log(2), 0.0, 0.0, math.log(5)))
    occurrences = batch(example(((2, 2), (3, 3))))
    assert span_loss(span_logits, occurrences).item() == pytest.approx(-math.log((1 / 8) ** 2 + (5 / 8) ** 2), abs=1e-5)
    answers = batch(example(((2, 2),), ((3, 3),)))
    assert span_loss(span_logits, answers).item() == pytest.approx(-math.log(1 / 8) - math.log(5 / 8), abs=1e-5)


def test_the_gradient_favours_the_likelier_occurrence() -> None:
    """Of two occurrences the likelier gets the gradient; of two answers of a list both do."""
    for marked, pulls in ((example(((2, 2), (3, 3))), False), (example(((2, 2),), ((3, 3),)), True)):
        span_logits = logits((0.0, 0.0, 0.0, 9.0)).requires_grad_()
        span_loss(span_logits, batch(marked)).backward()
        assert span_logits.grad is not None
        assert (span_logits.grad[0, 2].sum().item() < -0.1) == pulls


def test_examples_are_summed_and_yes_no_examples_have_no_span_loss() -> None:
    span_logits = logits((0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0))
    mixed = batch(example(((0, 0),)), example(verdict=1), example(((2, 3),)))
    assert span_loss(span_logits, mixed).item() == pytest.approx(4 * math.log(3), abs=1e-5)
    none = span_logits[:1].clone().requires_grad_()
    loss = span_loss(none, batch(example(verdict=0)))
    loss.backward()
    assert loss.item() == 0


def test_verdict_losses_are_weighted() -> None:
    verdicts = torch.zeros((3, 2))
    mixed = batch(example(verdict=0), example(((0, 0),)), example(verdict=1))
    loss = verdict_loss(verdicts, mixed, torch.tensor([3.0, 0.5]))
    assert loss.item() == pytest.approx(3.5 * math.log(2), abs=1e-5)
    assert verdict_loss(verdicts[:1], batch(example(((0, 0),))), torch.ones(2)).item() == 0

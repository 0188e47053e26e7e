"""Means of weights."""

import pytest
import torch

from litmine.training.averaging import MovingMean


def test_the_moving_mean_of_a_weight() -> None:
    """Each step keeps a quarter of the mean, the first one 2 of 11 parts; a mean that goes on elsewhere is the same."""
    network = torch.nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(1.0)
    mean, other = MovingMean(network, 0.25), MovingMean(network, 0.25)
    network.weight.data.fill_(12.0)
    mean.step(1)
    other.go_on(mean.state())
    network.weight.data.fill_(-2.0)
    for one in (mean, other):
        one.step(2)
        one.end()
        assert network.weight.item() == pytest.approx(0.25 * (2 / 11 * 1 + 9 / 11 * 12) + 0.75 * -2)
        network.weight.data.fill_(-2.0)


def test_a_mean_that_keeps_nothing_is_the_weights() -> None:
    network = torch.nn.Linear(1, 1)
    mean = MovingMean(network, 0.0)
    network.weight.data.fill_(7.0)
    mean.step(1)
    mean.end()
    assert network.weight.item() == 7.0
    assert mean.state() == {}

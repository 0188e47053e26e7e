"""Averages of weights."""

import pytest
import torch

from litmine.training.averaging import WeightEma


def test_the_average_of_a_weight_and_its_restored_copy_agree() -> None:
    """Each step keeps a quarter of the average, and the first one 2 of 11 parts."""
    network = torch.nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(1.0)
    ema, restored = WeightEma(network, 0.25), WeightEma(network, 0.25)
    network.weight.data.fill_(12.0)
    ema.update(1)
    restored.restore(ema.state())
    network.weight.data.fill_(-2.0)
    for average in (ema, restored):
        average.update(2)
        average.apply()
        assert network.weight.item() == pytest.approx(0.25 * (2 / 11 * 1 + 9 / 11 * 12) + 0.75 * -2)
        network.weight.data.fill_(-2.0)


def test_a_decay_of_zero_leaves_the_weights_unchanged() -> None:
    network = torch.nn.Linear(1, 1)
    ema = WeightEma(network, 0.0)
    network.weight.data.fill_(7.0)
    ema.update(1)
    ema.apply()
    assert network.weight.item() == 7.0
    assert ema.state() == {}

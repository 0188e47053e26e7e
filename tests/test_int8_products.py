"""Linear layers in int8 stay near float32, and their weights within what a processor without VNNI adds."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from benchmarks.int8_products import Calibrated, Prepare, per_batch, per_token, safe_scales

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch is built without oneDNN")


@pytest.fixture
def hidden() -> Tensor:
    """States like those of an encoder: a few tokens and inputs are much larger than the others."""
    torch.manual_seed(1)
    states = torch.randn(70, 64)
    states[3] *= 4
    states[:, 5] *= 4
    return states


def layer(inputs: int, outputs: int) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(inputs, outputs).requires_grad_(False)


def error(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def test_two_neighbouring_weights_stay_within_16_bits() -> None:
    weight = layer(64, 96).weight.detach()
    stored = torch.round(weight / safe_scales(weight)[:, None])
    assert stored.abs().max() > 60
    for sign in (1, -1):
        assert (sign * stored).clamp(min=0).unflatten(1, (-1, 2)).sum(-1).max() * 255 < 2**15


@pytest.mark.parametrize("prepare", [per_batch, per_token])
@pytest.mark.parametrize("with_gelu", [False, True])
def test_products_are_near_those_in_float32(prepare: Prepare, with_gelu: bool, hidden: Tensor) -> None:
    dense = layer(64, 96)
    expected = gelu(dense(hidden)) if with_gelu else dense(hidden)
    # The row that is four times as large leaves a scale of the batch two bits less.
    assert error(prepare(dense, with_gelu)(hidden), expected) < (0.02 if prepare is per_token else 0.05)


def test_outputs_of_gelu_keep_their_small_negative_values(hidden: Tensor) -> None:
    dense, positive = layer(64, 16), gelu(hidden)
    assert error(per_token(dense, with_gelu=False)(positive), dense(positive)) < 0.02


def test_calibrated_products_have_a_scale_for_each_input(hidden: Tensor) -> None:
    dense, calibrated = layer(64, 96), Calibrated()
    recorded: Callable[[Tensor], Tensor] = calibrated.recording(dense, False)
    assert torch.allclose(recorded(hidden), dense(hidden), atol=1e-4)
    assert error(calibrated.fixed(dense, False)(hidden), dense(hidden)) < 0.04

"""Private functions of torch that have no public equivalent, each with a public fallback.

Any release of torch may change private names. This is the only module that uses them: they multiply up to twice as fast
as the public operators. Where one is missing or raises, the public operators compute the same values.
"""

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear

# Number of rows that oneDNN orders weights for: about the tokens of a batch.
_TYPICAL_ROWS = 2_048
# Width of the layer that tests whether an operator works.
_WIDTH = 16


def prepacked_linear(dense: nn.Linear, with_gelu: bool) -> Callable[[Tensor], Tensor]:
    """A linear layer, optionally with GELU, that orders its weights once for oneDNN, as `torch.compile` does.

    Without oneDNN or its private operators it is the plain layer. Inputs and outputs are (tokens, width).
    """
    if not torch.backends.mkldnn.is_available() or prepacked_linear_error(dense.weight.dtype):
        return partial(_plain_linear, dense, with_gelu)
    return _prepack(dense, with_gelu)


@cache
def prepacked_linear_error(dtype: torch.dtype) -> str:
    """Why oneDNN's private operators do not work here in this precision; empty if they do."""
    cpu = torch.device("cpu")
    return _first_error(lambda: _prepack(_small_linear(cpu, dtype), True)(torch.zeros(2, _WIDTH, dtype=dtype)))


def linear_gelu(dense: nn.Linear) -> Callable[[Tensor], Tensor]:
    """A linear layer with GELU applied before the product is rounded to half precision.

    On a GPU it is GELU's tanh approximation, which differs by less than the resolution of bf16.
    """
    device, dtype = dense.weight.device, dense.weight.dtype
    if linear_gelu_error(device, dtype):
        approximation = "tanh" if device.type == "cuda" else "none"
        return lambda hidden: gelu(linear(hidden, dense.weight, dense.bias), approximate=approximation)
    return partial(_fused_linear_gelu, dense)


@cache
def linear_gelu_error(device: torch.device, dtype: torch.dtype) -> str:
    """Why torch's private fused product and GELU do not work here; empty if they do."""
    hidden = torch.zeros(2, _WIDTH, device=device, dtype=dtype)
    return _first_error(lambda: _fused_linear_gelu(_small_linear(device, dtype), hidden))


def _prepack(dense: nn.Linear, with_gelu: bool) -> Callable[[Tensor], Tensor]:
    operators = torch.ops.mkldnn
    weight = operators._reorder_linear_weight(dense.weight.detach(), _TYPICAL_ROWS)
    activation, algorithm = ("gelu", "none") if with_gelu else ("none", "")
    return partial(_multiply_prepacked, weight=weight, bias=dense.bias, activation=activation, algorithm=algorithm)


def _multiply_prepacked(hidden: Tensor, weight: Tensor, bias: Tensor, activation: str, algorithm: str) -> Tensor:
    output: Tensor = torch.ops.mkldnn._linear_pointwise(hidden, weight, bias, activation, [], algorithm)
    return output


def _plain_linear(dense: nn.Linear, with_gelu: bool, hidden: Tensor) -> Tensor:
    output = linear(hidden, dense.weight, dense.bias)
    return gelu(output) if with_gelu else output


def _fused_linear_gelu(dense: nn.Linear, hidden: Tensor) -> Tensor:
    return torch._addmm_activation(dense.bias, hidden, dense.weight.t(), use_gelu=True)


def _small_linear(device: torch.device, dtype: torch.dtype) -> nn.Linear:
    """A layer for a test run; it leaves the random number generator alone.

    `nn.utils.skip_init` does too, but imports sympy, which takes a quarter of a second.
    """
    dense = nn.Linear(_WIDTH, _WIDTH, device="meta")
    dense.weight = nn.Parameter(torch.zeros(_WIDTH, _WIDTH, device=device, dtype=dtype))
    dense.bias = nn.Parameter(torch.zeros(_WIDTH, device=device, dtype=dtype))
    return dense


@torch.no_grad()
def _first_error(compute: Callable[[], object]) -> str:
    """The error that a computation raises, in one line; empty if it succeeds."""
    try:
        compute()
    except Exception as error:  # noqa: BLE001 - a driver, a compiler or a version may fail in any way
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return ""

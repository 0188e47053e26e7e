"""Linear layers in int8 on a CPU, in the ways that torch offers: products for litmine's packed encoder.

Without VNNI a processor adds two products of int8 in 16 bits, which overflow for large weights beside each other. There
are two remedies: activations in 7 bits (`reduced`), as torch has it by default, or a scale of each row of weights with
which no two neighbours overflow (`safe_scales`).
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from litmine.nn.kernels import Kernels, Product
from litmine.nn.kernels_cpu import FLOAT32, product, product_gelu

Prepare = Callable[[nn.Linear, bool], Product]
# Before rounding, which adds at most 1: 255 times the sum of two neighbouring weights stays within 16 bits.
_LARGEST_PAIR = 127
_SMALLEST = 1e-6
# The least output of GELU, negated and rounded up, and the level of 256 that stands for 0 in such outputs.
_GELU_LEAST, _GELU_POINT = 0.17, 16


def int8_kernels(prepare: Prepare) -> Kernels:
    """Kernels of litmine with products in int8; attention and normalisation stay in float32."""
    return replace(
        FLOAT32, product=lambda dense: prepare(dense, False), product_gelu=lambda dense: prepare(dense, True)
    )


def safe_scales(weight: Tensor) -> Tensor:
    """The scale of each row (outputs,) of a matrix (outputs, inputs) with which no two products overflow 16 bits."""
    pairs = weight.unflatten(1, (-1, 2))
    sums = torch.maximum(pairs.clamp(min=0).sum(-1), (-pairs).clamp(min=0).sum(-1)).amax(1)
    return torch.maximum(sums / _LARGEST_PAIR, weight.abs().amax(1) / 127).clamp(min=_SMALLEST)


def dynamic(engine: str, reduced: bool) -> Prepare:
    """`torch.ops.quantized.linear_dynamic`: one scale for all activations of a batch, chosen when it runs."""
    operators = torch.ops.quantized

    def prepare(dense: nn.Linear, with_gelu: bool) -> Product:
        torch.backends.quantized.engine = engine
        weight = dense.weight.detach()
        rows = weight.abs().amax(1) / 127 if reduced else safe_scales(weight)
        points = torch.zeros(len(rows), dtype=torch.long)
        with warnings.catch_warnings():
            # torch announces the end of its own types for int8, and has no other way to pack weights for fbgemm.
            warnings.simplefilter("ignore", UserWarning)
            stored = torch.quantize_per_channel(weight, rows.double(), points, 0, torch.qint8)
        packed = operators.linear_prepack(stored, dense.bias.detach())

        def multiply(hidden: Tensor) -> Tensor:
            output: Tensor = operators.linear_dynamic(hidden, packed, reduced)
            return gelu(output) if with_gelu else output

        return multiply

    return prepare


class _Int8Linear:
    """A layer for `torch.ops.onednn.qlinear_pointwise`, which `torch.compile` uses."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.bias, self._rows = bias, safe_scales(weight)
        stored = torch.round(weight / self._rows[:, None]).clamp(-127, 127).to(torch.int8)
        self._packed = torch.ops.onednn.qlinear_prepack(stored, None)
        self._points = torch.zeros(len(self._rows), dtype=torch.long)

    def __call__(self, stored: Tensor, scale: float, point: int, bias: Tensor | None, with_gelu: bool) -> Tensor:
        """The product in float32 of activations stored as uint8, with GELU fused."""
        activation, algorithm = ("gelu", "none") if with_gelu else ("none", "")
        output: Tensor = torch.ops.onednn.qlinear_pointwise(
            stored, scale, point, self._packed, self._rows, self._points, bias, 1.0, 0, torch.float32, activation, [],
            algorithm,
        )  # fmt: skip
        return output


def per_batch(dense: nn.Linear, with_gelu: bool) -> Product:
    """One scale for all activations of a batch, with GELU fused."""
    layer = _Int8Linear(dense.weight.detach(), dense.bias.detach())

    def multiply(hidden: Tensor) -> Tensor:
        least, most = (float(edge) for edge in torch.aminmax(hidden))
        least, most = min(least, 0.0), max(most, _SMALLEST)
        scale = (most - least) / 255
        point = round(-least / scale)
        stored = torch.mul(hidden, 1 / scale).add_(point + 0.5).clamp_(0, 255).to(torch.uint8)
        return layer(stored, scale, point, layer.bias, with_gelu)

    return multiply


def per_token(dense: nn.Linear, with_gelu: bool) -> Product:
    """One scale for the activations of each token, which leaves nothing to fuse."""
    layer = _Int8Linear(dense.weight.detach(), dense.bias.detach())
    # The wide input is the output of GELU, which is never less than -0.17.
    follows_gelu = dense.in_features > dense.out_features
    point = _GELU_POINT if follows_gelu else 128

    def multiply(hidden: Tensor) -> Tensor:
        if follows_gelu:
            scales = (hidden.amax(1, keepdim=True) / (255 - point)).clamp_(min=_GELU_LEAST / point)
        else:
            largest = torch.maximum(hidden.amax(1, keepdim=True), -hidden.amin(1, keepdim=True))
            scales = (largest / 127).clamp_(min=_SMALLEST)
        stored = torch.mul(hidden, 1 / scales).add_(point + 0.5).to(torch.uint8)
        output = torch.addcmul(layer.bias, layer(stored, 1.0, point, None, False), scales)
        return gelu(output) if with_gelu else output

    return multiply


@dataclass(slots=True)
class _Range:
    """The least and the most that each input of a layer has had."""

    least: Tensor
    most: Tensor


class Calibrated:
    """Scales from the activations of some texts, fixed for each input of a layer (as SmoothQuant: Xiao et al. 2023).

    Run a model with `recording` first. Models prepared with `fixed` must have the same layers in the same order.
    """

    def __init__(self) -> None:
        self._ranges: list[_Range] = []
        self._prepared = 0

    def recording(self, dense: nn.Linear, with_gelu: bool) -> Product:
        """A product in float32 that notes the range of each input."""
        seen = _Range(torch.zeros(dense.in_features), torch.zeros(dense.in_features))
        self._ranges.append(seen)
        multiply = (product_gelu if with_gelu else product)(dense)

        def multiply_and_note(hidden: Tensor) -> Tensor:
            seen.least = torch.minimum(seen.least, hidden.amin(0))
            seen.most = torch.maximum(seen.most, hidden.amax(0))
            return multiply(hidden)

        return multiply_and_note

    def fixed(self, dense: nn.Linear, with_gelu: bool) -> Product:
        """Inputs are shifted to the middle of their range; half of the difference between ranges goes to weights."""
        seen = self._ranges[self._prepared % len(self._ranges)]
        self._prepared += 1
        weight, middle = dense.weight.detach(), (seen.least + seen.most) / 2
        half = ((seen.most - seen.least) / 2).clamp(min=1e-3)
        smoothing = (half / weight.abs().amax(0).clamp(min=1e-4)).sqrt()
        layer = _Int8Linear(weight * smoothing, dense.bias.detach() + weight @ middle)
        scale = float((half / smoothing).max()) / 127
        factors = 1 / (smoothing * scale)
        shifts = 128.5 - middle * factors

        def multiply(hidden: Tensor) -> Tensor:
            stored = torch.addcmul(shifts, hidden, factors).clamp_(0, 255).to(torch.uint8)
            return layer(stored, scale, 128, layer.bias, with_gelu)

        return multiply

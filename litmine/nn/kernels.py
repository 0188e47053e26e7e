"""What a packed encoder is computed with: the steps of a layer, and each in plain torch, which computes it anywhere."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

Product = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where the pieces of a row of tokens begin and end.

    `lengths`: tokens of each piece. `edges`: where each begins, and where the last ends, int32 and on the device,
    (pieces + 1,). `longest`: no piece has more tokens. `read`: how many of each piece's tokens are of a text, if not
    all; the others fill its last tile, and none of them is looked at.
    """

    lengths: list[int]
    edges: Tensor
    longest: int
    read: list[int] | None = None


@dataclass(frozen=True, slots=True)
class Kernels:
    """The steps of a layer, over a row of tokens.

    attention: query, key, value of (tokens, heads, width of a head), each piece by itself. add_norm: the sum of two
    (tokens, width), normalised. product, product_gelu: a linear layer made ready once, then called with (tokens,
    width); the second with GELU after it. tile, rows: pieces and rows are to be multiples of so many tokens.
    """

    attention: Callable[[Tensor, Tensor, Tensor, Bounds], Tensor]
    add_norm: Callable[[Tensor, Tensor, nn.LayerNorm], Tensor]
    product: Callable[[nn.Linear], Product]
    product_gelu: Callable[[nn.Linear], Product]
    tile: int = 1
    rows: int = 1


def _attention(query: Tensor, key: Tensor, value: Tensor, bounds: Bounds) -> Tensor:
    pieces = zip(*(of.transpose(0, 1).split(bounds.lengths, dim=1) for of in (query, key, value)), strict=True)
    mixed = [scaled_dot_product_attention(*(of[None] for of in piece))[0] for piece in pieces]
    return torch.cat(mixed, dim=1).transpose(0, 1)


def _add_norm(inner: Tensor, residual: Tensor, norm: nn.LayerNorm) -> Tensor:
    return layer_norm(inner + residual, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


def _product(dense: nn.Linear) -> Product:
    return partial(linear, weight=dense.weight, bias=dense.bias)


def _product_gelu(dense: nn.Linear) -> Product:
    return lambda hidden: gelu(linear(hidden, dense.weight, dense.bias))


PLAIN = Kernels(_attention, _add_norm, _product, _product_gelu)

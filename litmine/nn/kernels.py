"""The steps of a layer of the packed encoder as exchangeable functions, and plain torch versions that run anywhere."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

Product = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class WindowBounds:
    """Where the windows of a row of tokens begin and end.

    `lengths`: tokens of each window, with padding. `edges`: the start of each window and the end of the last, int32 on
    the device, (windows + 1,). `longest`: upper limit of the lengths. `text_lengths`: tokens of each window without
    padding, None if there is no padding; attention ignores the padding.
    """

    lengths: list[int]
    edges: Tensor
    longest: int
    text_lengths: list[int] | None = None


@dataclass(frozen=True, slots=True)
class Kernels:
    """The steps of a layer on a row of tokens.

    attention: query, key and value, each (tokens, heads, width of a head), within each window. add_norm: layer norm of
    the sum of two tensors (tokens, width). product, product_gelu: prepare a linear layer once, to be called with
    (tokens, width); the second applies GELU. Each window must be a multiple of `tile` tokens long, the row a multiple
    of `row_multiple`.
    """

    attention: Callable[[Tensor, Tensor, Tensor, WindowBounds], Tensor]
    add_norm: Callable[[Tensor, Tensor, nn.LayerNorm], Tensor]
    product: Callable[[nn.Linear], Product]
    product_gelu: Callable[[nn.Linear], Product]
    tile: int = 1
    row_multiple: int = 1


def _attention(query: Tensor, key: Tensor, value: Tensor, bounds: WindowBounds) -> Tensor:
    windows = zip(*(tensor.transpose(0, 1).split(bounds.lengths, dim=1) for tensor in (query, key, value)), strict=True)
    contexts = [scaled_dot_product_attention(*(tensor[None] for tensor in window))[0] for window in windows]
    return torch.cat(contexts, dim=1).transpose(0, 1)


def _add_norm(inner: Tensor, residual: Tensor, norm: nn.LayerNorm) -> Tensor:
    return layer_norm(inner + residual, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


def _product(dense: nn.Linear) -> Product:
    return partial(linear, weight=dense.weight, bias=dense.bias)


def _product_gelu(dense: nn.Linear) -> Product:
    return lambda hidden: gelu(linear(hidden, dense.weight, dense.bias))


PLAIN = Kernels(_attention, _add_norm, _product, _product_gelu)

"""Kernels that are faster than plain torch on a CPU."""

from dataclasses import replace
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from litmine.nn.kernels import PLAIN, Kernels, Product, WindowBounds
from litmine.nn.torch_internals import prepacked_linear

# oneDNN compiles a product for each number of rows and caches a thousand of them. Without rounding the rows up, that
# cache took most of a process's memory, and in bf16 compiling took as long as some products.
_ROWS, _ROWS_BF16 = 64, 128
# The attention kernel is up to twice as fast on lengths that its tiles divide.
_TILE = 16


def attention(query: Tensor, key: Tensor, value: Tensor, bounds: WindowBounds) -> Tensor:
    """Attention over neighbouring windows of the same length in one call."""
    contexts = []
    start = first = 0
    for length, group in groupby(bounds.lengths):
        windows = len(list(group))
        end, last = start + windows * length, first + windows
        used = bounds.text_lengths[first:last] if bounds.text_lengths else [length]
        mask = None if min(used) == length else torch.arange(length) < torch.tensor(used)[:, None, None, None]
        q, k, v = (tensor[start:end].unflatten(0, (windows, length)).transpose(1, 2) for tensor in (query, key, value))
        contexts.append(scaled_dot_product_attention(q, k, v, mask).transpose(1, 2).flatten(0, 1))
        start, first = end, last
    return torch.cat(contexts)


def product(dense: nn.Linear) -> Product:
    """A linear layer whose weights are ordered once for oneDNN."""
    return prepacked_linear(dense, with_gelu=False)


def product_gelu(dense: nn.Linear) -> Product:
    """The same with GELU, fused into the product."""
    return prepacked_linear(dense, with_gelu=True)


FLOAT32 = Kernels(attention, PLAIN.add_norm, product, product_gelu, row_multiple=_ROWS)
BF16 = replace(FLOAT32, tile=_TILE, row_multiple=_ROWS_BF16)

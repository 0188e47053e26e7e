"""What is quicker than plain torch on a processor."""

from dataclasses import replace
from functools import partial
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from litmine.nn.kernels import PLAIN, Bounds, Kernels, Product

# oneDNN compiles a product for every number of rows that it meets, and keeps a thousand of them: they took most of a
# process's memory, and in bf16 as long as some products do.
_ROWS, _ROWS_BF16 = 64, 128
# And the attention kernel is up to twice as quick with lengths that its tiles divide.
_TILE = 16
# Rows that weights are ordered for: about a batch's.
_USUAL = 2_048


def attention(query: Tensor, key: Tensor, value: Tensor, bounds: Bounds) -> Tensor:
    """Neighbours of the same length together."""
    mixed = []
    at = first = 0
    for length, group in groupby(bounds.lengths):
        pieces = len(list(group))
        after, last = at + pieces * length, first + pieces
        read = bounds.read[first:last] if bounds.read else [length]
        mask = None if min(read) == length else torch.arange(length) < torch.tensor(read)[:, None, None, None]
        q, k, v = (of[at:after].unflatten(0, (pieces, length)).transpose(1, 2) for of in (query, key, value))
        mixed.append(scaled_dot_product_attention(q, k, v, mask).transpose(1, 2).flatten(0, 1))
        at, first = after, last
    return torch.cat(mixed)


def product(dense: nn.Linear) -> Product:
    """Weights in the order in which they are multiplied, once and for all."""
    return _ordered(dense, "none", "")


def product_gelu(dense: nn.Linear) -> Product:
    """The same, and GELU before what comes out is written."""
    return _ordered(dense, "gelu", "none")


def _ordered(dense: nn.Linear, after: str, how: str) -> Product:
    # What torch.compile itself makes of linear layers that no longer learn.
    ours = torch.ops.mkldnn
    weight = ours._reorder_linear_weight(dense.weight.detach(), _USUAL)
    return partial(_multiply, weight=weight, bias=dense.bias, after=after, how=how)


def _multiply(hidden: Tensor, weight: Tensor, bias: Tensor, after: str, how: str) -> Tensor:
    multiplied: Tensor = torch.ops.mkldnn._linear_pointwise(hidden, weight, bias, after, [], how)
    return multiplied


FLOAT32 = Kernels(attention, PLAIN.add_norm, product, product_gelu, rows=_ROWS)
BF16 = replace(FLOAT32, tile=_TILE, rows=_ROWS_BF16)

"""What is quicker than plain torch on a processor that multiplies bf16 (AMX, AVX-512 BF16)."""

from functools import partial
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from litmine.models.kernels import PLAIN, Bounds, Kernels, Product

# oneDNN compiles a product for every number of rows that it meets, which takes as long as some of these products.
_ROWS = 128
# The attention kernel is twice as quick with lengths that its tiles divide.
_TILE = 32


def attention(query: Tensor, key: Tensor, value: Tensor, bounds: Bounds) -> Tensor:
    """Neighbours of about the same length together, padded to the same number of tiles."""
    mixed = []
    at = 0
    for length, group in groupby(bounds.lengths, key=lambda tokens: -(-tokens // _TILE) * _TILE):
        lengths = list(group)
        after = at + sum(lengths)
        mixed.append(_padded_attention(query[at:after], key[at:after], value[at:after], lengths, length))
        at = after
    return torch.cat(mixed)


def _padded_attention(query: Tensor, key: Tensor, value: Tensor, lengths: list[int], longest: int) -> Tensor:
    pieces, shape = len(lengths), query.shape[1:]
    inside = at = None
    if min(lengths) < longest:
        inside = torch.arange(longest) < torch.tensor(lengths)[:, None]
        at = inside.flatten().nonzero()[:, 0]

    def together(of: Tensor) -> Tensor:
        """(tokens, heads, width of a head) to (pieces, heads, longest, width of a head)."""
        padded = of if at is None else of.new_zeros(pieces * longest, *shape).index_copy_(0, at, of)
        return padded.view(pieces, longest, *shape).transpose(1, 2)

    mask = None if inside is None else inside[:, None, None, :]
    mixed = scaled_dot_product_attention(together(query), together(key), together(value), mask)
    row = mixed.transpose(1, 2).reshape(-1, *shape)
    return row if at is None else row[at]


def product(dense: nn.Linear) -> Product:
    """Weights in the order in which they are multiplied, once and for all."""
    return _ordered(dense, "none", "")


def product_gelu(dense: nn.Linear) -> Product:
    """The same, and GELU before what comes out is written."""
    return _ordered(dense, "gelu", "none")


def _ordered(dense: nn.Linear, after: str, how: str) -> Product:
    # What torch.compile itself makes of linear layers that no longer learn.
    ours = torch.ops.mkldnn
    weight = ours._reorder_linear_weight(dense.weight.detach(), 16 * _ROWS)
    return partial(_multiply, weight=weight, bias=dense.bias, after=after, how=how)


def _multiply(hidden: Tensor, weight: Tensor, bias: Tensor, after: str, how: str) -> Tensor:
    multiplied: Tensor = torch.ops.mkldnn._linear_pointwise(hidden, weight, bias, after, [], how)
    return multiplied


KERNELS = Kernels(attention, PLAIN.add_norm, product, product_gelu, _ROWS)

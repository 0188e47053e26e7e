"""What is quicker than plain torch on a GPU in half precision."""

import torch
from torch import Tensor, nn

from litmine.nn.kernels import Bounds, Product


def attention(query: Tensor, key: Tensor, value: Tensor, bounds: Bounds) -> Tensor:
    """Of pieces of any length at once (Dao 2023, "FlashAttention-2")."""
    from torch.nn.attention.varlen import varlen_attn

    mixed = varlen_attn(query, key, value, bounds.edges, bounds.edges, bounds.longest, bounds.longest)
    assert isinstance(mixed, Tensor)
    return mixed


def add_norm(inner: Tensor, residual: Tensor, norm: nn.LayerNorm) -> Tensor:
    """In one pass over the memory."""
    # Triton comes with torch for GPUs only.
    from litmine.nn.kernels_triton import add_norm

    return add_norm(inner, residual, norm.weight, norm.bias, norm.eps)


def product_gelu(dense: nn.Linear) -> Product:
    """GELU by tanh, before what comes out is rounded: off by less than bf16 can say."""
    return lambda hidden: torch._addmm_activation(dense.bias, hidden, dense.weight.t(), use_gelu=True)

"""Kernels that are faster than plain torch on a GPU in half precision."""

from torch import Tensor, nn

from litmine.nn.kernels import Product, WindowBounds
from litmine.nn.torch_internals import linear_gelu


def attention(query: Tensor, key: Tensor, value: Tensor, bounds: WindowBounds) -> Tensor:
    """Attention over windows of any lengths in one call (Dao 2023, "FlashAttention-2")."""
    from torch.nn.attention.varlen import varlen_attn

    context = varlen_attn(query, key, value, bounds.edges, bounds.edges, bounds.longest, bounds.longest)
    assert isinstance(context, Tensor)
    return context


def add_norm(inner: Tensor, residual: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Sum and normalisation in one pass over the memory."""
    # Only torch's GPU builds come with Triton.
    from litmine.nn.kernels_triton import add_norm

    return add_norm(inner, residual, norm.weight, norm.bias, norm.eps)


def product_gelu(dense: nn.Linear) -> Product:
    """A linear layer with GELU, fused into the product."""
    return linear_gelu(dense)

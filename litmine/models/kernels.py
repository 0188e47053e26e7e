"""What a packed encoder is computed with: plain torch anywhere, and on a GPU in half precision what is quicker there.

Each quick one is tried when a model is loaded, and held against the plain one: where it fails, or says something else,
the plain one stays, and a sentence on stderr says so.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

# Of the largest value: bf16 has 8 bits.
_CLOSE = 0.02


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where the pieces of a row of tokens begin and end.

    `lengths`: tokens of each piece. `edges`: where each begins, and where the last ends, int32 and on the device,
    (pieces + 1,). `longest`: no piece has more tokens.
    """

    lengths: list[int]
    edges: Tensor
    longest: int


@dataclass(frozen=True, slots=True)
class Kernels:
    """Three steps of a layer, over a row of tokens.

    attention: query, key, value of (tokens, heads, width of a head), each piece by itself. add_norm: the sum of two
    (tokens, width), normalised. dense_gelu: (tokens, width) through a product and GELU.
    """

    attention: Callable[[Tensor, Tensor, Tensor, Bounds], Tensor]
    add_norm: Callable[[Tensor, Tensor, nn.LayerNorm], Tensor]
    dense_gelu: Callable[[Tensor, nn.Linear], Tensor]


def _attention(query: Tensor, key: Tensor, value: Tensor, bounds: Bounds) -> Tensor:
    pieces = zip(*(of.transpose(0, 1).split(bounds.lengths, dim=1) for of in (query, key, value)), strict=True)
    mixed = [scaled_dot_product_attention(*(of[None] for of in piece))[0] for piece in pieces]
    return torch.cat(mixed, dim=1).transpose(0, 1)


def _add_norm(inner: Tensor, residual: Tensor, norm: nn.LayerNorm) -> Tensor:
    return layer_norm(inner + residual, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


def _dense_gelu(hidden: Tensor, dense: nn.Linear) -> Tensor:
    return gelu(linear(hidden, dense.weight, dense.bias))


PLAIN = Kernels(_attention, _add_norm, _dense_gelu)


def _flash_attention(query: Tensor, key: Tensor, value: Tensor, bounds: Bounds) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    mixed = varlen_attn(query, key, value, bounds.edges, bounds.edges, bounds.longest, bounds.longest)
    assert isinstance(mixed, Tensor)
    return mixed


def _fused_add_norm(inner: Tensor, residual: Tensor, norm: nn.LayerNorm) -> Tensor:
    from litmine.models.fused import add_norm

    return add_norm(inner, residual, norm.weight, norm.bias, norm.eps)


def _fused_dense_gelu(hidden: Tensor, dense: nn.Linear) -> Tensor:
    # GELU by tanh, before what comes out is rounded: off by less than bf16 can say.
    return torch._addmm_activation(dense.bias, hidden, dense.weight.t(), use_gelu=True)


@cache
def quick_kernels(device: torch.device, dtype: torch.dtype, heads: int, width: int) -> Kernels | None:
    """The quickest that work there for a model of that many heads and that width; None where pieces cannot be packed.

    Half precision on a GPU only. Without the attention for pieces of any length there is nothing to win by packing.
    """
    if device.type != "cuda" or dtype not in {torch.bfloat16, torch.float16}:
        return None
    given = _Trial(device, dtype, heads, width)
    if not given.agrees("attention", _flash_attention, PLAIN.attention, given.attention):
        return None
    found = replace(PLAIN, attention=_flash_attention)
    if given.agrees("the fused sum and normalisation", _fused_add_norm, PLAIN.add_norm, given.add_norm):
        found = replace(found, add_norm=_fused_add_norm)
    if given.agrees("the fused product and GELU", _fused_dense_gelu, PLAIN.dense_gelu, given.dense_gelu):
        found = replace(found, dense_gelu=_fused_dense_gelu)
    return found


class _Trial:
    """Random values for three pieces of different lengths."""

    def __init__(self, device: torch.device, dtype: torch.dtype, heads: int, width: int) -> None:
        lengths = [130, 2, 61]
        edges = torch.tensor([0, 130, 132, 193], dtype=torch.int32, device=device)
        draw = torch.Generator(device).manual_seed(0)

        def random(*shape: int) -> Tensor:
            return torch.randn(shape, generator=draw, device=device).to(dtype)

        rows = sum(lengths)
        norm = nn.LayerNorm(width, device=device, dtype=dtype)
        dense = nn.Linear(width, 4 * width, device=device, dtype=dtype)
        with torch.no_grad():
            norm.weight.copy_(random(width))
            norm.bias.copy_(random(width))
            dense.weight.copy_(random(4 * width, width) / width**0.5)
            dense.bias.copy_(random(4 * width))
        # As the joint product gives them: three slices of one row.
        joint = random(rows, 3, heads, width // heads).unbind(1)
        self.attention = (*joint, Bounds(lengths, edges, 256))
        self.add_norm = random(rows, width), random(rows, width), norm
        self.dense_gelu = random(rows, width), dense

    @torch.inference_mode()
    def agrees(
        self, name: str, quick: Callable[..., Tensor], plain: Callable[..., Tensor], given: tuple[object, ...]
    ) -> bool:
        """Whether both say the same; if not, a sentence says what is done without."""
        try:
            expected = plain(*given).float()
            off = float((quick(*given).float() - expected).abs().max() / expected.abs().max())
            if off <= _CLOSE:
                return True
            why = f"it is off by {off:.2%}"
        except Exception as error:  # noqa: BLE001 - a driver, a compiler or a version may fail in any way
            why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        print(f"litmine computes without {name} on this GPU, more slowly: {why}", file=sys.stderr, flush=True)
        return False

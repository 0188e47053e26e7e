"""Which kernels a model is computed with on a device.

Each quick one is tried when a model is loaded, and held against the plain one: where it fails, or says something else,
the plain one stays, and a sentence on stderr says so.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import torch
from torch import Tensor, nn

from litmine.nn import kernels_cpu, kernels_gpu
from litmine.nn.devices import bfloat16_is_fast
from litmine.nn.kernels import PLAIN, Bounds, Kernels, Product

# Of the largest value: bf16 has 8 bits.
_CLOSE, _CLOSE_FLOAT32 = 0.02, 1e-4


@cache
def quick_kernels(device: torch.device, dtype: torch.dtype, heads: int, width: int) -> Kernels | None:
    """The quickest that work there for a model of that many heads and that width; None where pieces are to be padded.

    They are where bf16 is not multiplied in hardware, and on a GPU in float32.
    """
    trial = partial(_Trial, device, dtype, heads, width)
    if device.type == "cuda":
        return None if dtype == torch.float32 else _on_gpu(trial())
    if dtype == torch.float32:
        return on_cpu(trial(), kernels_cpu.FLOAT32)
    return on_cpu(trial(), kernels_cpu.BF16) if dtype == torch.bfloat16 and bfloat16_is_fast(device) else None


def _on_gpu(given: "_Trial") -> Kernels | None:
    # Without the attention for pieces of any length there is nothing to win by packing.
    if not given.agrees("attention", kernels_gpu.attention, PLAIN.attention, given.attention):
        return None
    found = replace(PLAIN, attention=kernels_gpu.attention)
    if given.agrees("the fused sum and normalisation", kernels_gpu.add_norm, PLAIN.add_norm, given.add_norm):
        found = replace(found, add_norm=kernels_gpu.add_norm)
    if given.agrees_product("the fused product and GELU", kernels_gpu.product_gelu, PLAIN.product_gelu):
        found = replace(found, product_gelu=kernels_gpu.product_gelu)
    return found


def on_cpu(given: "_Trial", quick: Kernels) -> Kernels:
    """What of these a processor is given."""
    if not given.agrees("attention by lengths", quick.attention, PLAIN.attention, given.attention):
        return PLAIN
    # Not every processor has them.
    if (
        torch.backends.mkldnn.is_available()
        and given.agrees_product("products with ordered weights", quick.product, PLAIN.product)
        and given.agrees_product("the fused product and GELU", quick.product_gelu, PLAIN.product_gelu)
    ):
        return quick
    return replace(PLAIN, attention=quick.attention)


class _Trial:
    """Random values for three pieces of different lengths."""

    def __init__(self, device: torch.device, dtype: torch.dtype, heads: int, width: int) -> None:
        self._close = _CLOSE_FLOAT32 if dtype == torch.float32 else _CLOSE
        self._where = "GPU" if device.type == "cuda" else "processor"
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
        self._product = random(rows, width), dense

    def agrees_product(
        self, name: str, quick: Callable[[nn.Linear], Product], plain: Callable[[nn.Linear], Product]
    ) -> bool:
        """The same of a product that is made ready first."""
        hidden, dense = self._product
        return self.agrees(name, lambda: quick(dense)(hidden), lambda: plain(dense)(hidden), ())

    @torch.inference_mode()
    def agrees(
        self, name: str, quick: Callable[..., Tensor], plain: Callable[..., Tensor], given: tuple[object, ...]
    ) -> bool:
        """Whether both say the same; if not, a sentence says what is done without."""
        try:
            expected = plain(*given).float()
            off = float((quick(*given).float() - expected).abs().max() / expected.abs().max())
            if off <= self._close:
                return True
            why = f"it is off by {off:.2%}"
        except Exception as error:  # noqa: BLE001 - a driver, a compiler or a version may fail in any way
            why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        print(f"litmine computes without {name} on this {self._where}, more slowly: {why}", file=sys.stderr, flush=True)
        return False

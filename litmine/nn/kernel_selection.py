"""Choose the fastest kernels that work for a model on a device.

When a model is loaded, each fast kernel is compared with its plain version. If it raises or its result differs, the
plain version is used, and a message on stderr says so.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import torch
from torch import Tensor, nn

from litmine.nn import kernels_cpu, kernels_gpu
from litmine.nn.devices import bfloat16_is_fast
from litmine.nn.kernels import PLAIN, Kernels, Product, WindowBounds
from litmine.nn.torch_internals import linear_gelu_error, prepacked_linear_error

# Largest accepted error, relative to the largest value. bf16 has 8 significant bits.
_TOLERANCE, _TOLERANCE_FLOAT32 = 0.02, 1e-4


@cache
def fastest_kernels(device: torch.device, dtype: torch.dtype, heads: int, width: int) -> Kernels | None:
    """The fastest kernels for a model with that many heads and that width; None if windows must be padded instead.

    Padding is faster in float32 on a GPU, and in bf16 on a CPU that does not multiply it in hardware.
    """
    make_check = partial(KernelCheck, device, dtype, heads, width)
    if device.type == "cuda":
        return None if dtype == torch.float32 else _select_gpu_kernels(make_check())
    if dtype == torch.float32:
        return select_cpu_kernels(make_check(), kernels_cpu.FLOAT32)
    return (
        select_cpu_kernels(make_check(), kernels_cpu.BF16)
        if dtype == torch.bfloat16 and bfloat16_is_fast(device)
        else None
    )


def select_cpu_kernels(check: "KernelCheck", fast: Kernels) -> Kernels:
    """The kernels of `fast` that work on this CPU, the others plain."""
    if not check.agrees("attention by window length", fast.attention, PLAIN.attention, check.attention):
        return PLAIN
    # torch is built without oneDNN for some processors.
    if (
        torch.backends.mkldnn.is_available()
        and check.works("prepacked weights", prepacked_linear_error(check.dtype))
        and check.product_agrees("prepacked weights", fast.product, PLAIN.product)
        and check.product_agrees("the fused product and GELU", fast.product_gelu, PLAIN.product_gelu)
    ):
        return fast
    return replace(PLAIN, attention=fast.attention)


def _select_gpu_kernels(check: "KernelCheck") -> Kernels | None:
    # Packing gains nothing without attention over windows of any length.
    if not check.agrees("variable-length attention", kernels_gpu.attention, PLAIN.attention, check.attention):
        return None
    kernels = replace(PLAIN, attention=kernels_gpu.attention)
    if check.agrees("the fused sum and normalisation", kernels_gpu.add_norm, PLAIN.add_norm, check.add_norm):
        kernels = replace(kernels, add_norm=kernels_gpu.add_norm)
    name = "the fused product and GELU"
    if check.works(name, linear_gelu_error(check.device, check.dtype)) and check.product_agrees(
        name, kernels_gpu.product_gelu, PLAIN.product_gelu
    ):
        kernels = replace(kernels, product_gelu=kernels_gpu.product_gelu)
    return kernels


class KernelCheck:
    """Compares kernels on random values for three windows of different lengths.

    Attributes: `device`, `dtype`, and the arguments of two steps: `attention`, `add_norm`.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype, heads: int, width: int) -> None:
        self.device, self.dtype = device, dtype
        self._tolerance = _TOLERANCE_FLOAT32 if dtype == torch.float32 else _TOLERANCE
        lengths = [130, 2, 61]
        edges = torch.tensor([0, 130, 132, 193], dtype=torch.int32, device=device)
        generator = torch.Generator(device).manual_seed(0)

        def random(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, device=device).to(dtype)

        tokens = sum(lengths)
        norm = nn.LayerNorm(width, device=device, dtype=dtype)
        dense = nn.Linear(width, 4 * width, device=device, dtype=dtype)
        with torch.no_grad():
            norm.weight.copy_(random(width))
            norm.bias.copy_(random(width))
            dense.weight.copy_(random(4 * width, width) / width**0.5)
            dense.bias.copy_(random(4 * width))
        # Three slices of one tensor, as the joint product of a layer returns them.
        query_key_value = random(tokens, 3, heads, width // heads).unbind(1)
        self.attention = (*query_key_value, WindowBounds(lengths, edges, 256))
        self.add_norm = random(tokens, width), random(tokens, width), norm
        self._product = random(tokens, width), dense

    def product_agrees(
        self, name: str, fast: Callable[[nn.Linear], Product], plain: Callable[[nn.Linear], Product]
    ) -> bool:
        """`agrees` for a product, which is prepared before it is called."""
        hidden, dense = self._product
        return self.agrees(name, lambda: fast(dense)(hidden), lambda: plain(dense)(hidden), ())

    @torch.inference_mode()
    def agrees(
        self,
        name: str,
        fast: Callable[..., Tensor],
        plain: Callable[..., Tensor],
        arguments: tuple[object, ...],
    ) -> bool:
        """Whether both functions return the same within the tolerance; if not, print a message on stderr."""
        try:
            expected = plain(*arguments).float()
            error = float((fast(*arguments).float() - expected).abs().max() / expected.abs().max())
            return self.works(name, "" if error <= self._tolerance else f"its error is {error:.2%}")
        except Exception as error:  # noqa: BLE001 - a driver, a compiler or a version may fail in any way
            return self.works(name, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")

    def works(self, name: str, problem: str) -> bool:
        """True without a problem; otherwise print a message on stderr that the kernel is not used."""
        if problem:
            processor = "GPU" if self.device.type == "cuda" else "CPU"
            message = f"litmine runs more slowly on this {processor}, without {name}: {problem}"
            print(message, file=sys.stderr, flush=True)
        return not problem

"""Where a model runs, and in which precision.

Memory that a CPU's tensors leave is kept for the next ones, and what says that there is none left.

glibc gives large blocks back to the system at once, and every layer's output then costs page faults anew. 300 abstracts
through BERT-base in bf16 on 2 cores: 25.7 s and 2.0 M page faults; 23.8 and 24.0 s and 0.3 M when the blocks are kept.
"""

import ctypes
import sys
from contextlib import suppress

import torch

from litmine.errors import ModelError, SettingError

# Of mallopt(3).
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


def keep_memory() -> None:
    """Tell glibc, where it is there, to take tensors from the heap and to keep what it has."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            libc = ctypes.CDLL(None)
            libc.mallopt(_MMAP_MAX, 0)
            libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def short_of_memory(error: Exception) -> bool:
    """Whether an error says that memory, of the machine or of the GPU, is used up."""
    # Who plans and has nothing to do never needs it, and it takes seconds.
    import torch

    # Of torch's own only the GPU's has a class.
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "DefaultCPUAllocator: can't allocate" in str(
        error
    )


def choose_device(device: str) -> torch.device:
    """`auto`, `cpu` or `cuda` as torch has it (ModelError where there is no GPU)."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError("no GPU can be used here; leave --gpus out, or check the driver with nvidia-smi")
    if device.partition(":")[0] not in {"cpu", "cuda"}:
        raise SettingError(f"a model runs on auto, cpu or cuda, and not on {device!r}")
    return torch.device(device)


def choose_precision(precision: str, device: torch.device) -> str:
    """`float32` or `bf16`: on `auto`, bf16 where the processor multiplies it in hardware."""
    if precision not in {"auto", "float32", "bf16"}:
        raise SettingError(f"the precision is auto, float32 or bf16, and not {precision!r}")
    if precision == "auto":
        return "bf16" if bfloat16_is_fast(device) else "float32"
    return precision


def bfloat16_is_fast(device: torch.device) -> bool:
    """Whether bf16 products run in hardware there: AMX or AVX-512 BF16 on a CPU, Ampere or later on a GPU."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())

"""Choose the device and precision of a model, and handle the memory of the CPU.

glibc returns freed large blocks to the system at once, so that each layer's output costs page faults again. 300
abstracts through BERT-base in bf16 on 2 cores took 25.7 s with 2.0 M page faults, and 23.8 to 24.0 s with 0.3 M when
glibc kept the blocks.
"""

import ctypes
import sys
from contextlib import suppress
from pathlib import Path

import torch

from litmine.errors import ModelError, SettingError

# Parameters of mallopt(3).
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
# CPU features that multiply bf16 in hardware, by their names in torch and in /proc/cpuinfo.
_BF16_FEATURES = ("amx_tile", "avx512_bf16")


def keep_freed_memory() -> None:
    """Make glibc allocate tensors on the heap and keep freed memory for the next ones; a no-op without glibc."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            libc = ctypes.CDLL(None)
            libc.mallopt(_MMAP_MAX, 0)
            libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error reports that the memory of the machine or of the GPU is full."""
    # torch has an exception class for GPU memory only.
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return "DefaultCPUAllocator: can't allocate" in str(error)


def choose_device(device: str) -> torch.device:
    """The torch device for `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises ModelError if there is no GPU, SettingError for any other device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError("no GPU is available; leave --gpus out, or check the driver with nvidia-smi")
    if device.partition(":")[0] not in {"cpu", "cuda"}:
        raise SettingError(f"the device must be auto, cpu or cuda, not {device!r}")
    return torch.device(device)


def choose_precision(precision: str, device: torch.device) -> str:
    """`float32` or `bf16`; `auto` chooses bf16 if the device multiplies it in hardware. Raises SettingError."""
    if precision not in {"auto", "float32", "bf16"}:
        raise SettingError(f"the precision must be auto, float32 or bf16, not {precision!r}")
    if precision == "auto":
        return "bf16" if bfloat16_is_fast(device) else "float32"
    return precision


def bfloat16_is_fast(device: torch.device) -> bool:
    """Whether the device multiplies bf16 in hardware: AMX or AVX-512 BF16 on a CPU, Ampere or later on a GPU."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return any(_cpu_feature(name) for name in _BF16_FEATURES)


def _cpu_feature(name: str) -> bool:
    """Whether the CPU has a feature; from /proc/cpuinfo if torch is too old to report it."""
    try:
        return bool(torch.cpu.get_capabilities().get(name, False))
    except (AttributeError, RuntimeError):
        cpuinfo = Path("/proc/cpuinfo")
        return cpuinfo.is_file() and name in cpuinfo.read_text(encoding="utf-8").split()

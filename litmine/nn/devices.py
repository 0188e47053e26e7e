"""Where a model runs, and in which precision."""

import torch

from litmine.errors import ModelError, SettingError


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

"""Weights on disk: safetensors, whole or in int8.

In int8 every matrix is kept as bytes with one scale a row, `round(w / scale)` in -127 to 127; what is computed is
always `int8 * scale` in floating point, so an int8 folder is a model of its own and not a mode of running one.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor

WEIGHTS_FILE = "model.safetensors"
_SCALE = ".int8_scale"


def save_weights(weights: dict[str, Tensor], folder: Path, int8: bool) -> None:
    """Write every weight to the folder, in float32 or with the matrices in int8."""
    stored: dict[str, Tensor] = {}
    for name, weight in weights.items():
        weight = weight.detach().float().cpu().contiguous()
        if int8 and weight.dim() == 2:
            scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
            stored[name] = torch.round(weight / scale).to(torch.int8)
            stored[name + _SCALE] = scale
        else:
            stored[name] = weight
    save_stored(stored, folder)


def save_stored(stored: dict[str, Tensor], folder: Path) -> None:
    """Write weights as they are to be kept."""
    # As bytes: save_file makes a file that nobody else can read.
    (folder / WEIGHTS_FILE).write_bytes(save(stored, metadata={"format": "pt"}))


def load_stored(folder: Path) -> dict[str, Tensor]:
    """Weights as they are kept, scales apart (OSError or SafetensorError when the file is absent or damaged)."""
    return load_file(folder / WEIGHTS_FILE)


def load_weights(folder: Path) -> dict[str, Tensor]:
    """Every weight in float32. Raises as `load_stored`."""
    stored = load_stored(folder)
    return {
        name: weight.float() * stored[name + _SCALE] if name + _SCALE in stored else weight.float()
        for name, weight in stored.items()
        if not name.endswith(_SCALE)
    }

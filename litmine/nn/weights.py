"""Save and load the weights of a model as safetensors, in float32 or in int8.

In int8, each matrix is stored as `round(w / scale)`, -127 to 127, with one scale per row. The model always computes
with `int8 * scale` in floating point. So an int8 folder is another model, not another way of running the same one.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor

WEIGHTS_FILE = "model.safetensors"
_SCALE = ".int8_scale"


def save_weights(weights: dict[str, Tensor], folder: Path, int8: bool) -> None:
    """Save weights in float32, or with `int8` matrices in int8 and the rest in float32."""
    stored: dict[str, Tensor] = {}
    for name, weight in weights.items():
        weight = weight.detach().float().cpu().contiguous()
        if int8 and weight.dim() == 2:
            scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
            stored[name] = torch.round(weight / scale).to(torch.int8)
            stored[name + _SCALE] = scale
        else:
            stored[name] = weight
    save_stored_weights(stored, folder)


def save_stored_weights(stored: dict[str, Tensor], folder: Path) -> None:
    """Save tensors unchanged."""
    # `save_file` creates a file that only its owner can read.
    (folder / WEIGHTS_FILE).write_bytes(save(stored, metadata={"format": "pt"}))


def load_stored_weights(folder: Path) -> dict[str, Tensor]:
    """The tensors of a folder as stored, with scales as separate tensors. Raises OSError or SafetensorError."""
    return load_file(folder / WEIGHTS_FILE)


def load_weights(folder: Path) -> dict[str, Tensor]:
    """The weights of a folder in float32. Raises as `load_stored_weights`."""
    stored = load_stored_weights(folder)
    return {
        name: weight.float() * stored[name + _SCALE] if name + _SCALE in stored else weight.float()
        for name, weight in stored.items()
        if not name.endswith(_SCALE)
    }

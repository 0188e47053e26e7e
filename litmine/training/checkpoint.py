"""Training checkpoints in safetensors: weights, AdamW moments, random number states and the loss of every step.

A killed run continues from its checkpoint and ends with the same weights as an undisturbed one. A checkpoint is written
to a temporary file, synced and renamed, so that the previous one stays if the write fails, for example on a full disk.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from litmine.errors import LakeError, ModelError
from litmine.lake.file_writer import file_write_error, write_atomically

# Not *.safetensors, because that suffix marks a model folder.
_FILE = "training.checkpoint"
# Prefix of the tensors of `state` in the file.
_STATE = "standing/"


def save_checkpoint(
    folder: Path,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    state: dict[str, Tensor],
    training_id: str,
) -> None:
    """Replace the checkpoint. Raises ModelError when it cannot be written; the previous one stays.

    `state` holds what else the training needs to continue. `training_id` identifies the training.
    """
    names: dict[Tensor, str] = {parameter: name for name, parameter in network.named_parameters()}
    tensors = {f"weight/{name}": value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    for parameter, moments in optimizer.state.items():
        for key, value in moments.items():
            tensors[f"optimizer/{key}/{names[parameter]}"] = value.detach().cpu().contiguous()
    tensors |= {f"{_STATE}{name}": value.cpu() for name, value in state.items()}

    def write(temporary: Path) -> None:
        try:
            save_file(tensors, temporary, metadata={"training": json.dumps(training_id)})
        except SafetensorError as error:
            raise _os_error(error) from error

    try:
        write_atomically(folder.resolve() / _FILE, write)
    except LakeError as error:
        raise ModelError(str(error)) from error


def load_checkpoint(
    folder: Path, network: torch.nn.Module, optimizer: torch.optim.Optimizer, training_id: str
) -> dict[str, Tensor]:
    """Restore network and optimizer, and return `state`; empty when the folder has no checkpoint of this training.

    Raises ModelError when the checkpoint is damaged.
    """
    file = folder / _FILE
    if not file.is_file():
        return {}
    try:
        with safe_open(file, framework="pt") as stored:
            if json.loads((stored.metadata() or {}).get("training", "null")) != training_id:
                return {}
            tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{file} is damaged ({error}); start again with --no-resume") from error
    network.load_state_dict(_with_prefix(tensors, "weight/"))
    moments = {key: _with_prefix(tensors, f"optimizer/{key}/") for key in ("step", "exp_avg", "exp_avg_sq")}
    for name, parameter in network.named_parameters():
        # Parameters without a gradient have no moments, for example the pooler of some encoders.
        if name in moments["step"]:
            optimizer.state[parameter] = {key: values[name].to(parameter.device) for key, values in moments.items()}
    return _with_prefix(tensors, _STATE)


def delete_checkpoint(folder: Path) -> None:
    """Delete the checkpoint in the folder, if it has one."""
    (folder / _FILE).unlink(missing_ok=True)


@contextmanager
def model_write_errors(folder: Path) -> Iterator[None]:
    """Raise ModelError, with the remedy, for a file that cannot be written inside this block."""
    try:
        yield
    except OSError as error:
        raise ModelError(str(file_write_error(folder, error))) from error


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, by the rest of their names."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _os_error(error: SafetensorError) -> OSError:
    """The OSError behind a safetensors error, which gives the error number only in its message."""
    number = re.search(r"os error (\d+)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(error))

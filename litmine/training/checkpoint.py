"""Where a training stands, in safetensors: weights, AdamW's moments, random numbers, the loss of each step.

A killed run goes on from it as if nothing had been. It is written aside, made durable and renamed, so that whatever
happens meanwhile, a full disk included, the one before it stays.
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
from litmine.lake.file_writer import unwritable, write_whole

# Not *.safetensors, which is what a model folder is known by.
_FILE = "training.checkpoint"


def save_checkpoint(
    folder: Path,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    standing: dict[str, Tensor],
    training: str,
) -> None:
    """Replace the checkpoint (ModelError when the disk is full, and the last one stays).

    `standing` is whatever else the training must know to go on; `training` says which training this is.
    """
    names: dict[Tensor, str] = {parameter: name for name, parameter in network.named_parameters()}
    tensors = {f"weight/{name}": value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            tensors[f"optimizer/{key}/{names[parameter]}"] = value.detach().cpu().contiguous()
    tensors |= {f"standing/{name}": value.cpu() for name, value in standing.items()}

    def write(temporary: Path) -> None:
        try:
            save_file(tensors, temporary, metadata={"training": json.dumps(training)})
        except SafetensorError as error:
            raise _os_error(error) from error

    try:
        write_whole(folder / _FILE, write)
    except LakeError as error:
        raise ModelError(str(error)) from error


def load_checkpoint(
    folder: Path, network: torch.nn.Module, optimizer: torch.optim.Optimizer, training: str
) -> dict[str, Tensor]:
    """Set network and optimizer where they stood and return `standing`, empty when nothing of this training is there.

    Raises ModelError when the checkpoint is damaged.
    """
    file = folder / _FILE
    if not file.is_file():
        return {}
    try:
        with safe_open(file, framework="pt") as stored:
            if json.loads((stored.metadata() or {}).get("training", "null")) != training:
                return {}
            tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{file} is damaged ({error}); begin anew with --no-resume") from error
    network.load_state_dict(_part(tensors, "weight/"))
    moments = {key: _part(tensors, f"optimizer/{key}/") for key in ("step", "exp_avg", "exp_avg_sq")}
    for name, parameter in network.named_parameters():
        # What has no gradient, as the pooler of some encoders, has no moments.
        if name in moments["step"]:
            optimizer.state[parameter] = {key: own[name].to(parameter.device) for key, own in moments.items()}
    return _part(tensors, "standing/")


def drop_checkpoint(folder: Path) -> None:
    """Forget where a training stood."""
    (folder / _FILE).unlink(missing_ok=True)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """A file that cannot be written inside becomes a ModelError that says what to do; the checkpoint stays."""
    try:
        yield
    except OSError as error:
        raise ModelError(str(unwritable(folder, error))) from error


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _os_error(error: SafetensorError) -> OSError:
    """What safetensors says in words as the error of the system that it was."""
    number = re.search(r"os error (\d+)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(error))

"""Where a training stands, in safetensors: weights, AdamW's moments and the epoch. A killed run goes on from it."""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

_FILE = "checkpoint.safetensors"


def save_checkpoint(
    folder: Path, network: torch.nn.Module, optimizer: torch.optim.Optimizer, epoch: int, recipe: str
) -> None:
    """`epoch` epochs are done. Whole or absent: written aside and renamed."""
    names: dict[torch.Tensor, str] = {parameter: name for name, parameter in network.named_parameters()}
    tensors = {f"weight/{name}": value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            tensors[f"optimizer/{key}/{names[parameter]}"] = value.detach().cpu().contiguous()
    temporary = folder / f".{_FILE}.tmp"
    save_file(tensors, temporary, metadata={"state": json.dumps({"epoch": epoch, "recipe": recipe})})
    temporary.replace(folder / _FILE)


def load_checkpoint(folder: Path, network: torch.nn.Module, optimizer: torch.optim.Optimizer, recipe: str) -> int:
    """How many epochs are done; 0 when there is no checkpoint of this very recipe."""
    file = folder / _FILE
    if not file.is_file():
        return 0
    with safe_open(file, framework="pt") as stored:
        state = json.loads(stored.metadata()["state"])
        if state["recipe"] != recipe:
            return 0
        tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 - not a dict
    network.load_state_dict({key.removeprefix("weight/"): v for key, v in tensors.items() if key.startswith("weight/")})
    for name, parameter in network.named_parameters():
        optimizer.state[parameter] = {
            key.split("/")[1]: value.to(parameter.device)
            for key, value in tensors.items()
            if key.startswith("optimizer/") and key.split("/", 2)[2] == name
        }
    return int(state["epoch"])


def drop_checkpoint(folder: Path) -> None:
    """Forget where a training stood."""
    (folder / _FILE).unlink(missing_ok=True)

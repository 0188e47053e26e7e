"""The steps of a training, whatever is learnt: learning rate, gradient, checkpoints, and what is said meanwhile.

The order of an epoch's batches and its random numbers depend on the seed and the epoch alone, and a checkpoint keeps
how far both are: a run that is killed at any step goes on as if it had not been. In a team each step has its numbers of
its own, so that the first member's checkpoint serves all.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from litmine.errors import ModelError
from litmine.nn.devices import bfloat16_is_fast, keep_freed_memory
from litmine.training.averaging import MovingMean
from litmine.training.checkpoint import load_checkpoint, save_checkpoint
from litmine.training.cuda_graphs import graphed
from litmine.training.distributed import ALONE, Team
from litmine.training.dropout import RandomBytes, set_dropout
from litmine.training.progress import Pace

T = TypeVar("T")
CHECKPOINT_SECONDS = 300.0


class Settings(Protocol):
    """What AdamW and the schedule need to know; every recipe has them (see `Recipe`)."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def warmup(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def clip(self) -> float: ...
    @property
    def dropout(self) -> float: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Course(Generic[T]):
    """What is learnt from, step by step: `steps` of `epochs` passes, the last one perhaps not whole.

    plan: the batches of an epoch, each in as few words as it can be made from, always the same for the same epoch.
    loss: of a batch, the mean loss and the number of tokens; in a team, what this member's share adds to them.
    smooth: how much of the moving mean of the weights a step keeps; the mean is what the network is left with. 0 leaves
    it with its last weights.
    """

    epochs: int
    steps: int
    plan: Callable[[int], Sequence[T]]
    loss: Callable[[T], tuple[Tensor, int]]
    smooth: float = 0.0


def descend(
    network: torch.nn.Module,
    settings: Settings,
    course: Course[T],
    folder: Path,
    training: str,
    say: Callable[[str], None],
    every: float = CHECKPOINT_SECONDS,
    team: Team = ALONE,
) -> Pace:
    """Take the steps of `course` with AdamW, or those that a killed run of this `training` left, and say how it went.

    A checkpoint is written to `folder` after each epoch, and when the last is `every` seconds old. Raises ModelError
    when the loss or the gradient is no number, a checkpoint cannot be written or not every member of the team sees it;
    the last one stays.
    """
    device = next(network.parameters()).device
    random_bytes = set_dropout(network, settings.dropout, device)
    optimizer = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    pace = Pace(course.steps, say)
    mean = MovingMean(network, course.smooth)
    if standing := load_checkpoint(folder, network, optimizer, training):
        _stand(standing, pace, random_bytes, device)
        mean.go_on(standing)
        say(f"going on after step {pace.steps:,} of {course.steps:,}")
    team.level(network, pace.steps)

    def save() -> None:
        stands = _standing(pace, random_bytes, device) | mean.state()
        save_checkpoint(folder, network, optimizer, stands, training)

    def seed(number: int) -> None:
        torch.manual_seed(number)
        random_bytes.seed(number)

    network.train()
    saved, kept, before = time.monotonic(), pace.steps, 0
    with graphed(getattr(network, "encoder", None)):
        for epoch in range(course.epochs):
            batches = course.plan(epoch)
            after = min(before + len(batches), course.steps)
            if pace.steps == before:
                seed(settings.seed * 1_000 + epoch)
            for batch in batches[max(pace.steps - before, 0) : after - before]:
                _set_rate(optimizer, settings.learning_rate * schedule(pace.steps, course.steps, settings.warmup))
                if team.size > 1:
                    seed(team.draw(f"{settings.seed} {pace.steps}"))
                loss, tokens = team.backward(network, *course.loss(batch))
                norm = torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
                _check(loss, float(norm), pace, settings, kept)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                pace.step(tokens, loss)
                mean.step(pace.steps)
                if team.leads and (pace.steps == after or time.monotonic() - saved > every):
                    save()
                    saved, kept = time.monotonic(), pace.steps
                if pace.steps == after:
                    say(f"epoch {epoch + 1} of {course.epochs} is done: loss {pace.loss:.4f}")
            before = after
    mean.end()
    return pace


def schedule(step: int, total: int, warmup: float) -> float:
    """Share of the learning rate: linear up over the warm-up, linear down to nothing."""
    up = max(1, round(total * warmup))
    return (step + 1) / up if step < up else (total - step) / max(1, total - up)


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


@contextmanager
def arithmetic(device: torch.device, bf16: bool) -> Iterator[None]:
    """How the network is computed in training: bf16 products where they are fast, and the attention that suits."""
    # In bf16 the CPU's flash kernel is slow backwards: 78 ms a layer against 12 for plain products (46 passages of 80
    # tokens). In float32 it is the faster one.
    kernel = sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" and bf16 else nullcontext()
    with torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext(), kernel:
        yield


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a training runs: the GPU if there is one, and bf16 where products of it are fast."""

    device: torch.device
    bf16: bool

    @classmethod
    def here(cls) -> "Machine":
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if device.type == "cpu":
            keep_freed_memory()
        return cls(device, bfloat16_is_fast(device))

    @property
    def precision(self) -> str:
        return "bf16" if self.bf16 else "float32"

    @property
    def name(self) -> str:
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return f"CPU, {torch.get_num_threads()} threads"


def _check(loss: float, norm: float, pace: Pace, settings: Settings, kept: int) -> None:
    if not math.isfinite(loss) and not pace.steps:
        raise ModelError(
            f"the loss is no number at step 1 of {pace.total:,}, before anything was learnt: the base's weights are"
            " damaged; copy it again, or start from another"
        )
    if not (math.isfinite(loss) and math.isfinite(norm)):
        what = "gradient" if math.isfinite(loss) else "loss"
        stays = f"the checkpoint of step {kept:,} stays" if kept else "there was no checkpoint yet"
        raise ModelError(
            f"the {what} is no number at step {pace.steps + 1:,} of {pace.total:,}; try a learning rate below"
            f" {settings.learning_rate:g} ({stays})"
        )


def _standing(pace: Pace, random_bytes: RandomBytes, device: torch.device) -> dict[str, Tensor]:
    standing = {
        "losses": torch.tensor(pace.losses, dtype=torch.float64),
        "tokens": torch.tensor(pace.tokens),
        "seconds": torch.tensor(pace.seconds, dtype=torch.float64),
        "random": torch.get_rng_state(),
        "random_bytes": random_bytes.state(),
    }
    return standing | ({"random_cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def _stand(standing: dict[str, Tensor], pace: Pace, random_bytes: RandomBytes, device: torch.device) -> None:
    pace.go_on(standing["losses"].tolist(), int(standing["tokens"]), float(standing["seconds"]))
    torch.set_rng_state(standing["random"])
    random_bytes.go_on(standing["random_bytes"])
    if device.type == "cuda" and "random_cuda" in standing:
        torch.cuda.set_rng_state(standing["random_cuda"], device)

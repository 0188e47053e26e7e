"""The training loop for any loss: learning-rate schedule, gradients, checkpoints and progress messages.

The batch order and the random numbers of an epoch depend only on the seed and the epoch, and a checkpoint stores the
position in both. So a killed run that is resumed ends with the same weights as an undisturbed one. In a process group
the random numbers depend on the seed, the step and the rank instead, so that all members can resume from the checkpoint
of the main process.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from litmine.errors import ModelError
from litmine.nn.devices import bfloat16_is_fast, keep_freed_memory
from litmine.training.averaging import WeightEma
from litmine.training.checkpoint import load_checkpoint, save_checkpoint
from litmine.training.cuda_graphs import use_cuda_graphs
from litmine.training.distributed import SINGLE_PROCESS, ProcessGroup
from litmine.training.dropout import RandomBytes, set_dropout
from litmine.training.progress import TrainingProgress

T = TypeVar("T")
CHECKPOINT_SECONDS = 300.0


class OptimizerSettings(Protocol):
    """Settings of AdamW, the schedule and dropout; `TrainingRecipe` documents them."""

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
class TrainingPlan(Generic[T]):
    """The batches of a training and their loss: `steps` steps in `epochs` epochs; the last may be incomplete.

    epoch_batches: descriptions of the batches of an epoch, from which `batch_loss` builds the tensors. They depend on
    the epoch only.
    batch_loss: the mean loss and the number of tokens of a batch; in a process group, this member's part of both.
    ema_decay: share of the weights' moving average that a step keeps. The network ends with the average, or with its
    last weights if this is 0.
    rate_shares: the shares of the learning rate that weights get whose names begin like this; others get all of it.
    """

    epochs: int
    steps: int
    epoch_batches: Callable[[int], Sequence[T]]
    batch_loss: Callable[[T], tuple[Tensor, int]]
    ema_decay: float = 0.0
    rate_shares: Mapping[str, float] = field(default_factory=dict)


def train_network(
    network: torch.nn.Module,
    settings: OptimizerSettings,
    plan: TrainingPlan[T],
    folder: Path,
    training_id: str,
    log: Callable[[str], None],
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    group: ProcessGroup = SINGLE_PROCESS,
) -> TrainingProgress:
    """Train with AdamW, from the checkpoint in `folder` if it belongs to `training_id`; returns the progress.

    A checkpoint is written after each epoch, and when the last one is `checkpoint_seconds` old. Raises ModelError when
    the loss or the gradient is not finite, a checkpoint cannot be written, or the members of the group find different
    checkpoints. The last checkpoint stays.
    """
    device = next(network.parameters()).device
    random_bytes = set_dropout(network, settings.dropout, device)
    optimizer = torch.optim.AdamW(
        _parameter_groups(network, plan.rate_shares),
        settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    progress = TrainingProgress(plan.steps, log)
    ema = WeightEma(network, plan.ema_decay)
    if state := load_checkpoint(folder, network, optimizer, training_id):
        _restore_state(state, progress, random_bytes, device)
        ema.restore(state)
        log(f"resuming after step {progress.steps:,} of {plan.steps:,}")
    group.synchronize(network, progress.steps)

    def save() -> None:
        state = _training_state(progress, random_bytes, device) | ema.state()
        save_checkpoint(folder, network, optimizer, state, training_id)

    def set_seed(seed: int) -> None:
        torch.manual_seed(seed)
        random_bytes.seed(seed)

    network.train()
    # The time and the step of the last checkpoint, and the steps of all earlier epochs.
    saved_at, saved_step, epoch_start = time.monotonic(), progress.steps, 0
    with use_cuda_graphs(getattr(network, "encoder", None)):
        for epoch in range(plan.epochs):
            batches = plan.epoch_batches(epoch)
            epoch_end = min(epoch_start + len(batches), plan.steps)
            if progress.steps == epoch_start:
                set_seed(settings.seed * 1_000 + epoch)
            for batch in batches[max(progress.steps - epoch_start, 0) : epoch_end - epoch_start]:
                factor = learning_rate_factor(progress.steps, plan.steps, settings.warmup)
                _set_learning_rate(optimizer, settings.learning_rate * factor)
                if group.size > 1:
                    set_seed(group.step_seed(f"{settings.seed} {progress.steps}"))
                loss, tokens = group.backward(network, *plan.batch_loss(batch))
                norm = torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
                _check_finite(loss, float(norm), progress, settings, saved_step)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                progress.step(tokens, loss)
                ema.update(progress.steps)
                checkpoint_due = time.monotonic() - saved_at > checkpoint_seconds
                if group.is_main and (progress.steps == epoch_end or checkpoint_due):
                    save()
                    saved_at, saved_step = time.monotonic(), progress.steps
                if progress.steps == epoch_end:
                    log(f"epoch {epoch + 1} of {plan.epochs} is done: loss {progress.loss:.4f}")
            epoch_start = epoch_end
    ema.apply()
    return progress


def learning_rate_factor(step: int, total: int, warmup: float) -> float:
    """The share of the peak learning rate at a step: linear warm-up, then linear decay to zero."""
    warmup_steps = max(1, round(total * warmup))
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return (total - step) / max(1, total - warmup_steps)


def _parameter_groups(network: torch.nn.Module, shares: Mapping[str, float]) -> list[dict[str, Any]]:
    """The weights of a network by their share of the learning rate."""
    groups: dict[float, list[torch.nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        share = next((share for prefix, share in shares.items() if name.startswith(prefix)), 1.0)
        groups.setdefault(share, []).append(parameter)
    return [{"params": parameters, "rate_share": share} for share, parameters in groups.items()]


def _set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * group["rate_share"]


def _check_finite(
    loss: float, norm: float, progress: TrainingProgress, settings: OptimizerSettings, saved_step: int
) -> None:
    """Raise ModelError when the loss or the norm of the gradient is not finite."""
    if not math.isfinite(loss) and not progress.steps:
        raise ModelError(
            f"the loss is not finite at step 1 of {progress.total:,}, so the base's weights are damaged; copy the base"
            " again, or use another"
        )
    if not (math.isfinite(loss) and math.isfinite(norm)):
        what = "gradient" if math.isfinite(loss) else "loss"
        checkpoint = f"the checkpoint of step {saved_step:,} stays" if saved_step else "no checkpoint was written yet"
        raise ModelError(
            f"the {what} is not finite at step {progress.steps + 1:,} of {progress.total:,}; try a learning rate below"
            f" {settings.learning_rate:g} ({checkpoint})"
        )


def _training_state(progress: TrainingProgress, random_bytes: RandomBytes, device: torch.device) -> dict[str, Tensor]:
    """Progress and random number states, for a checkpoint."""
    state = {
        "losses": torch.tensor(progress.losses, dtype=torch.float64),
        "tokens": torch.tensor(progress.tokens),
        "seconds": torch.tensor(progress.seconds, dtype=torch.float64),
        "random": torch.get_rng_state(),
        "random_bytes": random_bytes.state(),
    }
    return state | ({"random_cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def _restore_state(
    state: dict[str, Tensor], progress: TrainingProgress, random_bytes: RandomBytes, device: torch.device
) -> None:
    progress.restore(state["losses"].tolist(), int(state["tokens"]), float(state["seconds"]))
    torch.set_rng_state(state["random"])
    random_bytes.restore(state["random_bytes"])
    if device.type == "cuda" and "random_cuda" in state:
        torch.cuda.set_rng_state(state["random_cuda"], device)


@dataclass(frozen=True, slots=True)
class TrainingDevice:
    """The device of a training, and whether its matrix products are computed in bf16."""

    device: torch.device
    bf16: bool

    @classmethod
    def current(cls) -> "TrainingDevice":
        """The GPU if this machine has one, else the CPU; bf16 where it is fast."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if device.type == "cpu":
            keep_freed_memory()
        return cls(device, bfloat16_is_fast(device))

    @property
    def precision(self) -> str:
        """The precision as model cards show it."""
        return "bf16" if self.bf16 else "float32"

    @property
    def name(self) -> str:
        """The device as model cards show it."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'' if threads == 1 else 's'}"


@contextmanager
def training_precision(device: torch.device, bf16: bool) -> Iterator[None]:
    """Inside this block, compute in bf16 if `bf16` is set, with the attention kernel that is fastest in training."""
    # In bf16 the CPU's flash kernel has a slow backward pass: 78 ms a layer against 12 ms for plain products (46
    # passages of 80 tokens). In float32 it is the faster one.
    kernel = sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" and bf16 else nullcontext()
    with torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext(), kernel:
        yield

"""Data-parallel training: each process of a group computes its share of every batch.

All members hold the same weights and take the same steps. They differ in the sequences that they read and in their
random numbers. Only the main process, rank 0, writes files and messages.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from litmine.errors import ModelError


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """The process group from the view of one member: its rank, from 0, and the number of members."""

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> "ProcessGroup":
        """The group of torch.distributed if this process has joined one, else a group of one."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return SINGLE_PROCESS

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and messages."""
        return self.rank == 0

    def select_share(self, lengths: Sequence[int]) -> list[int]:
        """The indices of this member's sequences in a batch, from the lengths of all; it may be empty.

        Sequences are assigned longest first, each to the member that then has the fewest tokens, padding included. So
        the tokens of two members differ by at most the longest sequence.
        """
        shares: list[list[int]] = [[] for _ in range(self.size)]
        for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
            min(shares, key=lambda share: (len(share) + 1) * lengths[share[0] if share else i]).append(i)
        return sorted(shares[self.rank])

    def step_seed(self, step: str) -> int:
        """This member's random seed for a step; the same in every run."""
        return random.Random(f"{step} {self.rank}").getrandbits(63)

    def backward(self, network: nn.Module, loss: Tensor, tokens: int) -> tuple[float, int]:
        """Set every gradient to the sum over the members; returns the sums of `loss` and `tokens`.

        A member without sequences passes a loss without a gradient. A parameter that has no gradient in any member
        keeps none.
        """
        if loss.requires_grad:
            loss.backward()
        if self.size == 1:
            return float(loss.detach()), tokens
        parameters = list(network.parameters())
        sizes = [parameter.numel() for parameter in parameters]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        counts = [float(tokens), *(float(p.grad is not None) for p in parameters)]
        flat = [*(gradient.flatten() for gradient in gradients), loss.detach().view(1), loss.new_tensor(counts)]
        # One exchange per step. Whole numbers below 16 million are exact in float32.
        total = torch.cat(flat)
        distributed.all_reduce(total)
        *sums, all_losses, all_tokens, with_gradient = total.split([*sizes, 1, 1, len(sizes)])
        for parameter, gradient, has_gradient in zip(parameters, sums, with_gradient.tolist(), strict=True):
            parameter.grad = gradient.view_as(parameter) if has_gradient else None
        return float(all_losses), int(all_tokens)

    def synchronize(self, network: nn.Module, steps: int) -> None:
        """Give every member the main process's weights. Raises ModelError when members differ in completed steps."""
        if self.size == 1:
            return
        for weight in network.state_dict().values():
            distributed.broadcast(weight, 0)
        bounds = torch.tensor([steps, -steps], device=next(network.parameters()).device)
        distributed.all_reduce(bounds, distributed.ReduceOp.MAX)
        most, least = bounds.tolist()
        if most != -least:
            raise ModelError(
                "the workers found different checkpoints; put the output folder where every machine can read it"
            )


SINGLE_PROCESS = ProcessGroup()

"""Who shares a training: one process alone, or several that each take a part of every step's batch.

All of them hold the same weights and make the same steps; they differ in what they read and draw, and the first one
writes and speaks for all.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from litmine.errors import ModelError


@dataclass(frozen=True, slots=True)
class Team:
    """One of `size` members, counted from 0."""

    rank: int = 0
    size: int = 1

    @classmethod
    def here(cls) -> "Team":
        """The team that torch.distributed makes this process a member of, or this process alone."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return ALONE

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def share(self, lengths: Sequence[int]) -> list[int]:
        """Which sequences of a batch are this member's: every one is somebody's, maybe none is this one's.

        The longest goes first, each to whoever has the fewest tokens with it, padding included: two members' tokens
        differ by no more than the longest sequence.
        """
        hands: list[list[int]] = [[] for _ in range(self.size)]
        for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
            min(hands, key=lambda hand: (len(hand) + 1) * lengths[hand[0] if hand else i]).append(i)
        return sorted(hands[self.rank])

    def draw(self, step: str) -> int:
        """A seed of this member's own for a step, the same whenever it is asked."""
        return random.Random(f"{step} {self.rank}").getrandbits(63)

    def backward(self, network: nn.Module, loss: Tensor, tokens: int) -> tuple[float, int]:
        """Leave every parameter the sum of the members' gradients; returns the sums of `loss` and `tokens`.

        A member without a share has a loss without a gradient. A parameter without a gradient everywhere stays so.
        """
        if loss.requires_grad:
            loss.backward()
        if self.size == 1:
            return float(loss.detach()), tokens
        parameters = list(network.parameters())
        sizes = [parameter.numel() for parameter in parameters]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        figures = [float(tokens), *(float(p.grad is not None) for p in parameters)]
        flat = [*(gradient.flatten() for gradient in gradients), loss.detach().view(1), loss.new_tensor(figures)]
        # One exchange a step; below 16 M, whole numbers are exact in float32.
        total = torch.cat(flat)
        distributed.all_reduce(total)
        *sums, all_losses, all_tokens, given = total.split([*sizes, 1, 1, len(sizes)])
        for parameter, gradient, is_given in zip(parameters, sums, given.tolist(), strict=True):
            parameter.grad = gradient.view_as(parameter) if is_given else None
        return float(all_losses), int(all_tokens)

    def level(self, network: nn.Module, steps: int) -> None:
        """Give every member the first one's weights; ModelError unless all have done as many steps."""
        if self.size == 1:
            return
        for weight in network.state_dict().values():
            distributed.broadcast(weight, 0)
        bounds = torch.tensor([steps, -steps], device=next(network.parameters()).device)
        distributed.all_reduce(bounds, distributed.ReduceOp.MAX)
        most, least = bounds.tolist()
        if most != -least:
            raise ModelError("some workers see no checkpoint, or another; every machine must see the output folder")


ALONE = Team()

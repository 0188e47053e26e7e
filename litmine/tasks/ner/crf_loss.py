"""What a chain costs: minus the log of the share that the right path of labels has of all paths (see models/chain.py).

The sum over all paths is a product of one 3 by 3 matrix a word, taken in pairs, so that 256 words take 8 steps.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from litmine.nn.crf import BIO

_NEVER = -1e4


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the words of a batch stand, worked out on the CPU: a GPU that is asked for a length has to stop for it.

    rows and places: the text of each word, and which of its words it is; first and last: those of each text.
    """

    rows: Tensor
    places: Tensor
    first: Tensor
    last: Tensor
    longest: int

    @classmethod
    def of(cls, rows: Tensor, device: torch.device) -> "Layout":
        """rows: the text of each word, ascending from 0, (words,), on the CPU."""
        lengths = torch.bincount(rows)
        last = lengths.cumsum(0) - 1
        first = last - lengths + 1
        places = torch.arange(len(rows)) - first[rows]
        longest = int(lengths.max())
        return cls(rows.to(device), places.to(device), first.to(device), last.to(device), longest)


def path_costs(logits: Tensor, layout: Layout, shares: Tensor, transitions: Tensor) -> Tensor:
    """The cost of each text under each head: (texts, heads).

    logits: (words, heads, BIO). shares: what each label is worth at each word, 1 for the right one, or whatever
    probabilities a teacher has, (words, heads, BIO). transitions: (heads, BIO, BIO).
    """
    right = _mean_score(logits, layout, shares, transitions)
    total = _log_sum(logits, layout, transitions)
    return total - torch.zeros_like(total).index_add(0, layout.rows, right)


def probabilities(logits: Tensor, layout: Layout, transitions: Tensor) -> Tensor:
    """Those of each label under all paths, (words, heads, BIO): the gradient of the log of their sum."""
    with torch.inference_mode(False), torch.enable_grad():
        given = logits.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(_log_sum(given, layout, transitions.detach().clone()).sum(), given)
    return gradient


def _mean_score(logits: Tensor, layout: Layout, shares: Tensor, transitions: Tensor) -> Tensor:
    """The score of the paths that `shares` speaks of, word by word: (words, heads)."""
    before = shares.roll(1, 0)
    before[layout.first] = 0
    before[layout.first, :, BIO.index("O")] = 1
    score = (logits * shares).sum(dim=-1) + torch.einsum("wha,hab,whb->wh", before, transitions, shares)
    return score.index_add(0, layout.last, (shares[layout.last] * transitions[:, :, 0]).sum(dim=-1))


def _log_sum(logits: Tensor, layout: Layout, transitions: Tensor) -> Tensor:
    """The log of the sum over all paths: (texts, heads)."""
    nothing = torch.full((len(BIO), len(BIO)), _NEVER, device=logits.device).fill_diagonal_(0)
    steps = nothing.expand(len(layout.last), layout.longest, logits.shape[1], -1, -1).clone()
    steps[layout.rows, layout.places] = transitions + logits[:, :, None, :]
    while steps.shape[1] > 1:
        if steps.shape[1] % 2:
            steps = torch.cat((steps, nothing.expand_as(steps[:, :1])), dim=1)
        steps = (steps[:, 0::2, ..., None] + steps[:, 1::2, ..., None, :, :]).logsumexp(-2)
    return (steps[:, 0, :, 0] + transitions[:, :, 0]).logsumexp(-1)

"""What a chain costs: minus the log of the share that the right path of labels has of all paths (see models/chain.py).

The sum over all paths is a product of one 3 by 3 matrix a word, taken in pairs, so that 256 words take 8 steps.
"""

import torch
from torch import Tensor

from litmine.models.chain import BIO

_NEVER = -1e4


def path_costs(logits: Tensor, rows: Tensor, shares: Tensor, transitions: Tensor) -> Tensor:
    """The cost of each text under each head: (texts, heads).

    logits: (words, heads, BIO). rows: the text of each word, ascending from 0, (words,). shares: what each label is
    worth at each word, 1 for the right one, or whatever probabilities a teacher has, (words, heads, BIO).
    transitions: (heads, BIO, BIO).
    """
    lengths = torch.bincount(rows)
    right = _mean_score(logits, lengths, shares, transitions)
    return _log_sum(logits, rows, lengths, transitions) - right.new_zeros(len(lengths), right.shape[1]).index_add(
        0, rows, right
    )


def probabilities(logits: Tensor, rows: Tensor, transitions: Tensor) -> Tensor:
    """Those of each label under all paths, (words, heads, BIO): the gradient of the log of their sum."""
    with torch.inference_mode(False), torch.enable_grad():
        given = logits.clone().requires_grad_()
        total = _log_sum(given, rows.clone(), torch.bincount(rows.clone()), transitions.detach().clone()).sum()
        (gradient,) = torch.autograd.grad(total, given)
    return gradient


def _mean_score(logits: Tensor, lengths: Tensor, shares: Tensor, transitions: Tensor) -> Tensor:
    """The score of the paths that `shares` speaks of, word by word: (words, heads)."""
    last = lengths.cumsum(0) - 1
    before = shares.roll(1, 0)
    before[last - lengths + 1] = shares.new_tensor([1.0, 0.0, 0.0])
    score = (logits * shares).sum(dim=-1) + torch.einsum("wha,hab,whb->wh", before, transitions, shares)
    return score.index_add(0, last, (shares[last] * transitions[:, :, 0]).sum(dim=-1))


def _log_sum(logits: Tensor, rows: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    """The log of the sum over all paths: (texts, heads)."""
    place = torch.arange(len(rows), device=rows.device) - (lengths.cumsum(0) - lengths)[rows]
    nothing = torch.full((len(BIO), len(BIO)), _NEVER, device=logits.device).fill_diagonal_(0)
    steps = nothing.expand(len(lengths), int(lengths.max()), logits.shape[1], -1, -1).clone()
    steps[rows, place] = transitions + logits[:, :, None, :]
    while steps.shape[1] > 1:
        if steps.shape[1] % 2:
            steps = torch.cat((steps, nothing.expand_as(steps[:, :1])), dim=1)
        steps = (steps[:, 0::2, ..., None] + steps[:, 1::2, ..., None, :, :]).logsumexp(-2)
    return (steps[:, 0, :, 0] + transitions[:, :, 0]).logsumexp(-1)

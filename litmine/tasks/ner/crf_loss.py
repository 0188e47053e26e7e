"""The training loss of a linear-chain CRF: the negative log-likelihood of the gold label sequence.

The log partition function is a product of one 3 by 3 matrix per word. The matrices are multiplied in pairs, so 256
words take 8 steps. `litmine.nn.crf` decodes with the same transitions.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from litmine.nn.crf import BIO

# The log-probability of an impossible transition: finite, so that no gradient is NaN.
_IMPOSSIBLE = -1e4


@dataclass(frozen=True, slots=True)
class WordLayout:
    """Positions of a batch's words, computed on the CPU because reading a length from a GPU stalls it.

    rows, places: for each word its text, and its position among the text's words. first, last: for each text the index
    of its first and last word. longest: words of the longest text.
    """

    rows: Tensor
    places: Tensor
    first: Tensor
    last: Tensor
    longest: int

    @classmethod
    def of(cls, rows: Tensor, device: torch.device) -> "WordLayout":
        """Compute the layout from `rows`: the text of each word, ascending from 0, (words,), on the CPU."""
        lengths = torch.bincount(rows)
        last = lengths.cumsum(0) - 1
        first = last - lengths + 1
        places = torch.arange(len(rows)) - first[rows]
        longest = int(lengths.max())
        return cls(rows.to(device), places.to(device), first.to(device), last.to(device), longest)


def negative_log_likelihood(logits: Tensor, layout: WordLayout, targets: Tensor, transitions: Tensor) -> Tensor:
    """The negative log-likelihood of the target labels for each text and head: (texts, heads).

    logits: (words, heads, BIO). targets: label distributions (words, heads, BIO), one-hot for gold labels or a
    teacher's probabilities. transitions: (heads, BIO, BIO).
    """
    target_score = _expected_score(logits, layout, targets, transitions)
    log_partition = _log_partition(logits, layout, transitions)
    return log_partition - torch.zeros_like(log_partition).index_add(0, layout.rows, target_score)


def marginal_probabilities(logits: Tensor, layout: WordLayout, transitions: Tensor) -> Tensor:
    """The marginal probability of each label, (words, heads, BIO): the gradient of the log partition function."""
    with torch.inference_mode(False), torch.enable_grad():
        inputs = logits.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(_log_partition(inputs, layout, transitions.detach().clone()).sum(), inputs)
    return gradient


def _expected_score(logits: Tensor, layout: WordLayout, targets: Tensor, transitions: Tensor) -> Tensor:
    """The expected score of the label sequences under `targets`, by word: (words, heads)."""
    before = targets.roll(1, 0)
    before[layout.first] = 0
    before[layout.first, :, BIO.index("O")] = 1
    score = (logits * targets).sum(dim=-1) + torch.einsum("wha,hab,whb->wh", before, transitions, targets)
    return score.index_add(0, layout.last, (targets[layout.last] * transitions[:, :, 0]).sum(dim=-1))


def _log_partition(logits: Tensor, layout: WordLayout, transitions: Tensor) -> Tensor:
    """The log of the summed exponentials of all label sequences' scores: (texts, heads)."""
    identity = torch.full((len(BIO), len(BIO)), _IMPOSSIBLE, device=logits.device).fill_diagonal_(0)
    steps = identity.expand(len(layout.last), layout.longest, logits.shape[1], -1, -1).clone()
    steps[layout.rows, layout.places] = transitions + logits[:, :, None, :]
    while steps.shape[1] > 1:
        if steps.shape[1] % 2:
            steps = torch.cat((steps, identity.expand_as(steps[:, :1])), dim=1)
        steps = (steps[:, 0::2, ..., None] + steps[:, 1::2, ..., None, :, :]).logsumexp(-2)
    return (steps[:, 0, :, 0] + transitions[:, :, 0]).logsumexp(-1)

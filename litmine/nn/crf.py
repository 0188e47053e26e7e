"""A linear-chain conditional random field over B/I/O labels, one per head (Lafferty, McCallum, Pereira 2001).

The score of a label path is the sum of its words' logits and of the transitions between neighbouring labels. The label
O comes before the first word of a text and after its last.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

# The labels of a chain, in this order.
BIO = ("O", "B", "I")
# A word is certainly O if O leads the other labels by more than this. Its lead plus the next word's lead of O over I
# must also exceed twice this value, because an I in the next word could call for a B here. Certain words split a text
# into short independent runs. Most runs are dropped too, since none of their words can start a mention.
CERTAIN_LEAD = 4.0
# Transitions are the weights times this factor: twelve numbers must learn values of whole logits at the small
# learning rate of all other weights.
_SCALE = 32.0
_UNLIKELY = -6.0
# Allowance for rounding errors of float32 sums.
_ROUNDING = 1e-3


class LinearChainCrf(nn.Module):
    """Learnt transition scores of each head; at first all 0, except that I after O is unlikely."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        weight = torch.zeros(heads, len(BIO), len(BIO))
        weight[:, BIO.index("O"), BIO.index("I")] = _UNLIKELY / _SCALE
        self.weight = nn.Parameter(weight)

    def transitions(self) -> Tensor:
        """Scores of (head, label, next label)."""
        return self.weight * _SCALE


def mention_gain(transitions: Tensor) -> Tensor:
    """The most that transitions can favour a mention's word over O: (heads,), from transitions (heads, BIO, BIO).

    A mention of n words has one transition into it, n - 1 inside it and one out of it, where O would have n + 1
    transitions to itself. So if O leads by more than the gain at each word of a mention, the best path has no such
    mention.
    """
    outside = transitions[:, 0, 0]
    enter, leave = (scores.amax(1) - outside for scores in (transitions[:, 0, 1:], transitions[:, 1:, 0]))
    inside = transitions[:, 1:, 1:].amax((1, 2)) - outside
    return torch.maximum(enter + leave, inside) + _ROUNDING


def uncertain_words(logits: Tensor, last: Tensor, gains: Tensor) -> Tensor:
    """Which words may have another label than O, (words, heads), from logits (words, heads, BIO).

    last: whether the next row of `logits` does not hold the next word of the text, (words,). gains: `mention_gain`,
    (heads,). A run of uncertain words stays only if one of them may be in a mention, or if it touches a `last` edge,
    where the neighbouring words are not visible.
    """
    outside, beginning, inside = logits.unbind(2)
    lead, lead_over_inside = outside - torch.maximum(beginning, inside), outside - inside
    next_lead = torch.cat((lead_over_inside[1:], lead_over_inside[:1])).masked_fill(last[:, None], 0)
    uncertain = (lead <= CERTAIN_LEAD) | (lead + next_lead <= 2 * CERTAIN_LEAD)
    edge = (last | last.roll(1))[:, None]
    may_be_mention = uncertain & ((lead <= gains) | edge)
    # Number the runs of each head: a run starts where the previous word is certain or belongs to another window.
    previous = torch.cat((uncertain[-1:], uncertain[:-1])) & ~last.roll(1)[:, None]
    run = (uncertain & ~previous).T.flatten().cumsum(0)
    kept_runs = torch.zeros(len(run) + 1, dtype=torch.int32, device=run.device)
    kept_runs.scatter_reduce_(0, run, may_be_mention.T.flatten().int(), "amax")
    return uncertain & kept_runs[run].bool().view(uncertain.T.shape).T


def best_labels(
    logits: NDArray[np.float32],
    head: NDArray[np.int64],
    begins: NDArray[np.bool_],
    transitions: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The best path through each run of uncertain words, and the marginal probability of each of its labels.

    logits: (words, BIO), run after run. head: index of each word's head, the same throughout a run. begins: whether a
    word is the first of its run. transitions: (heads, BIO, BIO). Returns labels (words,) and probabilities (words,).
    """
    label, probability = np.zeros(len(logits), dtype=np.int64), np.zeros(len(logits))
    if not len(logits):
        return label, probability
    firsts = np.flatnonzero(begins)
    lengths = np.diff(np.append(firsts, len(logits)))
    # All runs advance together, longest first, so that the unfinished runs are always the first ones.
    order = np.argsort(-lengths, kind="stable")
    firsts, lengths = firsts[order], lengths[order]
    unfinished = np.searchsorted(-lengths, -np.arange(lengths[0]), side="left")
    steps = [firsts[:runs] + step for step, runs in enumerate(unfinished)]
    # Runs are the last axis, because numpy is fast on long rows.
    columns = logits.T.astype(np.float64)
    best, shares = _decode_runs(
        [columns[:, at] for at in steps], np.moveaxis(transitions.astype(np.float64)[head[firsts]], 0, 2).copy()
    )
    for at, labels, share in zip(steps, best, shares, strict=True):
        label[at] = labels
        probability[at] = share[labels, np.arange(len(at))]
    return label, probability


def _decode_runs(
    logits: Sequence[NDArray[np.float64]], transitions: NDArray[np.float64]
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float64]]]:
    """Best labels by Viterbi and marginal probabilities by forward-backward, for many runs at once.

    logits: for each step (BIO, runs that have this step). transitions: (BIO, BIO, runs). Returns for each step the
    labels (runs,) and the probabilities (BIO, runs).
    """
    emissions = [np.exp(step - step.max(axis=0)) for step in logits]
    factors = np.exp(transitions)
    best, forward = [logits[0] + transitions[0]], [_normalized(emissions[0] * factors[0])]
    for step, emission in zip(logits[1:], emissions[1:], strict=True):
        runs = step.shape[1]
        best.append((best[-1][:, None, :runs] + transitions[:, :, :runs]).max(axis=0) + step)
        forward.append(_normalized((forward[-1][:, None, :runs] * factors[:, :, :runs]).sum(axis=0) * emission))
    labels: list[NDArray[np.int64]] = []
    shares: list[NDArray[np.float64]] = []
    chosen, backward = np.zeros(0, dtype=np.int64), np.zeros((len(BIO), 0))
    for k in reversed(range(len(logits))):
        longer_runs, runs = len(chosen), best[k].shape[1]
        # The next label: the one chosen, or O for the runs that end at this step.
        chosen = np.append(chosen, np.zeros(runs - longer_runs, dtype=np.int64))
        chosen = _argmax_of_three(best[k] + transitions[:, chosen, np.arange(runs)])
        if longer_runs:
            backward = _normalized((factors[:, :, :longer_runs] * (emissions[k + 1] * backward)).sum(axis=1))
        backward = np.concatenate((backward, factors[:, 0, longer_runs:runs]), axis=1)
        labels.append(chosen)
        shares.append(_normalized(forward[k] * backward))
    return labels[::-1], shares[::-1]


def _argmax_of_three(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The first of the best labels, (runs,); `argmax` along the short axis takes several times longer."""
    top: NDArray[np.int64] = np.where(
        scores[2] > np.maximum(scores[0], scores[1]), 2, (scores[1] > scores[0]).astype(np.int64)
    )
    return top


def _normalized(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = weights / weights.sum(axis=0)
    return shares

"""Labels of neighbouring words chosen together: a linear chain a head (Lafferty, McCallum, Pereira 2001).

A path's score is the sum of its words' logits and of what each label says to the one before it. Outside stands before
the first word of a text and after its last.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

# The labels of a chain, in this order.
BIO = ("O", "B", "I")
# A word is outside for sure when that leads by more, and by more than twice as much together with the lead over inside
# of the word after it, which might call for a beginning. Words on either side of it are chosen apart: what is left
# is a few words at a time, and most of these runs go since no word in them can call for a mention.
SURE = 4.0
# A transition is this many times its weight: twelve numbers have units of a logit to learn, in the small steps that
# all other weights take.
_SCALE = 32.0
_UNLIKELY = -6.0
# Of sums in float32.
_ROUNDING = 1e-3


class Chain(nn.Module):
    """What a label says to the one before it, for each head; at first nothing, but that no mention begins inside."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        weight = torch.zeros(heads, len(BIO), len(BIO))
        weight[:, BIO.index("O"), BIO.index("I")] = _UNLIKELY / _SCALE
        self.weight = nn.Parameter(weight)

    def transitions(self) -> Tensor:
        """Scores of (head, label, next label)."""
        return self.weight * _SCALE


def gain(transitions: Tensor) -> Tensor:
    """By how much a chain can favour a word in a mention over one outside, at most: (heads,) of (heads, BIO, BIO).

    A mention of n words goes in once, goes on n - 1 times and goes out once, where outside would have gone on n + 1
    times. So the best path leaves out every mention whose words all have outside lead by more.
    """
    stays = transitions[:, 0, 0]
    enters, leaves = (one.amax(1) - stays for one in (transitions[:, 0, 1:], transitions[:, 1:, 0]))
    goes_on = transitions[:, 1:, 1:].amax((1, 2)) - stays
    return torch.maximum(enters + leaves, goes_on) + _ROUNDING


def unsure(logits: Tensor, last: Tensor, gains: Tensor) -> Tensor:
    """Which words may be anything but outside under which head, (words, heads), of logits (words, heads, BIO).

    last: whether what comes after a word is not the next one here, (words,). gains: as `gain` has them, (heads,). A run
    of words that are not sure has one that may call for a mention, or goes on where nobody can see from here.
    """
    outside, beginning, inside = logits.unbind(2)
    lead, over_inside = outside - torch.maximum(beginning, inside), outside - inside
    after = torch.cat((over_inside[1:], over_inside[:1])).masked_fill(last[:, None], 0)
    doubtful = (lead <= SURE) | (lead + after <= 2 * SURE)
    edge = (last | last.roll(1))[:, None]
    calls = doubtful & ((lead <= gains) | edge)
    # Runs are numbered head after head: one begins where the word before is sure, or is of something else.
    before = torch.cat((doubtful[-1:], doubtful[:-1])) & ~last.roll(1)[:, None]
    run = (doubtful & ~before).T.flatten().cumsum(0)
    called = torch.zeros(len(run) + 1, dtype=torch.int32, device=run.device)
    called.scatter_reduce_(0, run, calls.T.flatten().int(), "amax")
    return doubtful & called[run].bool().view(doubtful.T.shape).T


def choose(
    logits: NDArray[np.float32],
    head: NDArray[np.int64],
    begins: NDArray[np.bool_],
    transitions: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The best path through each run of words that are not sure, and its labels' probabilities under all paths.

    logits: (words, BIO), run after run. head: of each word, the same throughout a run. begins: whether a run begins.
    transitions: (heads, BIO, BIO). Both results: (words,).
    """
    label, probability = np.zeros(len(logits), dtype=np.int64), np.zeros(len(logits))
    if not len(logits):
        return label, probability
    firsts = np.flatnonzero(begins)
    lengths = np.diff(np.append(firsts, len(logits)))
    # Runs are gone through in step, the longest first: those that go on are always the first ones.
    order = np.argsort(-lengths, kind="stable")
    firsts, lengths = firsts[order], lengths[order]
    going = np.searchsorted(-lengths, -np.arange(lengths[0]), side="left")
    steps = [firsts[:runs] + step for step, runs in enumerate(going)]
    # Runs along the last axis, so that numpy has long rows to add.
    columns = logits.T.astype(np.float64)
    best, shares = _paths(
        [columns[:, at] for at in steps], np.moveaxis(transitions.astype(np.float64)[head[firsts]], 0, 2).copy()
    )
    for at, labels, share in zip(steps, best, shares, strict=True):
        label[at] = labels
        probability[at] = share[labels, np.arange(len(at))]
    return label, probability


def _paths(
    logits: Sequence[NDArray[np.float64]], transitions: NDArray[np.float64]
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float64]]]:
    """Best labels and every label's share of all paths (Viterbi; forward and backward), of runs of words in step.

    logits: at each step (BIO, runs that reach it). transitions: (BIO, BIO, runs). Results: at each step (runs,) and
    (BIO, runs).
    """
    emitted = [np.exp(step - step.max(axis=0)) for step in logits]
    moves = np.exp(transitions)
    best, before = [logits[0] + transitions[0]], [_shares(emitted[0] * moves[0])]
    for step, emission in zip(logits[1:], emitted[1:], strict=True):
        runs = step.shape[1]
        best.append((best[-1][:, None, :runs] + transitions[:, :, :runs]).max(axis=0) + step)
        before.append(_shares((before[-1][:, None, :runs] * moves[:, :, :runs]).sum(axis=0) * emission))
    labels: list[NDArray[np.int64]] = []
    shares: list[NDArray[np.float64]] = []
    chosen, after = np.zeros(0, dtype=np.int64), np.zeros((len(BIO), 0))
    for k in reversed(range(len(logits))):
        runs, every = len(chosen), best[k].shape[1]
        # What comes after: the label chosen, or for those that end here the outside.
        chosen = np.append(chosen, np.zeros(every - runs, dtype=np.int64))
        chosen = _best_of(best[k] + transitions[:, chosen, np.arange(every)])
        if runs:
            after = _shares((moves[:, :, :runs] * (emitted[k + 1] * after)).sum(axis=1))
        after = np.concatenate((after, moves[:, 0, runs:every]), axis=1)
        labels.append(chosen)
        shares.append(_shares(before[k] * after))
    return labels[::-1], shares[::-1]


def _best_of(paths: NDArray[np.float64]) -> NDArray[np.int64]:
    """The first of the best labels, (runs,); `argmax` along the short axis takes several times longer."""
    top: NDArray[np.int64] = np.where(
        paths[2] > np.maximum(paths[0], paths[1]), 2, (paths[1] > paths[0]).astype(np.int64)
    )
    return top


def _shares(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = weights / weights.sum(axis=0)
    return shares

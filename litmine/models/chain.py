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
# A word whose outside logit leads by so much is outside, and the words on either side of it are chosen apart: what is
# left is a few words at a time.
SURE = 8.0
# A transition is this many times its weight: twelve numbers have units of a logit to learn, in the small steps that
# all other weights take.
_SCALE = 32.0
_UNLIKELY = -6.0


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


def choose(
    logits: NDArray[np.float32], first: NDArray[np.bool_], transitions: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The best path of each head through texts that follow each other, and its labels' probabilities under all paths.

    logits: (words, heads, BIO). first: whether a word begins a text, (words,). transitions: (heads, BIO, BIO). Both
    results: (words, heads).
    """
    unsure = logits[:, :, 0] - logits[:, :, 1:].max(axis=2, initial=-np.inf) < SURE
    label = np.zeros(unsure.shape, dtype=np.uint8)
    # Of a word that is sure of itself, that of the word alone.
    probability = 1 / (1 + np.exp(np.minimum(logits[:, :, 1:] - logits[:, :, :1], 0)).sum(axis=2))
    heads, words = np.nonzero(unsure.T)
    if not len(words):
        return label, probability
    follows = unsure[words - 1, heads] & ~first[words] & (words > 0)
    begins = np.flatnonzero(~follows)
    lengths = np.diff(np.append(begins, len(words)))
    # Runs of unsure words are gone through in step, the longest first: those that go on are always the first ones.
    order = np.argsort(-lengths, kind="stable")
    begins, lengths = begins[order], lengths[order]
    going = np.searchsorted(-lengths, -np.arange(lengths[0]), side="left")
    steps = [begins[:runs] + step for step, runs in enumerate(going)]
    emitted = [logits[words[at], heads[at]].astype(np.float64) for at in steps]
    best, shares = _paths(emitted, transitions[heads[begins]].astype(np.float64))
    for at, labels, share in zip(steps, best, shares, strict=True):
        label[words[at], heads[at]] = labels
        probability[words[at], heads[at]] = share[np.arange(len(at)), labels]
    return label, probability


def _paths(
    logits: Sequence[NDArray[np.float64]], transitions: NDArray[np.float64]
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float64]]]:
    """Best labels and every label's share of all paths (Viterbi; forward and backward), of runs of words in step.

    logits: at each step (runs that reach it, BIO). transitions: (runs, BIO, BIO). Results: at each step (runs,) and
    (runs, BIO).
    """
    emitted = [np.exp(step - step.max(axis=1, keepdims=True)) for step in logits]
    moves = np.exp(transitions)
    best, came = [logits[0] + transitions[:, 0]], [np.zeros(logits[0].shape, dtype=np.int64)]
    before = [_shares(emitted[0] * moves[:, 0])]
    for step, emission in zip(logits[1:], emitted[1:], strict=True):
        runs = len(step)
        paths = best[-1][:runs, :, None] + transitions[:runs]
        came.append(paths.argmax(axis=1))
        best.append(paths.max(axis=1) + step)
        before.append(_shares((before[-1][:runs, :, None] * moves[:runs]).sum(axis=1) * emission))
    labels: list[NDArray[np.int64]] = []
    shares: list[NDArray[np.float64]] = []
    chosen, after = np.zeros(0, dtype=np.int64), np.zeros((0, len(BIO)))
    for k in reversed(range(len(logits))):
        runs = len(chosen)
        if runs:
            chosen = came[k + 1][np.arange(runs), chosen]
            after = _shares((moves[:runs] * (emitted[k + 1] * after)[:, None, :]).sum(axis=2))
        # Those that end here.
        chosen = np.concatenate((chosen, (best[k][runs:] + transitions[runs : len(best[k]), :, 0]).argmax(axis=1)))
        after = np.concatenate((after, moves[runs : len(best[k]), :, 0]))
        labels.append(chosen)
        shares.append(_shares(before[k] * after))
    return labels[::-1], shares[::-1]


def _shares(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return shares

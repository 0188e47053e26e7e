"""Calibrate logits on texts that were not learnt from: one scale, and for labels by themselves a shift each.

Scale: temperature scaling (Guo et al. 2017, arXiv:1706.04599); with shifts, Platt 1999.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from litmine.tasks.classification.pooling import Floats, probabilities
from litmine.tasks.classification.settings import ONE, Scheme

# Fewer labelled spans cannot tell a scale.
_LEAST = 20
_BINS = 10


def calibrate(scheme: Scheme, logits: Floats, targets: Sequence[Sequence[int]]) -> Scheme:
    """The scheme with the scale and the shifts of the greatest likelihood; unchanged with too few spans."""
    if len(targets) < _LEAST:
        return scheme
    found = torch.from_numpy(np.asarray(logits, dtype=np.float64))
    log_scale = torch.zeros((), dtype=torch.float64, requires_grad=True)
    shifts = torch.zeros(len(scheme.labels), dtype=torch.float64, requires_grad=scheme.choice != ONE)
    wanted = torch.from_numpy(target_matrix(scheme, targets))
    optimizer = torch.optim.LBFGS([one for one in (log_scale, shifts) if one.requires_grad], max_iter=100)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        shifted = log_scale.exp() * found + shifts
        if scheme.choice == ONE:
            value = cross_entropy(shifted, wanted.argmax(1))
        else:
            # A little weight on no shift and no scale keeps labels that are separated perfectly finite.
            value = binary_cross_entropy_with_logits(shifted, wanted) + 1e-4 * (log_scale**2 + (shifts**2).sum())
        value.backward()
        return value

    optimizer.step(loss)
    scale = float(np.clip(float(log_scale.detach().exp()), 1e-2, 1e2))
    moved = () if scheme.choice == ONE else tuple(round(float(one), 6) for one in shifts.detach())
    return replace(scheme, scale=round(scale, 6), shifts=moved)


def target_matrix(scheme: Scheme, targets: Sequence[Sequence[int]]) -> np.ndarray:
    """1 where a span has a label, else 0: (spans, labels)."""
    wanted = np.zeros((len(targets), len(scheme.labels)))
    for row, labels in enumerate(targets):
        wanted[row, list(labels)] = 1
    return wanted


def calibration_error(scheme: Scheme, logits: Floats, targets: Sequence[Sequence[int]]) -> float:
    """Mean difference of probability and share of right labels over ten bins of probability (Naeini et al. 2015).

    Of schemes with one label for each span, the chosen label counts; of others, every label.
    """
    found, wanted = probabilities(scheme, logits), target_matrix(scheme, targets)
    if scheme.choice == ONE:
        best = found.argmax(axis=1)
        score, right = found[np.arange(len(found)), best], wanted[np.arange(len(found)), best]
    else:
        score, right = found.ravel(), wanted.ravel()
    bins = np.minimum((score * _BINS).astype(int), _BINS - 1)
    gaps = [abs(score[bins == i].sum() - right[bins == i].sum()) for i in range(_BINS)]
    return float(sum(gaps) / max(len(score), 1))

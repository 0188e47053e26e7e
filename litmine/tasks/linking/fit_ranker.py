"""Fit a ranker to candidates of which it is known which are right."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from litmine.tasks.linking.ranker import Ranker, log_odds

_BATCH = 128
_IMPOSSIBLE = -1e4
_LEAST_DEVIATION = 1e-3
_CERTAINTY_DECAY = 3e-3


@dataclass(frozen=True, slots=True)
class FitSettings:
    """The settings of a ranker's training.

    units: of the hidden layer. epochs: passes over the examples. averaged: how often to train, with consecutive seeds;
    the ranker gives the mean of the scores.
    """

    units: int = 24
    epochs: int = 40
    dropout: float = 0.1
    learning_rate: float = 5e-3
    weight_decay: float = 1e-3
    seed: int = 0
    averaged: int = 1


@dataclass(frozen=True, slots=True)
class RankingExample:
    """The candidates of a mention. features: float32, a row for each. right: bool for each.

    linked: whether the mention refers to a concept, so that it counts as missed if no link is made.
    """

    features: np.ndarray
    right: np.ndarray
    linked: bool = True


def fit_ranker(
    examples: Sequence[RankingExample],
    features: Sequence[str],
    settings: FitSettings = FitSettings(),
) -> Ranker:
    """A ranker that gives the right candidates the greatest share, by maximum likelihood (ListNet's top-one loss).

    Cao et al., Learning to Rank: From Pairwise Approach to Listwise Approach, ICML 2007. Examples without a right
    candidate do not count. The same examples and settings give the same ranker, however many cores there are. Raises
    ValueError when there is no example that counts.
    """
    used = [one for one in examples if one.right.any()]
    if not used:
        raise ValueError("no example has a right candidate")
    with _one_thread():
        runs = [_fit(used, features, replace(settings, seed=settings.seed + run)) for run in range(settings.averaged)]
    return _mean(runs)


def _mean(runs: Sequence[Ranker]) -> Ranker:
    """One ranker whose scores are the mean of those of several, with the hidden units of all."""
    return replace(
        runs[0],
        linear=np.mean([one.linear for one in runs], axis=0),
        hidden=np.concatenate([one.hidden for one in runs], axis=1),
        hidden_bias=np.concatenate([one.hidden_bias for one in runs]),
        output=np.concatenate([one.output for one in runs]) / len(runs),
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in torch depend on the number of threads. Several gain nothing for matrices as small as these."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _fit(used: Sequence[RankingExample], features: Sequence[str], settings: FitSettings) -> Ranker:
    torch.manual_seed(settings.seed)
    inputs, right, real = _padded(used, len(features))
    rows = inputs[real]
    mean, deviation = rows.mean(0), rows.std(0)
    # A feature without any variation teaches nothing, and gets no weight below.
    varies = deviation > _LEAST_DEVIATION
    deviation = np.where(varies, deviation, 1).astype(np.float32)
    scaled = torch.from_numpy((inputs - mean) / deviation)
    wanted, present = torch.from_numpy(right), torch.from_numpy(real)
    hidden, output = nn.Linear(len(features), settings.units), nn.Linear(settings.units, 1, bias=False)
    linear = nn.Linear(len(features), 1, bias=False)
    parameters = [*hidden.parameters(), *output.parameters(), *linear.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    steps = settings.epochs * -(-len(used) // _BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1e-3, steps)
    for _ in range(settings.epochs):
        for batch in torch.randperm(len(used)).split(_BATCH):
            units_on = nn.functional.dropout(hidden(scaled[batch]).relu(), settings.dropout)
            scores = (output(units_on) + linear(scaled[batch])).squeeze(-1).masked_fill(~present[batch], _IMPOSSIBLE)
            shares = scores.log_softmax(1).masked_fill(~wanted[batch], _IMPOSSIBLE)
            loss = -torch.logsumexp(shares, 1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return Ranker(
            features=tuple(features),
            mean=mean.astype(np.float64),
            deviation=deviation.astype(np.float64),
            linear=linear.weight[0].double().numpy() * varies,
            hidden=hidden.weight.T.double().numpy() * varies[:, None],
            hidden_bias=hidden.bias.double().numpy(),
            output=output.weight[0].double().numpy(),
            certainty=np.zeros(len(features)),
        )


def calibrate(ranker: Ranker, examples: Sequence[RankingExample]) -> Ranker:
    """The ranker with `slope`, `certainty` and `offset` fitted to examples that it has not learnt from.

    Logistic regression on the best candidate's share (Platt, Probabilistic Outputs for Support Vector Machines, 1999)
    and features, which tell the mentions without a concept. Examples without candidates do not count.
    """
    used = [one for one in examples if len(one.right)]
    if not used:
        return ranker
    inputs, correct = _best_candidates(ranker, used)
    weights = torch.zeros(inputs.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    start = torch.zeros_like(weights)
    start[0] = 1.0
    with torch.no_grad():
        weights += start
    optimizer = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = nn.functional.binary_cross_entropy_with_logits(inputs @ weights[:-1] + weights[-1], correct)
        value = value + _CERTAINTY_DECAY * ((weights - start)[:-1] ** 2).sum()
        # Keeps the offset finite when all or none are right.
        value = value + 1e-3 * weights[-1] ** 2
        value.backward()
        return value

    optimizer.step(loss)
    slope, *certainty, offset = weights.detach().tolist()
    return replace(ranker, slope=slope, certainty=np.array(certainty), offset=offset)


def _best_candidates(ranker: Ranker, examples: Sequence[RankingExample]) -> tuple[torch.Tensor, torch.Tensor]:
    """The log-odds and the scaled features of each best candidate, and whether it is right."""
    inputs, correct = [], []
    for one in examples:
        shares = ranker.shares(one.features)
        row = int(shares.argmax())
        inputs.append([log_odds(float(shares[row])), *ranker.scaled(one.features[row])])
        correct.append(float(one.right[row]))
    return torch.tensor(np.array(inputs), dtype=torch.float64), torch.tensor(correct, dtype=torch.float64)


def _padded(examples: Sequence[RankingExample], features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, which candidates are right, and which are no padding; a row of the first axis per example."""
    most = max(len(one.right) for one in examples)
    inputs = np.zeros((len(examples), most, features), dtype=np.float32)
    right = np.zeros((len(examples), most), dtype=bool)
    real = np.zeros((len(examples), most), dtype=bool)
    for row, one in enumerate(examples):
        count = len(one.right)
        inputs[row, :count], right[row, :count], real[row, :count] = one.features, one.right, True
    return inputs, right, real

"""CRF loss and label probabilities against an enumeration of all paths."""

from itertools import pairwise, product

import pytest
import torch
from torch import Tensor

from litmine.tasks.ner.crf_loss import WordLayout, marginal_probabilities, negative_log_likelihood

HEADS, LENGTHS = 2, (3, 1, 5, 4)
ROWS = torch.repeat_interleave(torch.arange(len(LENGTHS)), torch.tensor(LENGTHS))
CPU = torch.device("cpu")
LAYOUT = WordLayout.of(ROWS, CPU)
EDGES = list(pairwise([0, *torch.tensor(LENGTHS).cumsum(0).tolist()]))


@pytest.fixture
def logits() -> Tensor:
    torch.manual_seed(1)
    return torch.randn(sum(LENGTHS), HEADS, 3) * 2


@pytest.fixture
def transitions() -> Tensor:
    torch.manual_seed(2)
    return torch.randn(HEADS, 3, 3) * 2


def every_path(logits: Tensor, transitions: Tensor) -> dict[tuple[int, ...], float]:
    """The log probability of each path."""
    scores = {
        path: sum(float(logits[i, label]) for i, label in enumerate(path))
        + sum(float(transitions[one, other]) for one, other in pairwise((0, *path, 0)))
        for path in product(range(3), repeat=len(logits))
    }
    total = float(torch.tensor(list(scores.values()), dtype=torch.float64).logsumexp(0))
    return {path: score - total for path, score in scores.items()}


def test_loss_of_the_gold_path(logits: Tensor, transitions: Tensor) -> None:
    torch.manual_seed(3)
    labels = torch.randint(0, 3, (sum(LENGTHS), HEADS))
    shares = torch.nn.functional.one_hot(labels, 3).float()
    costs = negative_log_likelihood(logits, LAYOUT, shares, transitions)
    assert costs.shape == (len(LENGTHS), HEADS)
    for (text, (start, end)), head in product(enumerate(EDGES), range(HEADS)):
        share = every_path(logits[start:end, head], transitions[head])[tuple(labels[start:end, head].tolist())]
        assert float(costs[text, head]) == pytest.approx(-share, abs=1e-4)


def test_loss_against_teacher_probabilities(logits: Tensor, transitions: Tensor) -> None:
    """The expected loss over paths drawn from the probabilities, independently for each word."""
    torch.manual_seed(4)
    shares = torch.randn(sum(LENGTHS), HEADS, 3).softmax(dim=-1)
    costs = negative_log_likelihood(logits, LAYOUT, shares, transitions)
    for (text, (start, end)), head in product(enumerate(EDGES), range(HEADS)):
        mean = 0.0
        for path, share in every_path(logits[start:end, head], transitions[head]).items():
            mean -= share * float(shares[range(start, end), head, path].prod())
        assert float(costs[text, head]) == pytest.approx(mean, abs=1e-4)


def test_label_probabilities(logits: Tensor, transitions: Tensor) -> None:
    with torch.inference_mode():
        found = marginal_probabilities(logits, LAYOUT, transitions)
    for (start, end), head in product(EDGES, range(HEADS)):
        paths = every_path(logits[start:end, head], transitions[head])
        expected = torch.zeros(end - start, 3)
        for path, share in paths.items():
            for i, label in enumerate(path):
                expected[i, label] += torch.tensor(share).exp()
        torch.testing.assert_close(found[start:end, head], expected, rtol=0, atol=1e-5)


def test_a_confident_correct_path_has_almost_no_loss(transitions: Tensor) -> None:
    labels = torch.tensor([[1], [2], [0]])
    shares = torch.nn.functional.one_hot(labels, 3).float()
    cost = negative_log_likelihood(
        shares * 40, WordLayout.of(torch.zeros(3, dtype=torch.int64), CPU), shares, transitions[:1]
    )
    assert 0 <= float(cost) < 1e-4

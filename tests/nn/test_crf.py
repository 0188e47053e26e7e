"""Best labels and their probabilities, checked against an enumeration of all paths."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from litmine.nn.crf import CERTAIN_LEAD, LinearChainCrf, best_labels, mention_gain, uncertain_words

HEADS = 2
LOGITS = st.floats(-3, 3, width=32)


def every_path(logits: NDArray[np.float32], transitions: NDArray[np.float32]) -> dict[tuple[int, ...], float]:
    """The score of each path of labels, (words, labels) and (labels, labels)."""
    return {
        path: sum(float(logits[i, label]) for i, label in enumerate(path))
        + sum(float(transitions[one, other]) for one, other in pairwise((0, *path, 0)))
        for path in product(range(3), repeat=len(logits))
    }


@given(st.data())
def test_all_paths_of_a_few_words(data: st.DataObject) -> None:
    """Neighbouring runs do not influence each other."""
    lengths = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    heads = data.draw(st.lists(st.integers(0, HEADS - 1), min_size=len(lengths), max_size=len(lengths)))
    logits = data.draw(arrays(np.float32, (sum(lengths), 3), elements=LOGITS))
    transitions = data.draw(arrays(np.float32, (HEADS, 3, 3), elements=LOGITS))
    edges = np.cumsum([0, *lengths])
    begins = np.isin(np.arange(edges[-1]), edges)
    label, probability = best_labels(logits, np.repeat(heads, lengths), begins, transitions)
    for head, (start, end) in zip(heads, pairwise(edges), strict=True):
        scores = every_path(logits[start:end], transitions[head])
        chosen = tuple(label[start:end].tolist())
        assert scores[chosen] == pytest.approx(max(scores.values()), abs=1e-4)
        total = np.logaddexp.reduce(list(scores.values()))
        for i, best in enumerate(chosen):
            share = sum(np.exp(score - total) for path, score in scores.items() if path[i] == best)
            assert probability[start + i] == pytest.approx(share, abs=1e-5)


# Leads of O: certain, uncertain and negative.
LEADS = st.sampled_from([10.0, 6.0, 4.5, 3.0, 0.0, -3.0])


@given(leads=arrays(np.float32, st.tuples(st.integers(1, 12), st.just(2)), elements=LEADS))
def test_certain_words_do_not_change_labels(leads: NDArray[np.float32]) -> None:
    """With the transitions of a new CRF; the probabilities of the other words stay nearly the same."""
    transitions = LinearChainCrf(1).transitions().detach().numpy()
    logits = np.stack([np.zeros(len(leads)), -leads[:, 0], -leads[:, 1]], axis=1).astype(np.float32)
    zeros, first = np.zeros(len(logits), dtype=np.int64), np.arange(len(logits)) == 0
    whole, shares = best_labels(logits, zeros, first, transitions)
    last = torch.arange(len(logits)) == len(logits) - 1
    (left,) = np.nonzero(
        uncertain_words(torch.from_numpy(logits[:, None]), last, mention_gain(LinearChainCrf(1).transitions())).numpy()[
            :, 0
        ]
    )
    label, probability = best_labels(logits[left], zeros[left], np.diff(left, prepend=-9) != 1, transitions)
    ties = np.isin(leads, (0.0, 3.0, -3.0, 6.0)).all()  # equal sums allow either label
    same = np.zeros(len(logits), dtype=np.int64)
    same[left] = label
    assert ties or same.tolist() == whole.tolist()
    assert ties or probability == pytest.approx(shares[left], abs=0.05)


def test_uncertain_words() -> None:
    far, near, inside = [2 * CERTAIN_LEAD, 0, 0], [CERTAIN_LEAD + 1, 0, 0], [0.0, 0, CERTAIN_LEAD]
    logits = torch.tensor([far, near, inside, near, near, near])[:, None]
    last = torch.tensor([False, False, False, False, True, True])
    # The third word may be I and call for a B at the second; the last two words are at edges.
    gains = torch.zeros(1)
    assert uncertain_words(logits, last, gains)[:, 0].tolist() == [False, True, True, False, True, True]
    # The run goes, because none of its words can be in a mention.
    logits[2] = logits[0]
    assert uncertain_words(logits, last, gains)[:, 0].tolist() == [False, False, False, False, True, True]


@given(
    logits=arrays(
        np.float32, st.tuples(st.integers(1, 14), st.just(HEADS), st.just(3)), elements=st.floats(-8, 8, width=32)
    ),
    transitions=arrays(np.float32, (HEADS, 3, 3), elements=LOGITS),
    data=st.data(),
)
def test_dropped_runs_hold_no_mention(
    logits: NDArray[np.float32], transitions: NDArray[np.float32], data: st.DataObject
) -> None:
    """For any transitions, keeping all runs or only the needed ones gives the same labels and probabilities."""
    last = torch.tensor(data.draw(st.lists(st.booleans(), min_size=len(logits), max_size=len(logits))))
    last[-1] = True
    found = []
    for gains in (torch.full((HEADS,), torch.inf), mention_gain(torch.from_numpy(transitions))):
        (head, word) = np.nonzero(uncertain_words(torch.from_numpy(logits), last, gains).numpy().T)
        begins = (np.diff(word, prepend=-9) != 1) | (np.diff(head, prepend=-1) != 0)
        begins |= np.append([True], last.numpy()[:-1])[word]
        label, probability = best_labels(logits[word, head], head, begins, transitions)
        found.append({(h, w): (b, p) for h, w, b, p in zip(head, word, label, probability, strict=True)})
    every, needed = found
    assert needed.items() <= every.items()
    for pair in every.keys() - needed.keys():
        assert every[pair][0] == 0


def test_no_words() -> None:
    transitions = LinearChainCrf(1).transitions().detach().numpy()
    none = np.zeros(0, dtype=np.int64)
    label, probability = best_labels(np.zeros((0, 3), dtype=np.float32), none, none == 0, transitions)
    assert label.shape == probability.shape == (0,)


def test_a_new_crf_only_penalises_inside_after_outside() -> None:
    transitions = LinearChainCrf(3).transitions()
    assert (transitions[:, 0, 2] == -6).all()
    transitions[:, 0, 2] = 0
    assert not transitions.any()

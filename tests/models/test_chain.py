"""The best path and its labels' probabilities, against every path counted one by one."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from litmine.models.chain import SURE, Chain, choose

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
    """Words that are not sure of being outside; texts that follow each other keep to themselves."""
    lengths = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    logits = data.draw(arrays(np.float32, (sum(lengths), HEADS, 3), elements=LOGITS))
    transitions = data.draw(arrays(np.float32, (HEADS, 3, 3), elements=LOGITS))
    edges = np.cumsum([0, *lengths])
    first = np.isin(np.arange(edges[-1]), edges)
    label, probability = choose(logits, first, transitions)
    for head, (start, end) in product(range(HEADS), pairwise(edges)):
        scores = every_path(logits[start:end, head], transitions[head])
        chosen = tuple(label[start:end, head].tolist())
        assert scores[chosen] == pytest.approx(max(scores.values()), abs=1e-4)
        total = np.logaddexp.reduce(list(scores.values()))
        for i, best in enumerate(chosen):
            share = sum(np.exp(score - total) for path, score in scores.items() if path[i] == best)
            assert probability[start + i, head] == pytest.approx(share, abs=1e-5)


def test_a_sure_word_parts_what_stands_beside_it() -> None:
    """An inside cannot follow it, and what stands before a sure word does not see what stands after it."""
    transitions = Chain(1).transitions().detach().numpy()
    unsure, inside = [0.0, 0.5, 1.0], [0.0, -1.0, 3.0]
    sure = [SURE + 1, 0.0, 0.0]
    logits = np.array([unsure, sure, unsure, inside], dtype=np.float32)[:, None]
    first = np.array([True, False, False, False])
    label, probability = choose(logits, first, transitions)
    assert label[:, 0].tolist() == [1, 0, 1, 2]
    assert probability[1, 0] == pytest.approx(1 / (1 + 2 * np.exp(-SURE - 1)))
    for part in (slice(0, 2), slice(2, 4)):
        alone = choose(logits[part], np.array([True, False]), transitions)
        assert alone[0].tolist() == label[part].tolist()
        assert alone[1] == pytest.approx(probability[part])


def test_nothing_to_choose() -> None:
    transitions = Chain(1).transitions().detach().numpy()
    label, probability = choose(np.zeros((0, 1, 3), dtype=np.float32), np.zeros(0, dtype=bool), transitions)
    assert label.shape == probability.shape == (0, 1)
    sure = np.array([[[200.0, -200.0, 0.0]]], dtype=np.float32)
    label, probability = choose(sure, np.array([True]), transitions)
    assert (label.tolist(), probability.tolist()) == ([[0]], [[1.0]])


def test_a_new_chain_lets_nothing_begin_inside() -> None:
    transitions = Chain(3).transitions()
    assert (transitions[:, 0, 2] == -6).all()
    transitions[:, 0, 2] = 0
    assert not transitions.any()

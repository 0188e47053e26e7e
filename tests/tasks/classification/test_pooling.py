"""Votes of words are pooled into sentences and texts, however the words are divided."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.classification.network import PLACES, STRETCHES, place_numbers, pooled_logits
from litmine.tasks.classification.pooling import (
    chosen_labels,
    contributions,
    logits,
    pool,
    probabilities,
    stored_labels,
)
from litmine.tasks.classification.settings import SEVERAL, Scheme


def votes(words: int, seed: int, queries: int = 2, labels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (words, queries, 1 + labels)).astype(np.float32)


@given(st.integers(1, 30), st.integers(0, 999), st.data())
def test_pooling_parts_first_changes_nothing(words: int, seed: int, data: st.DataObject) -> None:
    found = votes(words, seed)
    starts = sorted(data.draw(st.sets(st.integers(1, words - 1), max_size=6) if words > 1 else st.just(set())) | {0})
    parts = pool(found, np.array(starts))
    assert len(parts) == len(starts)
    whole, in_steps = pool(found, np.array([0])), pool(parts, np.array([0]))
    np.testing.assert_allclose(in_steps, whole, rtol=1e-4, atol=1e-4)
    # What the parts add is what the whole has more than the mean of its labels.
    added = [contributions(parts, label).sum() for label in range(3)]
    score = logits(whole)[0]
    np.testing.assert_allclose(added, score - score.mean(), rtol=1e-3, atol=1e-3)


def test_the_network_in_training_pools_in_the_same_way() -> None:
    scheme = Scheme("s", ("a", "b", "c"))
    found, starts, owner = votes(12, 1), np.array([0, 3, 4]), np.repeat([0, 1, 2], [3, 1, 8])
    flat = torch.from_numpy(found.reshape(12, -1)).requires_grad_()
    pooled = pooled_logits(flat, scheme, torch.from_numpy(owner), 3)
    np.testing.assert_allclose(pooled.detach().numpy(), logits(pool(found, starts)), rtol=1e-4, atol=1e-4)
    pooled.sum().backward()
    assert flat.grad is not None
    assert bool(flat.grad.isfinite().all())


def test_probabilities_and_choices() -> None:
    one = Scheme("s", ("in", "out"), thresholds=(0.1, 0.9))
    found = probabilities(one, np.array([[0.0, 2.0], [-3.0, 3.0], [800.0, -800.0]], dtype=np.float32))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    # The first label is chosen from its threshold on, although it is the less probable one.
    assert chosen_labels(one, found) == [[0], [1], [0]]
    several = Scheme("s", ("a", "b"), choice=SEVERAL, shifts=(1.0, -1.0), thresholds=(0.5, 0.5))
    found = probabilities(several, np.zeros((1, 2), dtype=np.float32))
    assert found[0] == pytest.approx([0.731, 0.269], abs=1e-3)
    assert chosen_labels(several, found) == [[0]]
    assert stored_labels(Scheme("s", ("a", "b"), choice=SEVERAL, every=True), found) == [[0, 1]]


@given(st.integers(2, 300))
def test_places_are_in_order_and_a_single_sentence_has_its_own(count: int) -> None:
    places = place_numbers(count).tolist()
    assert places == sorted(places)
    assert set(places) <= set(range(STRETCHES))
    assert place_numbers(1).tolist() == [PLACES - 1]


@pytest.mark.parametrize(
    "settings", [{"labels": ()}, {"labels": ("a", "a")}, {"unit": "page"}, {"choice": "none"}, {"shifts": (1.0,)},
                 {"queries": 0}, {"scale": 0.0}],
)  # fmt: skip
def test_schemes_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="s"):
        Scheme(**{"name": "s", "labels": ("a", "b"), **settings})  # type: ignore[arg-type]

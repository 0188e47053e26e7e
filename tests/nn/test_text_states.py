"""States of whole texts: the same whatever the windows' batches, bounded, and placed again where layers continue."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from litmine.nn.engine import Engine
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.text_states import GivenStates, StatesRow, StatesTop, TextStates, kept_tokens
from litmine.nn.tokenizer import TokenizedText
from litmine.nn.trunk import Placement, Trunk, load_trunk

TEXTS = ["Aspirin for fever.", "", "fever and rash after aspirin, " * 120, "No rash."]


@pytest.fixture(scope="module")
def trunk(tiny_trunk: Path) -> Trunk:
    return load_trunk(tiny_trunk, Placement.choose("cpu", "float32"))


def states_of(trunk: Trunk, batch_tokens: int, tokens: list[int] | None = None) -> list[TextStates]:
    read = trunk.tokenizer.read(TEXTS)
    top = StatesTop("states", trunk.layers((), 1), tokens or [one.tokens for one in read])
    (found,) = Engine(trunk, [top], batch_tokens, depth=1).label(read)
    return list(found)


def test_each_token_of_a_text_has_its_state_once(trunk: Trunk) -> None:
    read = trunk.tokenizer.read(TEXTS)
    assert read[2].tokens > trunk.windows.window
    together, apart = states_of(trunk, 4_096), states_of(trunk, 32)
    assert together[1] is None
    for i in (0, 2, 3):
        one, other = together[i], apart[i]
        assert isinstance(one, Tensor)
        assert isinstance(other, Tensor)
        assert one.shape == (read[i].tokens, trunk.config.hidden_size)
        assert one.abs().sum(1).min() > 0
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_states_that_are_not_wanted_are_not_kept(trunk: Trunk) -> None:
    read = trunk.tokenizer.read(TEXTS)
    tokens = [read[0].tokens, 0, 0, read[3].tokens]
    found = states_of(trunk, 4_096, tokens)
    assert [isinstance(one, Tensor) for one in found] == [True, False, False, True]


def test_the_first_texts_are_kept_up_to_the_limit(trunk: Trunk) -> None:
    read: list[TokenizedText | FailedItem] = [*trunk.tokenizer.read(TEXTS), FailedItem("cannot be read")]
    counts = [0 if isinstance(one, FailedItem) else one.tokens for one in read]
    assert kept_tokens(read) == counts
    assert kept_tokens(read, counts[0]) == [counts[0], 0, 0, 0, 0]


def test_given_states_continue_as_those_of_the_trunk(trunk: Trunk) -> None:
    lengths = np.array([5, 3])
    states = torch.randn(8, trunk.config.hidden_size)
    row = StatesRow(np.zeros(8, dtype=np.int64), lengths, None, states)
    selected = trunk.layers((), 1)
    found = selected(GivenStates(trunk, 1).states(row), np.arange(8))
    torch.testing.assert_close(found, states)

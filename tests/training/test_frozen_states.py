"""The states of frozen layers are computed once for each sequence, and are the same in every batch."""

from pathlib import Path

import pytest
import torch

from litmine.nn.encoder import BertEncoder
from litmine.training.base import read_base
from litmine.training.frozen_states import FrozenStates


@pytest.fixture(scope="module")
def encoder(tiny_model: Path) -> BertEncoder:
    encoder: BertEncoder = read_base(str(tiny_model), 64).encoder
    return encoder.eval()


def test_a_sequence_has_the_same_states_in_another_batch(encoder: BertEncoder) -> None:
    states = FrozenStates(encoder)
    ids, mask = torch.arange(5, 35).view(3, 10), torch.ones(3, 10, dtype=torch.bool)
    mask[1, 6:] = False
    first = states.read(ids, mask)
    whole = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(first[mask], whole[mask], atol=5e-3, rtol=5e-3)
    again = states.read(ids[[1, 2]][:, :10], mask[[1, 2]])
    assert torch.equal(again[mask[[1, 2]]], first[[1, 2]][mask[[1, 2]]])


def test_known_sequences_are_not_computed_again(encoder: BertEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    states = FrozenStates(encoder)
    ids, mask = torch.arange(5, 25).view(2, 10), torch.ones(2, 10, dtype=torch.bool)
    computed: list[int] = []
    compute = FrozenStates._compute

    def counted(self: FrozenStates, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        computed.append(len(ids))
        return compute(self, ids, mask)

    monkeypatch.setattr(FrozenStates, "_compute", counted)
    states.read(ids[:1], mask[:1])
    states.read(ids, mask)
    states.read(ids, mask)
    assert computed == [1, 1]


def test_beyond_the_limit_nothing_is_kept(encoder: BertEncoder) -> None:
    states = FrozenStates(encoder, max_bytes=0)
    ids, mask = torch.arange(5, 15).view(1, 10), torch.ones(1, 10, dtype=torch.bool)
    assert torch.equal(states.read(ids, mask), states.read(ids, mask))
    assert not states._kept

"""What a team shares out."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from litmine.training.distributed import ALONE, Team

LENGTHS = st.lists(st.integers(3, 512), max_size=40)


@given(LENGTHS, st.integers(1, 9))
def test_every_sequence_is_read_by_one_member_and_all_have_as_much_to_do(lengths: list[int], size: int) -> None:
    shares = [Team(rank, size).share(lengths) for rank in range(size)]
    assert sorted(i for share in shares for i in share) == list(range(len(lengths)))
    padded = [len(share) * max((lengths[i] for i in share), default=0) for share in shares]
    assert max(padded) - min(padded) <= max(lengths, default=0)


@given(LENGTHS)
def test_one_alone_reads_everything_in_its_order(lengths: list[int]) -> None:
    assert ALONE.share(lengths) == list(range(len(lengths)))


def test_one_alone_adds_nothing() -> None:
    network = torch.nn.Linear(2, 1)
    assert ALONE.backward(network, network(torch.ones(2)).sum() * 0 + 3, 7) == (3, 7)
    assert network.weight.grad is not None


@given(st.integers(0, 9), st.integers(0, 10_000))
def test_members_draw_their_own_numbers_the_same_at_every_try(seed: int, step: int) -> None:
    draws = [Team(rank, 4).draw(f"{seed} {step}") for rank in range(4)]
    assert len(set(draws)) == 4
    assert draws == [Team(rank, 4).draw(f"{seed} {step}") for rank in range(4)]

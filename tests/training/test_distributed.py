"""How a process group divides batches and seeds."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from litmine.training.distributed import SINGLE_PROCESS, ProcessGroup

LENGTHS = st.lists(st.integers(3, 512), max_size=40)


@given(LENGTHS, st.integers(1, 9))
def test_each_sequence_has_one_member_and_members_have_similar_numbers_of_tokens(lengths: list[int], size: int) -> None:
    shares = [ProcessGroup(rank, size).select_share(lengths) for rank in range(size)]
    assert sorted(i for share in shares for i in share) == list(range(len(lengths)))
    padded = [len(share) * max((lengths[i] for i in share), default=0) for share in shares]
    assert max(padded) - min(padded) <= max(lengths, default=0)


@given(LENGTHS)
def test_a_single_process_reads_all_sequences_in_order(lengths: list[int]) -> None:
    assert SINGLE_PROCESS.select_share(lengths) == list(range(len(lengths)))


def test_a_single_process_returns_its_own_loss_and_tokens() -> None:
    network = torch.nn.Linear(2, 1)
    assert SINGLE_PROCESS.backward(network, network(torch.ones(2)).sum() * 0 + 3, 7) == (3, 7)
    assert network.weight.grad is not None


@given(st.integers(0, 9), st.integers(0, 10_000))
def test_each_member_has_its_own_repeatable_seed(seed: int, step: int) -> None:
    seeds = [ProcessGroup(rank, 4).step_seed(f"{seed} {step}") for rank in range(4)]
    assert len(set(seeds)) == 4
    assert seeds == [ProcessGroup(rank, 4).step_seed(f"{seed} {step}") for rank in range(4)]

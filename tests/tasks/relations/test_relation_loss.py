"""The loss of groups of pairs: one pair is enough, and a corpus teaches only what it annotates."""

import math

import pytest
import torch

from litmine.tasks.relations.examples import PairGroup
from litmine.tasks.relations.loss import group_log_probabilities, relation_loss
from litmine.tasks.relations.settings import HeadRelation, RelationHead

PAIR = ("Chemical", "Gene")
OTHER = ("Gene", "Gene")
HEAD = RelationHead("head", ("A", "B"), (HeadRelation("inhibits", (PAIR,)), HeadRelation("binds", (PAIR, OTHER), True)))
LOGITS = torch.tensor([[0.0, 2.0, -1.0], [1.0, 0.0, 3.0], [0.5, 4.0, 0.0]])


def log_probabilities(groups: list[PairGroup]) -> torch.Tensor:
    members = torch.tensor([number for one in groups for number in one.pairs])
    owners = torch.tensor([place for place, one in enumerate(groups) for _ in one.pairs])
    return group_log_probabilities(HEAD, LOGITS, groups, members, owners)


def test_a_single_pair_has_the_softmax_of_its_logits() -> None:
    found = log_probabilities([PairGroup((0,), (1,), ("a", "b"), PAIR)])
    torch.testing.assert_close(found[0], LOGITS[0].log_softmax(0))


def test_the_margin_of_a_group_is_the_log_sum_exp_of_its_pairs() -> None:
    found = log_probabilities([PairGroup((0, 1), (1,), ("a", "b"), PAIR)])
    inhibits, binds = math.log(math.exp(2) + math.exp(-1)), math.log(math.exp(-1) + math.exp(2))
    expected = torch.tensor([0.0, inhibits, binds]).log_softmax(0)
    torch.testing.assert_close(found[0], expected)


def test_a_relation_that_may_not_join_the_types_has_no_probability() -> None:
    found = log_probabilities([PairGroup((2,), (2,), ("a", "b"), OTHER)])
    assert found[0].exp()[1] == 0
    assert found[0].exp().sum() == pytest.approx(1)


@pytest.mark.parametrize("taught", [frozenset({"inhibits", "binds"}), frozenset({"inhibits"})])
def test_an_unrelated_pair_may_have_a_type_that_the_corpus_does_not_annotate(taught: frozenset[str]) -> None:
    groups = [PairGroup((1,), (0,), ("a", "b"), PAIR)]
    found = log_probabilities(groups)
    probabilities = found[0].exp()
    allowed = probabilities[0] + (0 if "binds" in taught else probabilities[2])
    torch.testing.assert_close(relation_loss(HEAD, found, groups, taught), -allowed.log())


def test_a_pair_with_two_types_counts_each_half() -> None:
    groups = [PairGroup((0,), (1, 2), ("a", "b"), PAIR)]
    found = log_probabilities(groups)
    expected = -(found[0, 1] + found[0, 2]) / 2
    torch.testing.assert_close(relation_loss(HEAD, found, groups, frozenset({"inhibits", "binds"})), expected)

"""The loss of a relation network: the log-likelihood of the relations of groups of pairs.

The margin of a relation type is its logit less that of no relation. The margin of a group is the log-sum-exp of those
of its pairs, a soft maximum: one pair that says so is enough (as in Verga et al. 2018, N18-1080).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from litmine.tasks.relations.examples import PairGroup, allowed_outputs
from litmine.tasks.relations.settings import RelationHead

_NEVER = -1e9


def group_log_probabilities(
    head: RelationHead, logits: Tensor, groups: Sequence[PairGroup], members: Tensor, owners: Tensor
) -> Tensor:
    """Log-probabilities (groups, outputs of the head) from the head's logits (pairs, outputs).

    members, owners (members,): the row of each pair of a group, and the number of its group.
    """
    margins = (logits[:, 1:] - logits[:, :1])[members]
    index = owners[:, None].expand(-1, margins.shape[1])
    shape = len(groups), margins.shape[1]
    top = margins.new_full(shape, _NEVER).scatter_reduce(0, index, margins.detach(), "amax")
    sums = margins.new_zeros(shape).scatter_add(0, index, (margins - top[owners]).exp())
    allowed = allowed_outputs(head)
    mask = torch.tensor([allowed[one.kinds][1:] for one in groups], device=logits.device)
    joint = (top + sums.log()).masked_fill(~mask, _NEVER)
    return torch.cat([joint.new_zeros(len(groups), 1), joint], 1).log_softmax(1)


def relation_loss(
    head: RelationHead, log_probabilities: Tensor, groups: Sequence[PairGroup], taught: frozenset[str]
) -> Tensor:
    """The mean negative log-likelihood of the groups' labels.

    taught: the relation types that the corpus annotates. A pair that it does not relate may have any other type of the
    head. A pair with several types counts each in equal parts.
    """
    device = log_probabilities.device
    untaught = torch.tensor([True, *(one.name not in taught for one in head.relations)], device=device)
    unrelated = log_probabilities.masked_fill(~untaught, _NEVER).logsumexp(1)
    shares = torch.zeros_like(log_probabilities)
    for number, one in enumerate(groups):
        for label in one.labels:
            shares[number, label] += 1 / len(one.labels)
    likelihood = (shares[:, 1:] * log_probabilities[:, 1:].clamp(min=_NEVER)).sum(1) + shares[:, 0] * unrelated
    return -likelihood.mean()

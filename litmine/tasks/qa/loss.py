"""What a reader is taught: spans by the sum over the places of an answer, verdicts by weighted cross-entropy."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from litmine.tasks.qa.examples import NO_VERDICT, Batch


def span_loss(logits: Tensor, batch: Batch) -> Tensor:
    """The summed loss of the examples with spans, from logits (examples, tokens, 2); 0 when there is none.

    Of an answer it is the negative logarithm of the probability of all its places together, p(start) p(end) of each:
    the marginal likelihood of Clark and Gardner (2018, P18-1078, "sum"), so that the occurrences that do not answer
    need not be learnt. Of a list it is the mean over its answers, each of which is right. Starts compete with starts
    and ends with ends, among whole words and "no answer".
    """
    if not len(batch.rows):
        return logits.sum() * 0
    start, end = (
        logits[..., side].masked_fill(~allowed, -torch.inf).log_softmax(dim=1)
        for side, allowed in ((0, batch.starts), (1, batch.ends))
    )
    places = start[batch.rows, batch.first] + end[batch.rows, batch.last]
    count = len(batch.weight)
    # A logsumexp by answer.
    most = torch.full((count,), -torch.inf, device=places.device, dtype=places.dtype)
    most = most.scatter_reduce(0, batch.answer, places.detach(), "amax")
    sums = torch.zeros_like(most).index_add(0, batch.answer, (places - most[batch.answer]).exp())
    return -((sums.log() + most) * batch.weight).sum()


def verdict_loss(logits: Tensor, batch: Batch, weights: Tensor) -> Tensor:
    """The summed loss of the yes/no examples, from logits (examples, 3) and the weights of VERDICTS; or 0."""
    asked = batch.verdicts != NO_VERDICT
    if not asked.any():
        return logits.sum() * 0
    each = cross_entropy(logits[asked], batch.verdicts[asked], reduction="none")
    return (each * weights[batch.verdicts[asked]]).sum()

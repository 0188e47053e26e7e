"""The network of a classifier on a shared trunk: layers of its own, and the votes of words for labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from litmine.nn.encoder import UpperLayers
from litmine.tasks.classification.settings import SENTENCE, Scheme

# A sentence is in one of these stretches of its text, by the middle of its place among the sentences; the last one is
# for the only sentence of a text.
STRETCHES = 8
PLACES = STRETCHES + 1


class ClassifierNetwork(nn.Module):
    """The layers above a trunk and one linear layer, from trunk states to the votes of all schemes (words, outputs).

    `places`: what the place of a sentence adds to the logits of each scheme of sentences, (PLACES, labels), by
    the number of the scheme.
    """

    def __init__(self, config: Any, after: int, layers: int, schemes: Sequence[Scheme], dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = UpperLayers(config, after, layers)
        self.dropout = nn.Dropout(dropout)
        self.votes = nn.Linear(config.hidden_size, sum(one.outputs for one in schemes))
        nn.init.normal_(self.votes.weight, std=0.02)
        nn.init.zeros_(self.votes.bias)
        self.places = nn.ParameterDict(
            {
                str(number): nn.Parameter(torch.zeros(PLACES, len(one.labels)))
                for number, one in enumerate(schemes)
                if one.unit == SENTENCE
            }
        )

    def forward(self, states: Tensor, mask: Tensor, words: Tensor) -> Tensor:
        """Votes (words, outputs) from the trunk's states (windows, longest, width) and mask (windows, longest).

        words: the index of each word's first token in the flattened states.
        """
        hidden = states
        for layer in self.encoder.layers:
            hidden = layer(hidden, mask[:, None, None, :])
        return self.read_words(self.dropout(hidden.flatten(0, 1)[words]))

    def read_words(self, hidden: Tensor) -> Tensor:
        """Votes (words, outputs) of the states (words, width) of words, in the precision of the linear layer."""
        votes: Tensor = self.votes(hidden.to(self.votes.weight.dtype))
        return votes


def pooled_logits(votes: Tensor, scheme: Scheme, owner: Tensor, count: int) -> Tensor:
    """Logits (count, labels) of stretches of words, as `litmine.tasks.classification.pooling`, with gradients.

    votes: (words, outputs of the scheme). owner: the number of each word's stretch.
    """
    by_query = votes.view(len(votes), scheme.queries, 1 + len(scheme.labels))
    weights = by_query[:, :, 0]
    largest = weights.new_full((count, scheme.queries), -torch.inf)
    largest = largest.scatter_reduce(0, owner[:, None].expand_as(weights), weights.detach(), "amax")
    shares = (weights - largest[owner]).exp()
    total = shares.new_zeros(count, scheme.queries).index_add(0, owner, shares)
    weighted = (shares / total[owner])[:, :, None] * by_query[:, :, 1:]
    return weighted.new_zeros(count, *weighted.shape[1:]).index_add(0, owner, weighted).sum(1)


def place_numbers(count: int) -> NDArray[np.int64]:
    """The place of each of the `count` sentences of a text."""
    if count == 1:
        return np.array([STRETCHES])
    return ((np.arange(count) + 0.5) * STRETCHES / count).astype(np.int64)

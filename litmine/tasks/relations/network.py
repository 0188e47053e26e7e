"""The relation network: a trunk's states, the types of the mentions, layers of its own, and a head over pairs."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from litmine.nn.encoder import UpperLayers
from litmine.tasks.relations.pair_blocks import pair_blocks
from litmine.tasks.relations.pair_head import HeadShape, PairHead
from litmine.tasks.relations.rows import Ints, RelationRow


class RelationNetwork(nn.Module):
    """The part of a relation model above its trunk.

    marks: an embedding of each entity type, added to the trunk's states of the tokens of the mentions.
    """

    def __init__(
        self, config: Any, after: int, layers: int, shape: HeadShape, outputs: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.encoder = UpperLayers(config, after, layers)
        self.marks = nn.Embedding(shape.types, shape.width)
        self.pairs = PairHead(shape, outputs, dropout)
        nn.init.normal_(self.marks.weight, std=0.1)

    def add_marks(self, states: Tensor, row: RelationRow, positions: Ints) -> Tensor:
        """The trunk's states (tokens, width) with the marks of the mentions' types."""
        at = torch.from_numpy(positions[row.mark_at]).to(states.device)
        kinds = torch.from_numpy(np.ascontiguousarray(row.mark_type)).to(states.device)
        return states.index_add(0, at, self.marks(kinds).to(states.dtype))

    def pair_logits(self, hidden: Tensor, row: RelationRow, positions: Ints) -> Tensor:
        """Logits of the pairs (pairs, outputs) from hidden states (tokens, width) in float32."""
        logits: Tensor = self.pairs(hidden, pair_blocks(row, positions, self.pairs.shape.types))
        return logits

    def forward(self, states: Tensor, mask: Tensor, row: RelationRow) -> Tensor:
        """Hidden states (windows, longest, width) from the trunk's padded states of the same shape, for the training.

        mask: (windows, longest), true at tokens.
        """
        hidden = self.add_marks(states.flatten(0, 1), row, np.flatnonzero(mask.cpu().numpy())).view_as(states)
        for layer in self.encoder.layers:
            hidden = layer(hidden, mask[:, None, None, :])
        return hidden.float()

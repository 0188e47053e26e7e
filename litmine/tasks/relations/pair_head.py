"""The head of a relation network: from the hidden states of stretches to the logits of their pairs.

A pair is read from the mean states of its mentions and of the tokens between them, and by attention. Each mention asks
the tokens of its stretch, as subject and as object; the sum of the two answers' scores says which tokens of the pair's
sentences matter to both (as the product of two attentions does in ATLOP, Zhou et al. 2021). So the products with all
tokens are counted by mentions, of which there are fewer than pairs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear

from litmine.tasks.relations.pair_blocks import APART, BlockGroup

# Distances in tokens that the head tells apart on each side of a mention.
_STEPS = (1, 2, 3, 5, 9, 17, 33)
PLACES = 2 * len(_STEPS) + 1


@dataclass(frozen=True, slots=True)
class HeadShape:
    """width: of the hidden states. types: number of entity types. inner: width of the head. heads: of its attention."""

    width: int
    types: int
    inner: int = 168
    heads: int = 6


class PairHead(nn.Module):
    """Hidden states (tokens, width) and groups of pairs to features (pairs, inner) and logits (pairs, outputs)."""

    def __init__(self, shape: HeadShape, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        width, inner = shape.width, shape.inner
        self.shape = shape
        self.subject, self.object, self.between = (nn.Linear(width, inner) for _ in range(3))
        self.kinds = nn.Embedding(shape.types * shape.types, inner)
        self.apart, self.distance = nn.Embedding(APART, inner), nn.Embedding(PLACES, inner)
        self.subject_query, self.object_query = nn.Linear(inner, inner), nn.Linear(inner, inner)
        self.key, self.value = nn.Linear(width, inner), nn.Linear(width, inner)
        self.subject_places, self.object_places = (nn.Embedding(PLACES, shape.heads) for _ in range(2))
        self.norm, self.final_norm = nn.LayerNorm(inner), nn.LayerNorm(inner)
        self.hidden = nn.Linear(inner, inner)
        self.dropout = nn.Dropout(dropout)
        self.outputs = nn.Linear(inner, outputs)
        for table in (self.kinds, self.apart, self.distance, self.subject_places, self.object_places):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, hidden: Tensor, groups: Iterable[BlockGroup]) -> Tensor:
        hidden = self.dropout(hidden)
        tokens = hidden.float(), *self._projections(hidden)
        features = [self._features(tokens, one.to(hidden.device)) for one in groups]
        logits: Tensor = self.outputs(self.dropout(torch.cat([tokens[0].new_zeros(0, self.shape.inner), *features])))
        return logits

    def _projections(self, hidden: Tensor) -> Sequence[Tensor]:
        """What each token adds to a mean between mentions, its key and its value: (tokens, inner), in float32.

        They are computed in the precision of the hidden states, since they are most of the head's work.
        """
        layers = self.between, self.key, self.value
        weight = torch.cat([one.weight for one in layers]).to(hidden.dtype)
        bias = torch.cat([torch.zeros_like(self.between.bias), self.key.bias, self.value.bias])
        return torch.split(linear(hidden, weight).float() + bias, self.shape.inner, 1)

    def _features(self, tokens: tuple[Tensor, ...], group: BlockGroup) -> Tensor:
        """Features (pairs, inner) of the pairs of a group."""
        hidden, between, keys, values = (one[group.tokens] for one in tokens)
        column = torch.arange(group.tokens.shape[1], device=hidden.device)
        means = _shares(group.mentions, column) @ hidden
        subjects, objects = self.subject(means), self.object(means)
        by_subject = self._scores(self.subject_query(subjects), keys, group, column, self.subject_places)
        by_object = self._scores(self.object_query(objects), keys, group, column, self.object_places)
        reach = _inside(group.reach, column)
        scores = by_subject[group.block, group.subject] + by_object[group.block, group.object]
        weights = scores.masked_fill(~reach[:, None], -torch.inf).softmax(2)
        # By blocks again, so that the tokens of a block are multiplied with all of its pairs at once.
        pairs = int(group.slot.max()) + 1
        padded = weights.new_zeros(len(keys), pairs, *weights.shape[1:])
        padded = padded.index_put((group.block, group.slot), weights)
        answers = torch.einsum("bpht,bthd->bphd", padded, self._by_head(values)).flatten(2)
        shares = weights.new_zeros(len(keys), pairs, len(column))
        shares = shares.index_put((group.block, group.slot), _shares(group.between, column))
        middle = (shares @ between)[group.block, group.slot] + self.between.bias
        spans = group.mentions[group.block, group.subject], group.mentions[group.block, group.object]
        distance = _places(spans[1][:, :1], spans[0])[:, 0]
        first = subjects[group.block, group.subject] + objects[group.block, group.object] + middle
        first = first + self.kinds(group.kind) + self.apart(group.apart) + self.distance(distance)
        second = gelu(self.norm(first)) + self.dropout(answers[group.block, group.slot])
        result: Tensor = self.final_norm(second + gelu(self.hidden(second)))
        return result

    def _scores(self, queries: Tensor, keys: Tensor, group: BlockGroup, column: Tensor, places: nn.Embedding) -> Tensor:
        """How much each token matters to each mention: (blocks, mentions, heads, tokens)."""
        scores = torch.einsum("bmhd,bthd->bmht", self._by_head(queries), self._by_head(keys))
        place = _places(column.expand(*group.mentions.shape[:2], -1), group.mentions)
        result: Tensor = scores / (self.shape.inner // self.shape.heads) ** 0.5 + places(place).transpose(2, 3)
        return result

    def _by_head(self, tensor: Tensor) -> Tensor:
        return tensor.view(*tensor.shape[:-1], self.shape.heads, -1)


def _inside(spans: Tensor, column: Tensor) -> Tensor:
    """Whether a column is in a span: (..., columns) for spans (..., 2)."""
    return (column >= spans[..., :1]) & (column < spans[..., 1:])


def _shares(spans: Tensor, column: Tensor) -> Tensor:
    """Weights (..., columns) that make the mean over each span (..., 2); zeros for an empty span."""
    shares: Tensor = _inside(spans, column) / (spans[..., 1:] - spans[..., :1]).clamp(min=1)
    return shares


def _places(column: Tensor, spans: Tensor) -> Tensor:
    """The number of each column's place relative to a span: 0 inside, then before, then after: (..., columns)."""
    before = spans[..., :1] - column
    after = column - spans[..., 1:] + 1
    edges = torch.tensor(_STEPS, device=column.device)
    place = torch.where(before > 0, torch.bucketize(before, edges, right=True), torch.zeros_like(before))
    return torch.where(after > 0, len(_STEPS) + torch.bucketize(after, edges, right=True), place)

"""The head of a relation network: from the hidden states of stretches to the logits of their pairs.

A pair is read from the mean states of its mentions and of the tokens between them, and by attention: the pair asks, the
tokens of its stretch answer, and each token knows its place relative to both mentions.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import gelu

from litmine.tasks.relations.rows import RelationRow

# Distances of a token from a mention, in tokens, that the head tells apart on each side.
_STEPS = (1, 2, 3, 5, 9, 17, 33)
PLACES = 2 * len(_STEPS) + 1
# Distances in sentences that the head tells apart.
APART = 3
# Pairs times tokens that the attention handles at a time: 192 numbers each.
_CHUNK = 40_000


@dataclass(frozen=True, slots=True)
class HeadShape:
    """width: of the hidden states. types: number of entity types. inner: width of the head. heads: of its attention."""

    width: int
    types: int
    inner: int = 192
    heads: int = 6


@dataclass(frozen=True, slots=True)
class PairIndex:
    """A row's pairs as tensors on the device; `positions` maps tokens of the row to rows of the hidden states.

    spans (3 x pairs, 2) as tokens to average: of the subjects, of the objects, and of what is between. kinds (pairs,):
    number of the pair of types. apart (pairs,). subject, object (pairs, 2): as in `RelationRow`. starts, lengths
    (pairs,): of the stretch of each pair. longest: tokens of the longest stretch with a pair.
    """

    token: Tensor
    owner: Tensor
    counts: Tensor
    kinds: Tensor
    apart: Tensor
    subject: Tensor
    object: Tensor
    starts: Tensor
    lengths: Tensor
    positions: Tensor
    pairs: int
    longest: int

    @classmethod
    def of(cls, row: RelationRow, positions: NDArray[np.int64], types: int, device: torch.device) -> "PairIndex":
        """The index of a row. positions: index of each token of the row in the flattened hidden states."""
        between = np.stack(
            [
                np.minimum(row.subject[:, 1], row.object[:, 1]),
                np.maximum(row.subject[:, 0], row.object[:, 0]),
            ],
            axis=1,
        )
        spans = np.concatenate([row.subject, row.object, between])
        lengths = np.maximum(spans[:, 1] - spans[:, 0], 0)
        owner = np.repeat(np.arange(len(spans)), lengths)
        ends = np.cumsum(lengths)
        tokens = np.arange(lengths.sum()) + np.repeat(spans[:, 0] - (ends - lengths), lengths)

        def put(array: NDArray[np.int64]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(device)

        return cls(
            put(positions[tokens]),
            put(owner),
            put(np.maximum(lengths, 1)),
            put(row.subject_type * types + row.object_type),
            put(np.minimum(row.apart, APART - 1)),
            put(row.subject),
            put(row.object),
            put(row.starts[row.window]),
            put(row.lengths[row.window]),
            put(positions),
            len(row.number),
            int(row.lengths[row.window].max(initial=0)),
        )


class PairHead(nn.Module):
    """Hidden states (tokens, width) and an index of pairs to features (pairs, inner) and logits (pairs, outputs)."""

    def __init__(self, shape: HeadShape, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        width, inner = shape.width, shape.inner
        self.shape = shape
        self.spans = nn.ModuleList(nn.Linear(width, inner) for _ in range(3))
        self.kinds = nn.Embedding(shape.types * shape.types, inner)
        self.apart = nn.Embedding(APART, inner)
        self.query = nn.Linear(inner, inner)
        self.key, self.value = nn.Linear(width, inner), nn.Linear(width, inner)
        self.subject_keys, self.object_keys = nn.Embedding(PLACES, inner), nn.Embedding(PLACES, inner)
        self.subject_values, self.object_values = nn.Embedding(PLACES, inner), nn.Embedding(PLACES, inner)
        self.attended = nn.Linear(inner, inner)
        self.norm, self.final_norm = nn.LayerNorm(inner), nn.LayerNorm(inner)
        self.hidden = nn.Linear(inner, inner)
        self.dropout = nn.Dropout(dropout)
        self.outputs = nn.Linear(inner, outputs)
        for table in (self.kinds, self.apart, self.subject_keys, self.object_keys, self.subject_values,
                      self.object_values):  # fmt: skip
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, hidden: Tensor, index: PairIndex) -> Tensor:
        logits: Tensor = self.outputs(self.dropout(self.features(hidden, index)))
        return logits

    def features(self, hidden: Tensor, index: PairIndex) -> Tensor:
        """Features (pairs, inner) of the pairs, in float32."""
        if not index.pairs:
            return hidden.new_zeros(0, self.shape.inner)
        hidden = self.dropout(hidden)
        means = hidden.new_zeros(len(index.counts), hidden.shape[1])
        means = means.index_add(0, index.owner, hidden[index.token]) / index.counts[:, None]
        subject, object_, between = means.split(index.pairs)
        summed = self.spans[0](subject) + self.spans[1](object_) + self.spans[2](between)
        first = gelu(self.norm(summed + self.kinds(index.kinds) + self.apart(index.apart)))
        attended = self._attend(first, self.key(hidden), self.value(hidden), index)
        second = first + self.dropout(self.attended(attended))
        result: Tensor = self.final_norm(second + gelu(self.hidden(second)))
        return result

    def _attend(self, pair: Tensor, keys: Tensor, values: Tensor, index: PairIndex) -> Tensor:
        """What the tokens of its stretch answer each pair: (pairs, inner)."""
        query = self.query(pair)
        step = max(1, _CHUNK // index.longest)
        parts = [
            self._attend_some(query[at : at + step], keys, values, index, slice(at, at + step))
            for at in range(0, index.pairs, step)
        ]
        return torch.cat(parts)

    def _attend_some(self, query: Tensor, keys: Tensor, values: Tensor, index: PairIndex, some: slice) -> Tensor:
        starts, lengths = index.starts[some], index.lengths[some]
        column = torch.arange(index.longest, device=query.device)
        token = starts[:, None] + torch.minimum(column[None, :], lengths[:, None] - 1)
        missing = column[None, :] >= lengths[:, None]
        near_subject, near_object = _places(token, index.subject[some]), _places(token, index.object[some])
        at, heads = index.positions[token], self.shape.heads

        def by_head(tensor: Tensor) -> Tensor:
            return tensor.view(*tensor.shape[:-1], heads, -1)

        asked = by_head(query)
        scores = torch.einsum("phd,pthd->pht", asked, by_head(keys[at]))
        for table, near in ((self.subject_keys, near_subject), (self.object_keys, near_object)):
            of_place = torch.einsum("phd,khd->phk", asked, by_head(table.weight))
            scores = scores + of_place.gather(2, near[:, None, :].expand(-1, heads, -1))
        scores = scores / (self.shape.inner // heads) ** 0.5
        weights = scores.masked_fill(missing[:, None, :], -torch.inf).softmax(2)
        answer = torch.einsum("pht,pthd->phd", weights, by_head(values[at]))
        for table, near in ((self.subject_values, near_subject), (self.object_values, near_object)):
            of_place = weights.new_zeros(len(query), heads, PLACES)
            of_place = of_place.scatter_add(2, near[:, None, :].expand(-1, heads, -1), weights)
            answer = answer + torch.einsum("phk,khd->phd", of_place, by_head(table.weight))
        return answer.flatten(1)


def _places(token: Tensor, spans: Tensor) -> Tensor:
    """The number of each token's place relative to a span: (pairs, tokens), 0 inside, then before, then after."""
    before = spans[:, :1] - token
    after = token - spans[:, 1:] + 1
    edges = torch.tensor(_STEPS, device=token.device)
    steps = len(_STEPS)
    place = torch.zeros_like(token)
    place = torch.where(before > 0, torch.bucketize(before, edges, right=True), place)
    return torch.where(after > 0, steps + torch.bucketize(after, edges, right=True), place)

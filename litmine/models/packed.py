"""BERT's encoder over pieces one after another in a row, without padding: what `BertEncoder` computes of each."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from litmine.models.bert import BertEncoder
from litmine.models.kernels import PLAIN, Bounds, Kernels


class PackedEncoder:
    """The weights of an encoder, called with a row of tokens."""

    def __init__(self, encoder: BertEncoder, kernels: Kernels = PLAIN) -> None:
        embeddings = encoder.embeddings
        self._words = embeddings.word_embeddings
        self._places = embeddings.position_embeddings.weight + embeddings.token_type_embeddings.weight[0]
        self._norm = embeddings.LayerNorm
        self._kernels = kernels
        self._layers = [_PackedLayer(layer, kernels) for layer in encoder.encoder.layer]

    def __call__(self, ids: Tensor, places: Tensor, bounds: Bounds) -> Tensor:
        """Hidden states, (tokens, width), of token ids and the place of each in its piece, both (tokens,)."""
        hidden = self._kernels.add_norm(self._words(ids), self._places[places], self._norm)
        for layer in self._layers:
            hidden = layer(hidden, bounds)
        return hidden


class _PackedLayer:
    def __init__(self, layer: Any, kernels: Kernels) -> None:
        own = layer.attention.self
        self._heads = own.heads
        # One product with three times the rows is quicker than three.
        three = (own.query, own.key, own.value)
        self._weight = torch.cat([one.weight for one in three])
        self._bias = torch.cat([one.bias for one in three])
        self._closing, self._inner, self._output = layer.attention.output, layer.intermediate.dense, layer.output
        self._kernels = kernels

    def __call__(self, hidden: Tensor, bounds: Bounds) -> Tensor:
        kernels = self._kernels
        joint = linear(hidden, self._weight, self._bias).view(len(hidden), 3, self._heads, -1)
        query, key, value = joint.unbind(1)
        mixed = kernels.attention(query, key, value, bounds).flatten(1)
        hidden = kernels.add_norm(self._closing.dense(mixed), hidden, self._closing.LayerNorm)
        inner = kernels.dense_gelu(hidden, self._inner)
        return kernels.add_norm(self._output.dense(inner), hidden, self._output.LayerNorm)

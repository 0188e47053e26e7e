"""BERT's encoder over pieces one after another in a row, without padding: what `BertEncoder` computes of each.

Of its last layer, what a token is after it has looked at the others is computed for those tokens alone that are asked
for: three quarters of a layer's work, for some two thirds of the tokens where a word is read at its first one.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from litmine.nn.bert import BertEncoder
from litmine.nn.kernels import PLAIN, Bounds, Kernels


class PackedEncoder:
    """The weights of an encoder, called with a row of tokens."""

    def __init__(self, encoder: BertEncoder, kernels: Kernels = PLAIN) -> None:
        self._embeddings = PackedEmbeddings(encoder.embeddings, kernels)
        self._layers = PackedLayers(encoder.encoder.layer, kernels)

    def __call__(
        self, ids: Tensor, places: Tensor, bounds: Bounds, at: Tensor | None = None, types: Tensor | None = None
    ) -> Tensor:
        """Hidden states, (asked, width), of the tokens `at`, (asked,), or of all.

        ids, places in the piece, and types are (tokens,); without types all are 0.
        """
        return self._layers(self._embeddings(ids, places, types), bounds, at)


class PackedEmbeddings:
    """What a token is before it has looked at the others."""

    def __init__(self, embeddings: Any, kernels: Kernels = PLAIN) -> None:
        self._words = embeddings.word_embeddings
        places, types = embeddings.position_embeddings.weight, embeddings.token_type_embeddings.weight
        self._most = len(places)
        # Places by themselves with the type 0, then with the others.
        self._places = torch.cat([places + one for one in types])
        self._norm = embeddings.LayerNorm
        self._kernels = kernels

    def __call__(self, ids: Tensor, places: Tensor, types: Tensor | None = None) -> Tensor:
        which = places if types is None else places + self._most * types
        return self._kernels.add_norm(self._words(ids), self._places[which], self._norm)


class PackedLayers:
    """Some layers of an encoder, perhaps none."""

    def __init__(self, layers: Iterable[Any], kernels: Kernels = PLAIN) -> None:
        self._layers = [_PackedLayer(layer, kernels) for layer in layers]

    def __len__(self) -> int:
        return len(self._layers)

    def after_each(self, hidden: Tensor, bounds: Bounds) -> Iterator[Tensor]:
        """(tokens, width) after each of these layers."""
        for layer in self._layers:
            hidden = layer(hidden, bounds)
            yield hidden

    def __call__(self, hidden: Tensor, bounds: Bounds, at: Tensor | None = None) -> Tensor:
        """(tokens, width) after these layers; with `at`, (asked, width) of the tokens that are asked for."""
        for layer in self._layers[:-1]:
            hidden = layer(hidden, bounds)
        if self._layers:
            return self._layers[-1](hidden, bounds, at)
        return hidden if at is None else hidden[at]


class _PackedLayer:
    def __init__(self, layer: Any, kernels: Kernels) -> None:
        own, closing, output = layer.attention.self, layer.attention.output, layer.output
        self._heads = own.heads
        # One product with three times the rows is quicker than three.
        self._joint = kernels.product(_joined(own.query, own.key, own.value))
        self._closing, self._closing_norm = kernels.product(closing.dense), closing.LayerNorm
        self._inner = kernels.product_gelu(layer.intermediate.dense)
        self._output, self._output_norm = kernels.product(output.dense), output.LayerNorm
        self._kernels = kernels

    def __call__(self, hidden: Tensor, bounds: Bounds, at: Tensor | None = None) -> Tensor:
        kernels = self._kernels
        query, key, value = self._joint(hidden).view(len(hidden), 3, self._heads, -1).unbind(1)
        mixed = kernels.attention(query, key, value, bounds).flatten(1)
        if at is not None:
            mixed, hidden = mixed[at], hidden[at]
        hidden = kernels.add_norm(self._closing(mixed), hidden, self._closing_norm)
        return kernels.add_norm(self._output(self._inner(hidden)), hidden, self._output_norm)


def _joined(*layers: nn.Linear) -> nn.Linear:
    """All of them side by side."""
    first = layers[0]
    joint = nn.utils.skip_init(nn.Linear, first.in_features, sum(one.out_features for one in layers))
    joint.weight = nn.Parameter(torch.cat([one.weight for one in layers]), requires_grad=False)
    joint.bias = nn.Parameter(torch.cat([one.bias for one in layers]), requires_grad=False)
    assert isinstance(joint, nn.Linear)
    return joint

"""BERT's encoder over pieces one after another in a row, without padding: what `BertEncoder` computes of each.

Of its last layer, what a token is after it has looked at the others is computed for those tokens alone that are asked
for: three quarters of a layer's work, for some two thirds of the tokens where a word is read at its first one.

BERT's encoder, with the names of its weights in transformers, whose own takes seconds to import.

Devlin et al. 2019 (N19-1423): word, position and type embeddings, then layers of attention and two products, each with
its residual and a normalisation after it. What comes out is what transformers gives, to rounding.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from litmine.nn.kernels import PLAIN, Bounds, Kernels


@dataclass(frozen=True, slots=True)
class Output:
    """`last_hidden_state`: (texts, tokens, width)."""

    last_hidden_state: Tensor


def is_plain_bert(config: Any) -> bool:
    """Whether `BertEncoder` computes what this configuration says."""
    return (
        config.model_type == "bert"
        and config.hidden_act == "gelu"
        and getattr(config, "position_embedding_type", "absolute") == "absolute"
        and not config.is_decoder
        and config.hidden_size % config.num_attention_heads == 0
    )


class BertEncoder(nn.Module):
    """Token ids to hidden states, (texts, tokens) to (texts, tokens, width); `attention_mask` is true at tokens."""

    def __init__(
        self, config: Any, embeddings: nn.Module | None = None, layers: Iterable[nn.Module] | None = None
    ) -> None:
        """With new weights, where there are no modules to share."""
        super().__init__()
        self.config = config
        self.embeddings: Any = _Embeddings(config) if embeddings is None else embeddings
        self.encoder = _Layers(new_layers(config, config.num_hidden_layers) if layers is None else layers)

    @classmethod
    def of(cls, encoder: Any) -> "BertEncoder":
        """The same weights as those of transformers' encoder, which is to be a plain one."""
        return cls.holding(encoder.config, encoder.state_dict())

    @classmethod
    def holding(cls, config: Any, weights: Mapping[str, Tensor]) -> "BertEncoder":
        """These weights, of which some may be others'. Raises KeyError, or RuntimeError when one has another shape."""
        own = cls(config)
        own.load_state_dict({name: weights[name] for name in own.state_dict()})
        return own

    def parted(self, layers: int) -> tuple["BertEncoder", nn.ModuleList]:
        """An encoder without the last `layers`, if it has so many, and those; the modules are the same ones."""
        every = self.encoder.layer
        cut = max(len(every) - layers, 0)
        return BertEncoder(self.config, self.embeddings, every[:cut]), every[cut:]

    def get_input_embeddings(self) -> nn.Embedding:
        words: nn.Embedding = self.embeddings.word_embeddings
        return words

    def set_input_embeddings(self, embeddings: nn.Embedding) -> None:
        self.embeddings.word_embeddings = embeddings

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Output:
        mask = None if attention_mask is None else attention_mask.bool()[:, None, None, :]
        return Output(self.encoder(self.embeddings(input_ids, token_type_ids), mask))

    def after_each(
        self, input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None
    ) -> Iterator[Tensor]:
        """The hidden states before the first layer and after each."""
        mask = None if attention_mask is None else attention_mask.bool()[:, None, None, :]
        hidden = self.embeddings(input_ids, token_type_ids)
        yield hidden
        for layer in self.encoder.layer:
            hidden = layer(hidden, mask)
            yield hidden


class UpperLayers(nn.Module):
    """Layers that go on from a trunk of so many, under the names that they have in the whole encoder."""

    def __init__(self, config: Any, below: int, many: int) -> None:
        super().__init__()
        self.encoder: Any = nn.Module()
        own = enumerate(new_layers(config, many), below)
        self.encoder.layer = nn.ModuleDict({str(number): layer for number, layer in own})

    @property
    def layers(self) -> list[nn.Module]:
        return list(self.encoder.layer.values())


def new_layers(config: Any, many: int) -> nn.ModuleList:
    """Layers of that shape with random weights."""
    return nn.ModuleList(_Layer(config) for _ in range(many))


class _Embeddings(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, ids: Tensor, types: Tensor | None) -> Tensor:
        kinds = self.token_type_embeddings.weight[0] if types is None else self.token_type_embeddings(types)
        places = self.position_embeddings.weight[: ids.shape[1]]
        normed: Tensor = self.dropout(self.LayerNorm(self.word_embeddings(ids) + kinds + places))
        return normed


class _Layers(nn.Module):
    def __init__(self, layers: Iterable[nn.Module]) -> None:
        super().__init__()
        self.layer = nn.ModuleList(layers)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        for layer in self.layer:
            hidden = layer(hidden, mask)
        return hidden


class _Layer(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.attention = _Attention(config)
        self.intermediate = _Intermediate(config)
        self.output = _Output(config, config.intermediate_size)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        hidden = self.attention(hidden, mask)
        closed: Tensor = self.output(self.intermediate(hidden), hidden)
        return closed


class _Attention(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.self = _SelfAttention(config)
        self.output = _Output(config, config.hidden_size)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        closed: Tensor = self.output(self.self(hidden, mask), hidden)
        return closed


class _SelfAttention(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.query, self.key, self.value = (nn.Linear(config.hidden_size, config.hidden_size) for _ in range(3))

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        query, key, value = (
            product(hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for product in (self.query, self.key, self.value)
        )
        return scaled_dot_product_attention(query, key, value, mask).transpose(1, 2).flatten(2)


class _Intermediate(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)

    def forward(self, hidden: Tensor) -> Tensor:
        return gelu(self.dense(hidden))


class _Output(nn.Module):
    """The end of either half of a layer."""

    def __init__(self, config: Any, inputs: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, inner: Tensor, residual: Tensor) -> Tensor:
        normed: Tensor = self.LayerNorm(self.dropout(self.dense(inner)) + residual)
        return normed


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

"""BERT's encoder (Devlin et al. 2019, N19-1423), on padded batches and on packed rows without padding.

Its outputs are those of transformers, up to rounding, and so are the names of its weights. It exists because importing
transformers takes seconds, and because packing saves the work on padding. On packed rows, the last layer computes
everything after its attention only for the tokens whose hidden states a task uses. A tagger uses the first token of
each word, so for one third of the tokens the layer skips three quarters of its work.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention
from torch.overrides import TorchFunctionMode

from litmine.nn.kernels import PLAIN, Kernels, WindowBounds


@dataclass(frozen=True, slots=True)
class EncoderOutput:
    """Output of an encoder: `last_hidden_state`, (texts, tokens, width)."""

    last_hidden_state: Tensor


class BertEncoder(nn.Module):
    """Maps token ids (texts, tokens) to hidden states (texts, tokens, width); `attention_mask` is true at tokens."""

    def __init__(
        self, config: Any, embeddings: nn.Module | None = None, layers: Iterable[nn.Module] | None = None
    ) -> None:
        """Share `embeddings` and `layers`, or create them with random weights."""
        super().__init__()
        self.config = config
        self.embeddings: Any = _Embeddings(config) if embeddings is None else embeddings
        self.encoder = _LayerStack(new_layers(config, config.num_hidden_layers) if layers is None else layers)

    @classmethod
    def from_transformers(cls, encoder: Any) -> "BertEncoder":
        """A copy of an encoder of transformers; `litmine.nn.config.is_plain_bert` must hold for its configuration."""
        return cls.from_weights(encoder.config, encoder.state_dict())

    @classmethod
    def from_weights(cls, config: Any, weights: Mapping[str, Tensor]) -> "BertEncoder":
        """An encoder with these weights; other names are ignored.

        Raises KeyError for a missing weight, RuntimeError for a wrong shape.
        """
        encoder = cls(config)
        encoder.load_state_dict({name: weights[name] for name in encoder.state_dict()})
        return encoder

    @classmethod
    def for_inference(cls, config: Any, weights: Mapping[str, Tensor], dtype: torch.dtype) -> "BertEncoder":
        """As `from_weights`, in a precision, and without the time that random weights take."""
        with _WithoutRandomWeights():
            encoder = cls(config)
        # Copies: safetensors maps the file into memory, and a file may be written again while a model is in use.
        copies = {name: weights[name].to(dtype, copy=True) for name in encoder.state_dict()}
        encoder.load_state_dict(copies, assign=True)
        return encoder

    def split_off(self, layers: int) -> tuple["BertEncoder", nn.ModuleList]:
        """Split into an encoder without the last `layers` layers, and these layers; both share the modules."""
        all_layers = self.encoder.layer
        cut = max(len(all_layers) - layers, 0)
        return BertEncoder(self.config, self.embeddings, all_layers[:cut]), all_layers[cut:]

    def get_input_embeddings(self) -> nn.Embedding:
        words: nn.Embedding = self.embeddings.word_embeddings
        return words

    def set_input_embeddings(self, embeddings: nn.Embedding) -> None:
        self.embeddings.word_embeddings = embeddings

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> EncoderOutput:
        mask = None if attention_mask is None else attention_mask.bool()[:, None, None, :]
        return EncoderOutput(self.encoder(self.embeddings(input_ids, token_type_ids), mask))

    def hidden_states(
        self, input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None
    ) -> Iterator[Tensor]:
        """Hidden states before the first layer and after each layer: (texts, tokens, width)."""
        mask = None if attention_mask is None else attention_mask.bool()[:, None, None, :]
        hidden = self.embeddings(input_ids, token_type_ids)
        yield hidden
        for layer in self.encoder.layer:
            hidden = layer(hidden, mask)
            yield hidden


class _WithoutRandomWeights(TorchFunctionMode):
    """Modules that are made in this context have no initial weights, so they must get all of them afterwards.

    The device `meta` would do the same, but imports a compiler, which takes half a second.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **kwargs or {})


class UpperLayers(nn.Module):
    """The `count` layers above a trunk of `below` layers, named as in the complete encoder."""

    def __init__(self, config: Any, below: int, count: int) -> None:
        super().__init__()
        self.encoder: Any = nn.Module()
        numbered = enumerate(new_layers(config, count), below)
        self.encoder.layer = nn.ModuleDict({str(number): layer for number, layer in numbered})

    @property
    def layers(self) -> list[nn.Module]:
        return list(self.encoder.layer.values())


def new_layers(config: Any, count: int) -> nn.ModuleList:
    """Encoder layers with random weights."""
    return nn.ModuleList(_Layer(config) for _ in range(count))


class _Embeddings(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, ids: Tensor, types: Tensor | None) -> Tensor:
        type_embeddings = self.token_type_embeddings.weight[0] if types is None else self.token_type_embeddings(types)
        positions = self.position_embeddings.weight[: ids.shape[1]]
        hidden: Tensor = self.dropout(self.LayerNorm(self.word_embeddings(ids) + type_embeddings + positions))
        return hidden


class _LayerStack(nn.Module):
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
        self.output = _ResidualOutput(config, config.intermediate_size)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        hidden = self.attention(hidden, mask)
        output: Tensor = self.output(self.intermediate(hidden), hidden)
        return output


class _Attention(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.self = _SelfAttention(config)
        self.output = _ResidualOutput(config, config.hidden_size)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        output: Tensor = self.output(self.self(hidden, mask), hidden)
        return output


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


class _ResidualOutput(nn.Module):
    """The end of each half of a layer: linear, dropout, residual and normalisation."""

    def __init__(self, config: Any, inputs: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, inner: Tensor, residual: Tensor) -> Tensor:
        output: Tensor = self.LayerNorm(self.dropout(self.dense(inner)) + residual)
        return output


class PackedEncoder:
    """The same computation as `BertEncoder`, for a row of windows without padding."""

    def __init__(self, encoder: BertEncoder, kernels: Kernels = PLAIN) -> None:
        self._embeddings = PackedEmbeddings(encoder.embeddings, kernels)
        self._layers = PackedLayers(encoder.encoder.layer, kernels)

    def __call__(
        self, ids: Tensor, positions: Tensor, bounds: WindowBounds, selected: Tensor | None = None,
        types: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Hidden states (selected, width) of the tokens with the indices `selected`, or of all tokens.

        ids, positions (within the window) and types are (tokens,); without types all are 0.
        """
        return self._layers(self._embeddings(ids, positions, types), bounds, selected)


class PackedEmbeddings:
    """The embedding layer on a row of tokens."""

    def __init__(self, embeddings: Any, kernels: Kernels = PLAIN) -> None:
        self._words = embeddings.word_embeddings
        positions, types = embeddings.position_embeddings.weight, embeddings.token_type_embeddings.weight
        self._max_positions = len(positions)
        # The sums of all positions with type 0, then with type 1, and so on: one lookup in place of two.
        self._positions = torch.cat([positions + type_embedding for type_embedding in types])
        self._norm = embeddings.LayerNorm
        self._kernels = kernels

    def __call__(self, ids: Tensor, positions: Tensor, types: Tensor | None = None) -> Tensor:
        index = positions if types is None else positions + self._max_positions * types
        return self._kernels.add_norm(self._words(ids), self._positions[index], self._norm)


class PackedLayers:
    """Some layers of an encoder, possibly none, on a row of tokens."""

    def __init__(self, layers: Iterable[Any], kernels: Kernels = PLAIN) -> None:
        self._layers = [_PackedLayer(layer, kernels) for layer in layers]

    def __len__(self) -> int:
        return len(self._layers)

    def hidden_states(self, hidden: Tensor, bounds: WindowBounds) -> Iterator[Tensor]:
        """Hidden states after each layer: (tokens, width)."""
        for layer in self._layers:
            hidden = layer(hidden, bounds)
            yield hidden

    def __call__(self, hidden: Tensor, bounds: WindowBounds, selected: Tensor | None = None) -> Tensor:
        """Hidden states after the last layer: (tokens, width), or (selected, width) of the tokens `selected`."""
        for layer in self._layers[:-1]:
            hidden = layer(hidden, bounds)
        if self._layers:
            return self._layers[-1](hidden, bounds, selected)
        return hidden if selected is None else hidden[selected]


class _PackedLayer:
    def __init__(self, layer: Any, kernels: Kernels) -> None:
        attention, attention_output, output = layer.attention.self, layer.attention.output, layer.output
        self._heads = attention.heads
        # One product with three times the rows is faster than three products.
        self._query_key_value = kernels.product(_concatenated(attention.query, attention.key, attention.value))
        self._attention_output = kernels.product(attention_output.dense)
        self._attention_norm = attention_output.LayerNorm
        self._intermediate = kernels.product_gelu(layer.intermediate.dense)
        self._output, self._output_norm = kernels.product(output.dense), output.LayerNorm
        self._kernels = kernels

    def __call__(self, hidden: Tensor, bounds: WindowBounds, selected: Tensor | None = None) -> Tensor:
        kernels = self._kernels
        query, key, value = self._query_key_value(hidden).view(len(hidden), 3, self._heads, -1).unbind(1)
        context = kernels.attention(query, key, value, bounds).flatten(1)
        if selected is not None:
            context, hidden = context[selected], hidden[selected]
        hidden = kernels.add_norm(self._attention_output(context), hidden, self._attention_norm)
        return kernels.add_norm(self._output(self._intermediate(hidden)), hidden, self._output_norm)


def _concatenated(*layers: nn.Linear) -> nn.Linear:
    """A linear layer with the outputs of all `layers`, one after another."""
    joint = nn.Linear(layers[0].in_features, sum(layer.out_features for layer in layers), device="meta")
    joint.weight = nn.Parameter(torch.cat([layer.weight for layer in layers]), requires_grad=False)
    joint.bias = nn.Parameter(torch.cat([layer.bias for layer in layers]), requires_grad=False)
    return joint

"""A BERT that classifies marked texts: encoder, pooler on the first token, one linear layer.

The same network as `BertForSequenceClassification` of transformers, with the same outputs up to rounding, and with its
names of weights where it is saved.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from litmine.nn.encoder import BertEncoder, EncoderOutput

_ENCODER, _POOLER = "bert.", "bert.pooler.dense."


class MarkedNetwork(nn.Module):
    """Token ids (texts, tokens) to logits (texts, labels)."""

    def __init__(self, config: Any, labels: int, encoder: Any = None) -> None:
        super().__init__()
        self.config = config
        self.encoder: Any = BertEncoder(config) if encoder is None else encoder
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.0))
        self.classifier = nn.Linear(config.hidden_size, labels)

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Logits (texts, labels) of token ids and attention mask (texts, tokens)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0]
        return self.classify(self.dropout(torch.tanh(self.pooler(hidden))))

    def classify(self, pooled: Tensor) -> Tensor:
        """Logits (..., labels) of pooled states (..., width)."""
        logits: Tensor = self.classifier(pooled.to(self.classifier.weight.dtype))
        return logits

    def read_first(self, hidden: Tensor) -> Tensor:
        """Logits (texts, labels) of the states of first tokens (texts, width), in the precision of the pooler."""
        return self.classify(torch.tanh(self.pooler(hidden.to(self.pooler.weight.dtype))))

    def hugging_face_weights(self) -> dict[str, Tensor]:
        """The weights under the names of `BertForSequenceClassification`."""
        named = {f"{_ENCODER}{name}": weight for name, weight in self.encoder.state_dict().items()}
        named |= {f"{_POOLER}{name}": weight for name, weight in self.pooler.state_dict().items()}
        return named | {f"classifier.{name}": weight for name, weight in self.classifier.state_dict().items()}

    @classmethod
    def from_hugging_face(
        cls, config: Any, labels: int, weights: Mapping[str, Tensor], dtype: torch.dtype = torch.float32
    ) -> "MarkedNetwork":
        """The network of a `BertForSequenceClassification`; its encoder in a precision, the rest in float32.

        Raises KeyError for a missing weight and RuntimeError for a wrong shape.
        """
        encoder = BertEncoder.for_inference(
            config, {name.removeprefix(_ENCODER): weight for name, weight in weights.items()}, dtype
        )
        network = cls(config, labels, encoder)
        for layer, prefix in ((network.pooler, _POOLER), (network.classifier, "classifier.")):
            layer.load_state_dict({name: weights[prefix + name] for name in ("weight", "bias")})
        return network


class ForeignNetwork(nn.Module):
    """A classifier of texts of another architecture. Its encoder returns the logits as the states of all tokens."""

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.config = classifier.config
        self.encoder = _ClassifierAsEncoder(classifier)

    def read_first(self, logits: Tensor) -> Tensor:
        """The logits unchanged: the classifier has computed them already."""
        return logits


class _ClassifierAsEncoder(nn.Module):
    """A classifier of texts with the call signature of an encoder."""

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self._classifier = classifier

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None, **types: Tensor) -> EncoderOutput:
        logits = self._classifier(input_ids=input_ids, attention_mask=attention_mask, **types).logits
        return EncoderOutput(logits[:, None, :].expand(-1, input_ids.shape[1], -1))

"""The network of masked-word pretraining: an encoder, and BERT's head over the words that are asked for."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import linear

from litmine.nn.weights import WEIGHTS_FILE

HEAD_FILE = "mlm_head.safetensors"
# Where BERT's own checkpoints keep the head.
_BERT = {
    "cls.predictions.transform.dense.weight": "transform.0.weight",
    "cls.predictions.transform.dense.bias": "transform.0.bias",
    "cls.predictions.transform.LayerNorm.weight": "transform.2.weight",
    "cls.predictions.transform.LayerNorm.bias": "transform.2.bias",
    "cls.predictions.bias": "bias",
}


class MaskedWordNetwork(nn.Module):
    """Token ids to the logits of the vocabulary at the positions that are asked for, and at no others.

    The projection to the vocabulary is the encoder's embedding matrix with a bias; it is the larger part of the cost,
    so positions are gathered before it.
    """

    def __init__(self, config: Any, encoder: Any) -> None:
        super().__init__()
        self.config = config
        self.encoder: Any = encoder
        if getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None
        words, size = encoder.get_input_embeddings().weight.shape
        eps = getattr(config, "layer_norm_eps", 1e-12)
        dense = nn.Linear(config.hidden_size, size)
        nn.init.normal_(dense.weight, std=getattr(config, "initializer_range", 0.02))
        nn.init.zeros_(dense.bias)
        self.transform = nn.Sequential(dense, nn.GELU(), nn.LayerNorm(size, eps))
        self.bias = nn.Parameter(torch.zeros(words))

    def forward(self, ids: Tensor, mask: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Logits (asked, vocabulary) from ids and mask (texts, tokens) and the rows and columns (asked,) asked for."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state[rows, columns]
        return linear(self.transform(hidden), self.encoder.get_input_embeddings().weight, self.bias)

    def head(self) -> dict[str, Tensor]:
        """The weights that are not the encoder's."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith("encoder.")}

    def start_head(self, base: Path) -> bool:
        """Take the head of an earlier pretraining that `base` keeps, ours or BERT's; returns whether there was one."""
        found: dict[str, Tensor] = {}
        if (base / HEAD_FILE).is_file():
            found = load_file(base / HEAD_FILE)
        elif (base / WEIGHTS_FILE).is_file():
            stored = load_file(base / WEIGHTS_FILE)
            found = {ours: stored[theirs] for theirs, ours in _BERT.items() if theirs in stored}
        shapes = {name: value.shape for name, value in self.head().items()}
        if {name: value.shape for name, value in found.items()} != shapes:
            return False
        self.load_state_dict({name: value.float() for name, value in found.items()}, strict=False)
        return True

"""A small encoder of names: names of one concept get similar vectors, whether or not they share letters.

It reads the token embeddings of the built-in trunk, which stay as they are, through two convolutions over three tokens
and an average over the tokens with learnt weights. It is trained as SapBERT is, on the synonyms of a vocabulary.

Liu et al., Self-Alignment Pretraining for Biomedical Entity Representations, NAACL 2021.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from litmine.nn.loading import read_tokenizer
from litmine.nn.weights import load_weights

# Tokens of a name that are read; names of the vocabulary with more are systematic names of chemicals.
LONGEST = 26
_BATCH = 256
_GROUPS, _WIDTH, _BLOCKS, _POOLS = 4, 256, 2, 4
_EMBEDDINGS = "embeddings.word_embeddings.weight"
_KEPT_VECTORS = 1 << 14
_IMPOSSIBLE = -1e4


class NameEncoder(nn.Module):
    """Vectors of length 1 from token ids; `embeddings` are those of the trunk, a row for each token."""

    embeddings: Tensor

    def __init__(self, embeddings: Tensor) -> None:
        super().__init__()
        self.register_buffer("embeddings", embeddings, persistent=False)
        self.norm = nn.LayerNorm(embeddings.shape[1])
        self.project = nn.Linear(embeddings.shape[1], _WIDTH)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(_WIDTH, _WIDTH, 3, padding=1, groups=_GROUPS) for _ in range(_BLOCKS)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(_WIDTH) for _ in range(_BLOCKS))
        self.mixes = nn.ModuleList(nn.Linear(_WIDTH, _WIDTH) for _ in range(_BLOCKS))
        self.weigh = nn.Linear(_WIDTH, _POOLS)
        self.last_norm = nn.LayerNorm(_WIDTH)
        self.head = nn.Linear(_WIDTH, _WIDTH)

    def forward(self, ids: Tensor) -> Tensor:
        """float32, a row for each name. ids: int64, names x tokens, 0 after the end of a name."""
        empty = (ids == 0).unsqueeze(-1)
        hidden = self.project(self.norm(self.embeddings[ids])).masked_fill(empty, 0)
        for convolution, norm, mix in zip(self.convolutions, self.norms, self.mixes, strict=True):
            inner = convolution(norm(hidden).masked_fill(empty, 0).transpose(1, 2)).transpose(1, 2)
            hidden = (hidden + mix(functional.gelu(inner))).masked_fill(empty, 0)
        hidden = self.last_norm(hidden)
        shares = self.weigh(hidden).masked_fill(empty, _IMPOSSIBLE).softmax(1)
        names, tokens, width = hidden.shape
        parts = hidden.view(names, tokens, _POOLS, width // _POOLS)
        pooled = torch.einsum("ntp,ntpw->npw", shares, parts).reshape(names, width)
        vectors: Tensor = functional.normalize(self.head(pooled) + pooled, dim=-1)
        return vectors


class EncodedNames:
    """Vectors of names, kept for names that come again; `similarity` is a `litmine.tasks.linking.features.Cosine`."""

    def __init__(self, encoder: NameEncoder, tokenizer: Tokenizer) -> None:
        self._encoder, self._tokenizer = encoder.eval(), tokenizer
        self._vector = lru_cache(_KEPT_VECTORS)(lambda name: self.encode([name])[0])

    def similarity(self, first: str, second: str) -> float:
        """The cosine of two names, -1 to 1."""
        return float(self._vector(first) @ self._vector(second))

    def encode(self, names: Sequence[str]) -> np.ndarray:
        """float32, a row for each name; names of about one length are computed together."""
        ids = [encoded.ids[:LONGEST] for encoded in self._tokenizer.encode_batch(list(names))]
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        vectors = np.zeros((len(ids), _WIDTH), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), _BATCH):
                rows = order[start : start + _BATCH]
                vectors[rows] = self._encoder(padded([ids[row] for row in rows])).numpy()
        return vectors


def padded(ids: Sequence[Sequence[int]]) -> Tensor:
    """Token ids as int64, names x tokens, 0 after the end of a name."""
    longest = max(map(len, ids), default=0)
    return torch.tensor([[*row, *[0] * (longest - len(row))] for row in ids], dtype=torch.int64)


def trunk_embeddings(trunk: Path) -> Tensor:
    """The token embeddings of a trunk's folder, float32. Raises OSError, SafetensorError or KeyError."""
    return load_weights(trunk)[_EMBEDDINGS]


def load_encoder(folder: Path, trunk: Path) -> EncodedNames:
    """The encoder in a folder, over the embeddings of a trunk. Raises RuntimeError when its weights do not fit."""
    encoder = NameEncoder(trunk_embeddings(trunk))
    encoder.load_state_dict(load_weights(folder))
    return EncodedNames(encoder, read_tokenizer(trunk))

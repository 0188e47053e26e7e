"""The tagger's networks: a BERT-family encoder, one linear layer for all heads, and optionally a CRF per head.

`TaggerTop` returns logits only for words that may belong to a mention; the many other words stay on the device.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from litmine.nn.batches import TextRow
from litmine.nn.crf import BIO, LinearChainCrf, mention_gain, uncertain_words
from litmine.nn.encoder import EncoderOutput
from litmine.nn.engine import check_finite
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import HiddenStates, TopLayers
from litmine.nn.hugging_face import new_encoder
from litmine.tasks.ner.decoder import CandidateLogits, TaggerOutput


class MultiHeadNetwork(nn.Module):
    """Token ids (texts, tokens) to the logits of all heads, concatenated: (texts, tokens, outputs).

    With `chained`, every three outputs are a B/I/O head, and `chain` holds the CRF transitions of the heads.
    """

    def __init__(self, config: Any, outputs: int, encoder: Any = None, chained: bool = False) -> None:
        super().__init__()
        self.config = config
        self.encoder: Any = new_encoder(config) if encoder is None else encoder
        if getattr(self.encoder, "pooler", None) is not None:
            # Tagging does not use it, and not every encoder of the family has one.
            self.encoder.pooler = None
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.0))
        self.heads = nn.Linear(config.hidden_size, outputs)
        self.chain = LinearChainCrf(outputs // len(BIO)) if chained else None

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Logits (texts, tokens, outputs) of token ids and attention mask (texts, tokens)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return self.read_heads(self.dropout(hidden))

    def read_heads(self, hidden: Tensor) -> Tensor:
        """Logits (..., outputs) of hidden states (..., width), in the precision of the heads."""
        logits: Tensor = self.heads(hidden.to(self.heads.weight.dtype))
        return logits


class PlainNetwork(nn.Module):
    """A Hugging Face token classifier of any architecture. Its logits take the place of the encoder's hidden states."""

    chain = None

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.config = classifier.config
        self.encoder = _ClassifierAsEncoder(classifier)

    def read_heads(self, logits: Tensor) -> Tensor:
        """The logits unchanged: the classifier has computed them already."""
        return logits


class _ClassifierAsEncoder(nn.Module):
    """A token classifier with the call signature of an encoder."""

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self._classifier = classifier

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None) -> EncoderOutput:
        return EncoderOutput(self._classifier(input_ids=input_ids, attention_mask=attention_mask).logits)


@dataclass(frozen=True, slots=True)
class HeadLayout:
    """Where the heads in use are among the network's outputs.

    `columns`: (heads, most labels of any head), the output of each label, -1 where a head has fewer. `outside`: same
    shape, true for labels that mean O. `transitions`: (heads, BIO, BIO) of a CRF, or None without one.
    """

    columns: NDArray[np.int64]
    outside: NDArray[np.bool_]
    transitions: NDArray[np.float32] | None

    @classmethod
    def of(
        cls, used: Sequence[range], outside: Sequence[Sequence[bool]], transitions: NDArray[np.float32] | None
    ) -> "HeadLayout":
        """Build the layout from each head's range of outputs, and for each of its labels whether it means O."""
        columns = np.full((len(used), max(map(len, used))), -1)
        is_outside = np.zeros(columns.shape, dtype=bool)
        for head, (outputs, head_outside) in enumerate(zip(used, outside, strict=True)):
            columns[head, : len(outputs)] = outputs
            is_outside[head, : len(outputs)] = head_outside
        return cls(columns, is_outside, transitions)


class TaggerTop:
    """The upper layers and heads on a trunk: hidden states (words, width) to candidate logits."""

    def __init__(
        self, name: str, layers: TopLayers, heads: Callable[[Tensor], Tensor], layout: HeadLayout, device: torch.device
    ) -> None:
        self.name = name
        self.layers, self._heads = layers, heads
        self._columns = torch.from_numpy(layout.columns).to(device).flatten()
        self._outside = torch.from_numpy(layout.outside).to(device)
        self._missing = torch.from_numpy(layout.columns < 0).to(device)
        self._gains = None
        if layout.transitions is not None:
            self._gains = mention_gain(torch.from_numpy(layout.transitions)).to(device)

    def begin(self, states: HiddenStates) -> Sequence[Tensor]:
        """Start the computation; returns tensors on the device: logits, which of them are candidates, all finite."""
        row = states.row
        assert isinstance(row, TextRow)
        logits = self._heads(self.layers(states, row.at)).float()
        finite = logits.isfinite().all()
        by_head = logits[:, self._columns].unflatten(1, self._outside.shape).masked_fill(self._missing, -torch.inf)
        return by_head, self._candidates(by_head, states, row), finite

    def collect(self, row: TextRow, found: Sequence[Tensor]) -> CandidateLogits:
        """Select the candidates from the tensors of `begin`, now on the CPU. Raises when a logit is not finite."""
        logits, candidates, finite = found
        check_finite(bool(finite))
        word, head = np.nonzero(candidates.numpy())
        return CandidateLogits(row.text[word], row.word[word], head, logits.numpy()[word, head])

    def join(self, parts: Sequence[CandidateLogits], failed: Mapping[int, FailedItem], _texts: int) -> TaggerOutput:
        """Combine the batches of some texts."""
        return TaggerOutput(CandidateLogits.concatenate(parts), dict(failed))

    def _candidates(self, logits: Tensor, states: HiddenStates, row: TextRow) -> Tensor:
        """Which words may be in a mention of which head, (words, heads), from logits (words, heads, labels)."""
        if self._gains is not None:
            return uncertain_words(logits, states.to_device(row.last), self._gains)
        outside, inside = (logits.masked_fill(other, -torch.inf).amax(2) for other in (~self._outside, self._outside))
        return outside <= inside

"""The top of a tagger: which words may be in a mention, under which head, and their logits.

Words that are outside for sure stay on the device.

The network: an encoder of the BERT family, one linear layer that holds every head, and perhaps a chain a head.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from litmine.nn.batches import TextRow
from litmine.nn.crf import BIO, Chain, gain, unsure
from litmine.nn.encoder import Output
from litmine.nn.engine import check_numbers
from litmine.nn.failure_isolation import Failed
from litmine.nn.hidden_states import Layers, States
from litmine.nn.hugging_face import new_encoder
from litmine.tasks.ner.decoder import Open, Said


class MultiHeadNetwork(nn.Module):
    """Token ids to the logits of every head, side by side: (texts, tokens) to (texts, tokens, outputs).

    A network that is `chained` has a B/I/O head every three outputs, whose labels are chosen along the words.
    """

    def __init__(self, config: Any, outputs: int, encoder: Any = None, chained: bool = False) -> None:
        super().__init__()
        self.config = config
        self.encoder: Any = new_encoder(config) if encoder is None else encoder
        if getattr(self.encoder, "pooler", None) is not None:
            # It reads whole texts, and not every encoder of the family has one.
            self.encoder.pooler = None
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.0))
        self.heads = nn.Linear(config.hidden_size, outputs)
        self.chain = Chain(outputs // len(BIO)) if chained else None

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return self.read_heads(self.dropout(hidden))

    def read_heads(self, hidden: Tensor) -> Tensor:
        """Logits of hidden states, in the precision of the heads."""
        logits: Tensor = self.heads(hidden.to(self.heads.weight.dtype))
        return logits


class PlainNetwork(nn.Module):
    """A Hugging Face token classifier, whose hidden states nobody sees: what it reads texts to are its logits."""

    chain = None

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.config = classifier.config
        self.encoder = _Classifying(classifier)

    def read_heads(self, logits: Tensor) -> Tensor:
        return logits


class _Classifying(nn.Module):
    """A token classifier behind the call of an encoder."""

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self._classifier = classifier

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None) -> Output:
        return Output(self._classifier(input_ids=input_ids, attention_mask=attention_mask).logits)


@dataclass(frozen=True, slots=True)
class Choices:
    """The heads in use as the network has them.

    `columns` (heads, labels of the head that has most): the outputs of each, -1 where it has fewer. `outside` is true
    at those that say outside. `transitions` (heads, BIO, BIO) of a chain, or None: each word is chosen for itself.
    """

    columns: NDArray[np.int64]
    outside: NDArray[np.bool_]
    transitions: NDArray[np.float32] | None

    @classmethod
    def of(
        cls, used: Sequence[range], outside: Sequence[Sequence[bool]], transitions: NDArray[np.float32] | None
    ) -> "Choices":
        """Of heads whose outputs are `used`, with what says outside in each."""
        columns = np.full((len(used), max(map(len, used))), -1)
        out = np.zeros(columns.shape, dtype=bool)
        for head, (own, says) in enumerate(zip(used, outside, strict=True)):
            columns[head, : len(own)] = own
            out[head, : len(own)] = says
        return cls(columns, out, transitions)


class TaggerTop:
    """Layers that go on from a trunk, and heads over them: hidden states (words, width) to (words, outputs)."""

    def __init__(
        self, name: str, layers: Layers, heads: Callable[[Tensor], Tensor], choices: Choices, device: torch.device
    ) -> None:
        self.name = name
        self.layers, self._heads = layers, heads
        self._columns = torch.from_numpy(choices.columns).to(device).flatten()
        self._outside = torch.from_numpy(choices.outside).to(device)
        self._missing = torch.from_numpy(choices.columns < 0).to(device)
        self._gains = None
        if choices.transitions is not None:
            self._gains = gain(torch.from_numpy(choices.transitions)).to(device)

    def begin(self, states: States) -> Sequence[Tensor]:
        row = states.row
        assert isinstance(row, TextRow)
        logits = self._heads(self.layers(states, row.at)).float()
        finite = logits.isfinite().all()
        of_heads = logits[:, self._columns].unflatten(1, self._outside.shape).masked_fill(self._missing, -torch.inf)
        return of_heads, self._open(of_heads, states, row), finite

    def collect(self, row: TextRow, found: Sequence[Tensor]) -> Open:
        logits, open_, finite = found
        check_numbers(bool(finite))
        word, head = np.nonzero(open_.numpy())
        return Open(row.text[word], row.word[word], head, logits.numpy()[word, head])

    def join(self, parts: Sequence[Open], failed: Mapping[int, Failed], _texts: int) -> Said:
        return Said(Open.joined(parts), dict(failed))

    def _open(self, logits: Tensor, states: States, row: TextRow) -> Tensor:
        """Which words may be in a mention under which head, (words, heads), of logits (words, heads, labels)."""
        if self._gains is not None:
            return unsure(logits, states.sent(row.last), self._gains)
        outside, inside = (logits.masked_fill(other, -torch.inf).amax(2) for other in (~self._outside, self._outside))
        return outside <= inside

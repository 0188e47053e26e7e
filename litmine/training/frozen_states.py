"""The hidden states of a frozen encoder, kept for the epochs that read the same sequences again.

On a CPU, the frozen layers of a top cost more than its own layer with its gradients. Whole documents are the same
sequences in each epoch, so their states are computed once. A GPU computes them again: there they cost little.
"""

import torch
from torch import Tensor

from litmine.nn.encoder import BertEncoder

# Most bytes of kept states: some 1.4 million tokens of 384 numbers.
MAX_BYTES = 1 << 31


class FrozenStates:
    """Reads batches with an encoder that does not learn. Each sequence is kept without padding."""

    def __init__(self, encoder: BertEncoder, max_bytes: int = MAX_BYTES) -> None:
        self._encoder, self._free = encoder, max_bytes
        self._kept: dict[bytes, Tensor] = {}

    def read(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Hidden states (texts, tokens, width) of token ids and mask (texts, tokens); padding has arbitrary ones."""
        if mask is None or ids.device.type != "cpu":
            return self._compute(ids, mask)
        lengths = mask.sum(1).tolist()
        keys = [row[:length].numpy().tobytes() for row, length in zip(ids, lengths, strict=True)]
        new = [i for i, key in enumerate(keys) if key not in self._kept]
        computed: dict[int, Tensor] = {}
        if new:
            states = self._compute(ids[new], mask[new]).float()
            computed = {i: row[: lengths[i]] for i, row in zip(new, states, strict=True)}
        hidden = torch.zeros(*ids.shape, self._width, dtype=torch.float32)
        for i, (key, length) in enumerate(zip(keys, lengths, strict=True)):
            hidden[i, :length] = computed[i] if i in computed else self._kept[key]
        for i, row in computed.items():
            self._keep(keys[i], row)
        return hidden

    @property
    def _width(self) -> int:
        return int(self._encoder.embeddings.word_embeddings.weight.shape[1])

    def _keep(self, key: bytes, states: Tensor) -> None:
        """Keep the states of a sequence, if there is room."""
        size = states.numel() * states.element_size()
        if size <= self._free:
            self._free -= size
            self._kept[key] = states.clone()

    def _compute(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        self._encoder.to(ids.device)
        with torch.no_grad():
            states: Tensor = self._encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return states

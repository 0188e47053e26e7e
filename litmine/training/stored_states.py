"""The states of token sequences after some layers of a frozen encoder, computed once and kept in a file.

A training of the layers above computes the lower ones only once in this way, not in every pass.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litmine.nn.encoder import BertEncoder
from litmine.training.batching import pad
from litmine.training.trainer import TrainingDevice, training_precision

_BATCH_TOKENS = 2_048


class StoredStates:
    """The states in float16 of sequences, each between its two special tokens."""

    def __init__(
        self,
        encoder: BertEncoder,
        after: int,
        special: tuple[int, int, int],
        sequences: Sequence[NDArray[np.int64]],
        file: Path,
        machine: TrainingDevice,
        log: Callable[[str], None],
    ) -> None:
        """after: number of layers. special: ids that begin, end and pad a sequence. file: where the states are kept."""
        self._machine = machine
        self.lengths = np.array([len(one) + 2 for one in sequences], dtype=np.int64)
        self._edges = np.concatenate([[0], np.cumsum(self.lengths)])
        shape = (int(self._edges[-1]), int(encoder.config.hidden_size))
        self._states: NDArray[np.float16] = np.lib.format.open_memmap(file, "w+", np.float16, shape)
        log(f"computing the trunk's states of {shape[0]:,} tokens")
        encoder.eval().to(machine.device)
        order = np.argsort(self.lengths, kind="stable").tolist()
        begin = 0
        while begin < len(order):
            end = begin + 1
            while end < len(order) and (end + 1 - begin) * self.lengths[order[end]] <= _BATCH_TOKENS:
                end += 1
            self._compute(encoder, after, special, sequences, order[begin:end])
            begin = end

    @torch.no_grad()
    def _compute(
        self,
        encoder: BertEncoder,
        after: int,
        special: tuple[int, int, int],
        sequences: Sequence[NDArray[np.int64]],
        chosen: Sequence[int],
    ) -> None:
        ids, mask = (
            torch.from_numpy(one).to(self._machine.device) for one in pad([sequences[i] for i in chosen], special)
        )
        with training_precision(self._machine.device, self._machine.bf16):
            states = encoder.hidden_states(ids, mask, None)
            hidden = next(one for number, one in enumerate(states) if number == after)
        computed = hidden.half().cpu().numpy()
        for place, number in enumerate(chosen):
            self._states[self._edges[number] : self._edges[number + 1]] = computed[place, : self.lengths[number]]

    def batch(self, chosen: Sequence[int]) -> tuple[Tensor, Tensor]:
        """States (sequences, longest, width) in float32 and mask (sequences, longest) on the device."""
        longest = int(self.lengths[list(chosen)].max())
        states = np.zeros((len(chosen), longest, self._states.shape[1]), dtype=np.float32)
        for place, number in enumerate(chosen):
            part = self._states[self._edges[number] : self._edges[number + 1]]
            states[place, : len(part)] = part
        mask = np.arange(longest) < self.lengths[list(chosen)][:, None]
        device = self._machine.device
        return torch.from_numpy(states).to(device), torch.from_numpy(mask).to(device)

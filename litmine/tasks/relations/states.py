"""The frozen trunk's states of training examples, computed once and kept in a file.

They do not depend on the types of the mentions, which are added above the trunk.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litmine.nn.encoder import BertEncoder
from litmine.tasks.relations.examples import RelationExample
from litmine.tasks.relations.rows import Ints, RelationRow, RowStretch, build_row
from litmine.training.trainer import TrainingDevice, training_precision

_BATCH_TOKENS = 2_048


class StretchStates:
    """The states (tokens, width) in float16 of the stretches of some examples after a number of the trunk's layers."""

    def __init__(
        self,
        encoder: BertEncoder,
        after: int,
        special: tuple[int, int, int],
        examples: Sequence[RelationExample],
        file: Path,
        machine: TrainingDevice,
        log: Callable[[str], None],
    ) -> None:
        """special: ids of the tokens that begin, end and pad a stretch. file: where the states are kept."""
        self._examples, self._special, self._machine = examples, special, machine
        items = [(i, stretch) for i, one in enumerate(examples) for stretch in one.marked.stretches]
        lengths = np.array([stretch.end - stretch.start + 2 for _, stretch in items], dtype=np.int64)
        self._edges: Ints = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self._first: Ints = np.searchsorted([i for i, _ in items], np.arange(len(examples) + 1))
        width = int(encoder.config.hidden_size)
        shape = (int(self._edges[-1]), width)
        self._states: NDArray[np.float16] = np.lib.format.open_memmap(file, "w+", np.float16, shape)
        log(f"computing the trunk's states of {shape[0]:,} tokens")
        order = np.argsort(lengths, kind="stable")
        encoder.eval().to(machine.device)
        begin = 0
        while begin < len(order):
            end = begin + 1
            while end < len(order) and (end + 1 - begin) * lengths[order[end]] <= _BATCH_TOKENS:
                end += 1
            self._compute(encoder, after, [(int(k), *items[int(k)]) for k in order[begin:end]])
            begin = end

    @torch.no_grad()
    def _compute(self, encoder: BertEncoder, after: int, chosen: Sequence[tuple[int, int, Any]]) -> None:
        texts = [self._examples[i].marked for _, i, _ in chosen]
        row = build_row([RowStretch(n, one) for n, (_, _, one) in enumerate(chosen)], texts, *self._special[:2])
        padded = row.padded(self._special[2])
        mask = None if padded.mask is None else torch.from_numpy(padded.mask).to(self._machine.device)
        with training_precision(self._machine.device, self._machine.bf16):
            states = encoder.hidden_states(torch.from_numpy(padded.ids).to(self._machine.device), mask, None)
            hidden = next(one for number, one in enumerate(states) if number == after)
        computed = hidden.half().cpu().numpy()
        for place, (number, _, stretch) in enumerate(chosen):
            tokens = stretch.end - stretch.start + 2
            self._states[self._edges[number] : self._edges[number + 1]] = computed[place, :tokens]

    def batch(self, chosen: Sequence[int], further_marks: Sequence[bool]) -> tuple[Tensor, Tensor, RelationRow]:
        """States (windows, longest, width) and mask (windows, longest) of examples, and their row.

        further_marks: for each, whether the mentions that a tagger found are marked too. The row's texts are numbered
        as in `chosen`.
        """
        texts = [
            self._examples[i].marked if further else self._examples[i].without_further_marks
            for i, further in zip(chosen, further_marks, strict=True)
        ]
        items = [RowStretch(number, stretch) for number, text in enumerate(texts) for stretch in text.stretches]
        row = build_row(items, texts, *self._special[:2])
        numbers = [k for i in chosen for k in range(int(self._first[i]), int(self._first[i + 1]))]
        longest = int(row.lengths.max())
        states = np.zeros((len(numbers), longest, self._states.shape[1]), dtype=np.float32)
        for place, k in enumerate(numbers):
            part = self._states[self._edges[k] : self._edges[k + 1]]
            states[place, : len(part)] = part
        mask = np.arange(longest) < row.lengths[:, None]
        device = self._machine.device
        return torch.from_numpy(states).to(device), torch.from_numpy(mask).to(device), row

"""The frozen trunk's states of training texts, computed once as `annotate` computes them, and kept in a file.

They do not depend on the types of the mentions, which are added above the trunk.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litmine.errors import ModelError
from litmine.nn.engine import Engine
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import TopLayers
from litmine.nn.text_states import StatesTop
from litmine.nn.tokenizer import TokenizedText
from litmine.nn.trunk import Trunk
from litmine.tasks.relations.examples import RelationExample
from litmine.tasks.relations.rows import RelationRow, RowStretch, build_row

# Texts whose states are computed at a time.
_TEXTS = 256
# Windows are padded to a multiple of this, since a CPU compiles a product for each number of rows.
_MULTIPLE = 16


class ExampleStates:
    """The states in float16 of the texts of some examples after a number of the trunk's layers."""

    def __init__(
        self, trunk: Trunk, after: int, examples: Sequence[RelationExample], file: Path, log: Callable[[str], None]
    ) -> None:
        """file: where the states are kept. Raises ModelError when the trunk fails on a text."""
        self._examples, self._device = examples, trunk.device
        edges = np.cumsum([0, *(one.marked.text.tokens for one in examples)])
        shape = int(edges[-1]), int(trunk.config.hidden_size)
        kept: NDArray[np.float16] = np.lib.format.open_memmap(file, "w+", np.float16, shape)
        log(f"computing the trunk's states of {shape[0]:,} tokens")
        selected = trunk.layers((), after)
        for begin in range(0, len(examples), _TEXTS):
            some = [one.marked.text for one in examples[begin : begin + _TEXTS]]
            for number, states in enumerate(_states(trunk, selected, after, some), begin):
                kept[edges[number] : edges[number + 1]] = states.half().numpy()
        self._states = [torch.from_numpy(kept[first:last]) for first, last in pairwise(edges)]

    def batch(self, chosen: Sequence[int], further_marks: Sequence[bool]) -> tuple[Tensor, Tensor, RelationRow]:
        """States (windows, longest, width) and mask (windows, longest) of examples, and their row.

        further_marks: for each, whether the mentions that a tagger found are marked too. The row's texts are numbered
        as in `chosen`.
        """
        marked = [
            self._examples[i].marked if further else self._examples[i].without_further_marks
            for i, further in zip(chosen, further_marks, strict=True)
        ]
        texts = [replace(one, states=self._states[i]) for i, one in zip(chosen, marked, strict=True)]
        items = [RowStretch(number, stretch) for number, text in enumerate(texts) for stretch in text.stretches]
        row = build_row(items, texts)
        longest = -(-int(row.lengths.max()) // _MULTIPLE) * _MULTIPLE
        mask = torch.from_numpy(np.arange(longest) < row.lengths[:, None])
        states = torch.zeros(*mask.shape, row.states.shape[1])
        states[mask] = row.states.float()
        return states.to(self._device), mask.to(self._device), row


def _states(trunk: Trunk, selected: TopLayers, after: int, texts: Sequence[TokenizedText]) -> list[Tensor]:
    top = StatesTop("the trunk", selected, [one.tokens for one in texts])
    (found,) = Engine(trunk, [top], depth=after).label(texts)
    states = []
    for text, of_text in zip(texts, found, strict=True):
        if isinstance(of_text, FailedItem):
            raise ModelError(f"the trunk fails on a text of the training ({of_text.why})")
        # A text without words has no states.
        states.append(torch.zeros(text.tokens, int(trunk.config.hidden_size)) if of_text is None else of_text)
    return states

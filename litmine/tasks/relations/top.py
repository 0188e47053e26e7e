"""The top of a relation model at work: from marked texts, through the trunk, to the logits of their pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from litmine.nn.engine import check_finite
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import HiddenStates, TopLayers
from litmine.tasks.relations.network import RelationNetwork
from litmine.tasks.relations.rows import Ints, MarkedText, RelationRow, RowStretch, build_row, empty_row

# The logits of some pairs: the numbers of text and pair, and logits (pairs, outputs).
PairLogits = tuple[Ints, Ints, NDArray[np.float32]]


class StretchInputs:
    """Makes rows of the stretches of marked texts with their states (tokens, width)."""

    def __init__(self, width: int) -> None:
        self._width = width

    def read(self, items: Sequence[MarkedText], /) -> list[MarkedText | FailedItem]:
        """The texts as they are: they are tokenized before their mentions are known."""
        return [*items]

    def pieces(self, number: int, read: MarkedText, /) -> Sequence[RowStretch]:
        return [RowStretch(number, one) for one in read.stretches]

    def row(self, pieces: Sequence[RowStretch], read: Sequence[MarkedText], /) -> RelationRow:
        return build_row(pieces, read)

    def empty(self) -> RelationRow:
        return empty_row(self._width)


class RelationTop:
    """The layers and the head of a relation network on a trunk. after: number of trunk layers below them."""

    def __init__(self, name: str, layers: TopLayers, after: int, network: RelationNetwork) -> None:
        self.name, self._layers, self._after, self._network = name, layers, after, network

    def begin(self, states: HiddenStates) -> Sequence[Tensor]:
        """Start the computation of a row; returns logits (pairs, outputs) on the device, and whether all are finite."""
        row = states.row
        assert isinstance(row, RelationRow)
        lower = states.after(self._after)
        marked = self._network.add_marks(lower.flatten(0, -2), row, states.positions).view_as(lower)
        every = np.arange(len(row.ids))
        hidden = self._layers(replace(states, final=marked, lower={self._after: marked}), every)
        logits = self._network.pair_logits(hidden, row, every)
        return logits, logits.isfinite().all()

    def collect(self, row: RelationRow, found: Sequence[Tensor]) -> PairLogits:
        """The logits of a row's pairs. Raises ModelError when one is not finite."""
        logits, finite = found
        check_finite(bool(finite))
        return row.text, row.number, logits.numpy()

    def join(
        self, parts: Sequence[PairLogits], failed: Mapping[int, FailedItem], texts: int
    ) -> list[tuple[Ints, NDArray[np.float32]] | FailedItem]:
        """The numbers of the judged pairs of each text, ascending, and their logits (pairs, outputs)."""
        none: PairLogits = (
            np.zeros(0, dtype=np.int64),
            np.zeros(0, dtype=np.int64),
            np.zeros((0, self._network.pairs.outputs.out_features), dtype=np.float32),
        )
        text, number, logits = (np.concatenate(arrays) for arrays in zip(none, *parts, strict=True))
        order = np.lexsort((number, text))
        text, number, logits = text[order], number[order], logits[order]
        edges = np.searchsorted(text, np.arange(texts + 1)).tolist()
        return [
            failed[i] if i in failed else (number[edges[i] : edges[i + 1]], logits[edges[i] : edges[i + 1]])
            for i in range(texts)
        ]

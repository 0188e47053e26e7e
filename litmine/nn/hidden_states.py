"""What a trunk makes of a row of tokens, and the last layers of an encoder, which go on from there.

Both in two forms: pieces one after another, as kernels take them, and padded, for everything else.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from litmine.nn.batches import Row
from litmine.nn.encoder import BertEncoder, PackedEmbeddings, PackedLayers
from litmine.nn.kernels import Bounds, Kernels

# A padded encoder: ids, where tokens are (None: everywhere) and types (None: all 0), each (pieces, longest), to states
# (pieces, longest, width): before its first layer and after each, as far as it can be left there.
PaddedEncoder = Callable[[Tensor, Tensor | None, Tensor | None], Iterable[Tensor]]


@dataclass(frozen=True, slots=True)
class States:
    """Hidden states of a row's tokens on the device: (tokens, width), or (pieces, longest, width) where padded.

    `hidden` after the trunk's last layer, `below` after lower ones that somebody goes on from, by the number of layers.
    `there` (tokens of the row): where in `hidden`, flattened, each stands. `bounds` of the pieces, or where they are
    padded None and the `mask` of the tokens, None if they are everywhere.
    """

    row: Row
    hidden: Tensor
    below: Mapping[int, Tensor]
    there: NDArray[np.int64]
    bounds: Bounds | None = None
    mask: Tensor | None = None

    def after(self, layers: int | None) -> Tensor:
        """The states after so many layers of the trunk, None for all of them."""
        return self.hidden if layers is None else self.below[layers]

    def sent(self, array: NDArray[Any]) -> Tensor:
        """On the device; nobody waits until it is there."""
        return sent(array, self.hidden.device)


class Layers:
    """Layers that go on from a trunk's states: (asked, width) of the row's tokens that are asked for."""

    def __call__(self, states: States, at: NDArray[np.int64]) -> Tensor:
        raise NotImplementedError


class Form:
    """How a trunk computes: a row to states, and with which layers a top goes on."""

    packs: bool
    # How many layers a trunk has that can be left after each of them; 0 for one that is a closed whole.
    depth: int

    def __init__(self) -> None:
        self._kept: set[int] = set()

    def __call__(self, row: Row, device: torch.device) -> States:
        raise NotImplementedError

    def layers(self, own: Iterable[nn.Module], after: int | None) -> Layers:
        """Layers of the same encoder, made ready, which go on after so many of the trunk's, or after all (None).

        Raises ValueError for a trunk that cannot be left there.
        """
        if after is not None and after != self.depth:
            if not 1 <= after < self.depth:
                raise ValueError(f"its trunk has {self.depth} layers, and it goes on after {after} of them")
            self._kept.add(after)
            return self._ready(own, after)
        return self._ready(own, None)

    def _ready(self, own: Iterable[nn.Module], after: int | None) -> Layers:
        raise NotImplementedError

    def _below(self, each: Iterable[Tensor], first: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """The states after the last layer, and after those that somebody goes on from."""
        below, last = {}, first
        for number, last in enumerate(each, 1):
            if number in self._kept:
                below[number] = last
        return last, below


class Packing(Form):
    """Pieces one after another, with these kernels."""

    packs = True

    def __init__(self, encoder: BertEncoder, kernels: Kernels, window: int, pad: int) -> None:
        super().__init__()
        self._kernels, self._window, self._pad = kernels, window, pad
        self._embeddings = PackedEmbeddings(encoder.embeddings, kernels)
        self._layers = PackedLayers(encoder.encoder.layer, kernels)
        self.depth = len(self._layers)

    def __call__(self, row: Row, device: torch.device) -> States:
        laid = row.laid(self._kernels.tile, self._kernels.rows, self._pad)
        starts = np.cumsum(laid.lengths) - laid.lengths
        # What fills a row may be longer than a window, and nobody asks where it stands.
        places = np.minimum(np.arange(len(laid.ids)) - np.repeat(starts, laid.lengths), self._window - 1)
        edges = sent(np.append(starts, len(laid.ids)).astype(np.int32), device)
        # Always the same number: what is compiled for one row serves for all.
        bounds = Bounds(laid.lengths.tolist(), edges, self._window, laid.own.tolist())
        types = None if laid.types is None else sent(laid.types, device)
        hidden = self._embeddings(sent(laid.ids, device), sent(places, device), types)
        return States(row, *self._below(self._layers.after_each(hidden, bounds), hidden), laid.there, bounds)

    def _ready(self, own: Iterable[nn.Module], after: int | None) -> Layers:
        return _PackedOnes(PackedLayers(own, self._kernels), self._kernels.rows, after)


class Padding(Form):
    """Pieces under each other; a top's own layers are those of our encoder."""

    packs = False

    def __init__(self, encoder: PaddedEncoder, pad: int, depth: int) -> None:
        super().__init__()
        self._encoder, self._pad, self.depth = encoder, pad, depth

    def __call__(self, row: Row, device: torch.device) -> States:
        padded = row.padded(self._pad)
        mask, types = (None if one is None else sent(one, device) for one in (padded.inside, padded.types))
        first, *each = self._encoder(sent(padded.ids, device), mask, types)
        return States(row, *self._below(each, first), padded.there, mask=mask)

    def _ready(self, own: Iterable[nn.Module], after: int | None) -> Layers:
        return _PaddedOnes(own, after)


class _PackedOnes(Layers):
    def __init__(self, layers: PackedLayers, rows: int, after: int | None) -> None:
        self._layers, self._rows, self._after = layers, rows, after

    def __call__(self, states: States, at: NDArray[np.int64]) -> Tensor:
        assert states.bounds is not None
        there = states.there[at]
        # As many as is a multiple of rows, too.
        asked = np.append(there, np.zeros(-len(there) % self._rows, dtype=np.int64))
        return self._layers(states.after(self._after), states.bounds, states.sent(asked))[: len(there)]


class _PaddedOnes(Layers):
    def __init__(self, layers: Iterable[nn.Module], after: int | None) -> None:
        self._layers, self._after = list(layers), after

    def __call__(self, states: States, at: NDArray[np.int64]) -> Tensor:
        hidden, mask = states.after(self._after), None if states.mask is None else states.mask[:, None, None, :]
        for layer in self._layers:
            hidden = layer(hidden, mask)
        return hidden.flatten(0, 1)[states.sent(states.there[at])]


def sent(array: NDArray[Any], device: torch.device) -> Tensor:
    """On the device; nobody waits until it is there."""
    tensor = torch.from_numpy(array)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)

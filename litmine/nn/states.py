"""What a trunk makes of a row of tokens, and the last layers of an encoder, which go on from there.

Both in two forms: pieces one after another, as kernels take them, and padded, for everything else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from litmine.nn.batch import Row
from litmine.nn.bert import BertEncoder
from litmine.nn.kernels import Bounds, Kernels
from litmine.nn.packed import PackedEmbeddings, PackedLayers

# A padded encoder: ids, where tokens are (None: everywhere) and types (None: all 0), each (pieces, longest), to
# (pieces, longest, width).
PaddedEncoder = Callable[[Tensor, Tensor | None, Tensor | None], Tensor]


@dataclass(frozen=True, slots=True)
class States:
    """Hidden states of a row's tokens on the device: (tokens, width), or (pieces, longest, width) where padded.

    `there` (tokens of the row): where in `hidden`, flattened, each stands. `bounds` of the pieces, or where they are
    padded None and the `mask` of the tokens, None if they are everywhere.
    """

    row: Row
    hidden: Tensor
    there: NDArray[np.int64]
    bounds: Bounds | None = None
    mask: Tensor | None = None

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

    def __call__(self, row: Row, device: torch.device) -> States:
        raise NotImplementedError

    def layers(self, own: Iterable[nn.Module]) -> Layers:
        """Layers of the same encoder, made ready."""
        raise NotImplementedError


class Packing(Form):
    """Pieces one after another, with these kernels."""

    packs = True

    def __init__(self, encoder: BertEncoder, kernels: Kernels, window: int, pad: int) -> None:
        self._kernels, self._window, self._pad = kernels, window, pad
        self._embeddings = PackedEmbeddings(encoder.embeddings, kernels)
        self._layers = PackedLayers(encoder.encoder.layer, kernels)

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
        return States(row, self._layers(hidden, bounds), laid.there, bounds)

    def layers(self, own: Iterable[nn.Module]) -> Layers:
        return _PackedOnes(PackedLayers(own, self._kernels), self._kernels.rows)


class Padding(Form):
    """Pieces under each other; a top's own layers are those of our encoder."""

    packs = False

    def __init__(self, encoder: PaddedEncoder, pad: int) -> None:
        self._encoder, self._pad = encoder, pad

    def __call__(self, row: Row, device: torch.device) -> States:
        padded = row.padded(self._pad)
        mask, types = (None if one is None else sent(one, device) for one in (padded.inside, padded.types))
        return States(row, self._encoder(sent(padded.ids, device), mask, types), padded.there, mask=mask)

    def layers(self, own: Iterable[nn.Module]) -> Layers:
        return _PaddedOnes(own)


class _PackedOnes(Layers):
    def __init__(self, layers: PackedLayers, rows: int) -> None:
        self._layers, self._rows = layers, rows

    def __call__(self, states: States, at: NDArray[np.int64]) -> Tensor:
        assert states.bounds is not None
        there = states.there[at]
        # As many as is a multiple of rows, too.
        asked = np.append(there, np.zeros(-len(there) % self._rows, dtype=np.int64))
        return self._layers(states.hidden, states.bounds, states.sent(asked))[: len(there)]


class _PaddedOnes(Layers):
    def __init__(self, layers: Iterable[nn.Module]) -> None:
        self._layers = list(layers)

    def __call__(self, states: States, at: NDArray[np.int64]) -> Tensor:
        hidden, mask = states.hidden, None if states.mask is None else states.mask[:, None, None, :]
        for layer in self._layers:
            hidden = layer(hidden, mask)
        return hidden.flatten(0, 1)[states.sent(states.there[at])]


def sent(array: NDArray[Any], device: torch.device) -> Tensor:
    """On the device; nobody waits until it is there."""
    tensor = torch.from_numpy(array)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)

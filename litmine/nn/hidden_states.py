"""Compute the hidden states of a trunk, and the upper layers that continue from them.

Both exist twice: packed, without padding, for the fast kernels, and padded, for every other encoder and device.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from litmine.nn.batches import AlignedRow, TokenRow
from litmine.nn.encoder import BertEncoder, PackedEmbeddings, PackedLayers
from litmine.nn.kernels import Kernels, WindowBounds

# An encoder for padded windows. Arguments: ids, mask (true at tokens; None without padding) and token types (None if
# all are 0), each (windows, longest). Result: the hidden states (windows, longest, width) before the first layer, and
# after each layer from which a top can continue.
PaddedEncoder = Callable[[Tensor, Tensor | None, Tensor | None], Iterable[Tensor]]


@dataclass(frozen=True, slots=True)
class HiddenStates:
    """Hidden states of a row's tokens on the device: (tokens, width), or (windows, longest, width) if padded.

    `final`: after the trunk's last layer. `lower`: after each lower layer from which a top continues, by number of
    layers. `positions` (tokens of the row): index of each token in the flattened states. Packed states have `bounds`,
    padded ones have a `mask`, None if there is no padding.
    """

    row: TokenRow
    final: Tensor
    lower: Mapping[int, Tensor]
    positions: NDArray[np.int64]
    bounds: WindowBounds | None = None
    mask: Tensor | None = None

    def after(self, layers: int | None) -> Tensor:
        """The states after that many layers of the trunk, None for all."""
        return self.final if layers is None else self.lower[layers]

    def to_device(self, array: NDArray[Any]) -> Tensor:
        """Copy an array to the device of the states, without waiting for the copy."""
        return to_device(array, self.final.device)


class TopLayers:
    """Layers that continue from a trunk's states: from row positions (selected,) to states (selected, width)."""

    def __call__(self, states: HiddenStates, at: NDArray[np.int64]) -> Tensor:
        raise NotImplementedError


class TrunkRunner:
    """Runs a trunk on rows, and prepares the upper layers of its tops.

    `packs`: whether rows stay without padding. `depth`: number of layers that a top can continue from, 0 if it can
    continue only from the last one.
    """

    packs: bool
    depth: int

    def __init__(self) -> None:
        self._kept: set[int] = set()

    def __call__(self, row: TokenRow, device: torch.device, depth: int | None = None) -> HiddenStates:
        """Hidden states of a row after at most `depth` layers, None for all."""
        raise NotImplementedError

    def place(self, row: TokenRow, hidden: Tensor, device: torch.device, after: int) -> HiddenStates:
        """The hidden states of a row's tokens after `after` layers, given as (tokens, width), where layers continue."""
        raise NotImplementedError

    def layers(self, upper: Iterable[nn.Module], after: int | None) -> TopLayers:
        """Prepare layers that continue after `after` layers of the trunk, or after all (None).

        Raises ValueError when the trunk has no such layer.
        """
        if after is not None and after != self.depth:
            if not 1 <= after < self.depth:
                raise ValueError(f"it continues after layer {after} of its trunk, which has {self.depth} layers")
            self._kept.add(after)
            return self._prepare(upper, after)
        return self._prepare(upper, None)

    def _prepare(self, upper: Iterable[nn.Module], after: int | None) -> TopLayers:
        raise NotImplementedError

    def _split(self, embedded: Tensor, after_each: Iterable[Tensor]) -> tuple[Tensor, dict[int, Tensor]]:
        """The states after the last layer, and those after the lower layers that tops continue from."""
        lower, final = {}, embedded
        for number, final in enumerate(after_each, 1):
            if number in self._kept:
                lower[number] = final
        return final, lower


class PackedRunner(TrunkRunner):
    """Runs windows one after another in a row, with the given kernels."""

    packs = True

    def __init__(self, encoder: BertEncoder, kernels: Kernels, window: int, pad: int) -> None:
        super().__init__()
        self._kernels, self._window, self._pad = kernels, window, pad
        self._embeddings = PackedEmbeddings(encoder.embeddings, kernels)
        self._layers = PackedLayers(encoder.encoder.layer, kernels)
        self.depth = len(self._layers)

    def __call__(self, row: TokenRow, device: torch.device, depth: int | None = None) -> HiddenStates:
        aligned, bounds = self._align(row, device)
        starts = np.cumsum(aligned.lengths) - aligned.lengths
        # Padding at the end of a row may be longer than a window; its positions do not matter.
        positions = np.minimum(np.arange(len(aligned.ids)) - np.repeat(starts, aligned.lengths), self._window - 1)
        types = None if aligned.types is None else to_device(aligned.types, device)
        embedded = self._embeddings(to_device(aligned.ids, device), to_device(positions, device), types)
        states = self._split(embedded, islice(self._layers.hidden_states(embedded, bounds), depth))
        return HiddenStates(row, *states, aligned.positions, bounds)

    def place(self, row: TokenRow, hidden: Tensor, device: torch.device, after: int) -> HiddenStates:
        aligned, bounds = self._align(row, device)
        placed = hidden.new_zeros(len(aligned.ids), hidden.shape[1], device=device)
        placed[to_device(aligned.positions, device)] = hidden.to(device)
        return HiddenStates(row, placed, {after: placed}, aligned.positions, bounds)

    def _align(self, row: TokenRow, device: torch.device) -> tuple[AlignedRow, WindowBounds]:
        aligned = row.aligned(self._kernels.tile, self._kernels.row_multiple, self._pad)
        edges = to_device(np.append(0, np.cumsum(aligned.lengths)).astype(np.int32), device)
        # `longest` is always the window size, so that a compiled kernel serves every row.
        return aligned, WindowBounds(aligned.lengths.tolist(), edges, self._window, aligned.text_lengths.tolist())

    def _prepare(self, upper: Iterable[nn.Module], after: int | None) -> TopLayers:
        return _PackedTopLayers(PackedLayers(upper, self._kernels), self._kernels.row_multiple, after)


class PaddedRunner(TrunkRunner):
    """Runs windows as the rows of a padded matrix; upper layers are those of `BertEncoder`."""

    packs = False

    def __init__(self, encoder: PaddedEncoder, pad: int, depth: int) -> None:
        super().__init__()
        self._encoder, self._pad, self.depth = encoder, pad, depth

    def __call__(self, row: TokenRow, device: torch.device, depth: int | None = None) -> HiddenStates:
        padded = row.padded(self._pad)
        mask, types = (None if array is None else to_device(array, device) for array in (padded.mask, padded.types))
        after_each = iter(self._encoder(to_device(padded.ids, device), mask, types))
        embedded = next(after_each)
        return HiddenStates(row, *self._split(embedded, islice(after_each, depth)), padded.positions, mask=mask)

    def place(self, row: TokenRow, hidden: Tensor, device: torch.device, after: int) -> HiddenStates:
        padded = row.padded(self._pad)
        mask = None if padded.mask is None else to_device(padded.mask, device)
        placed = hidden.new_zeros(padded.ids.size, hidden.shape[1], device=device)
        placed[to_device(padded.positions, device)] = hidden.to(device)
        placed = placed.unflatten(0, padded.ids.shape)
        return HiddenStates(row, placed, {after: placed}, padded.positions, mask=mask)

    def _prepare(self, upper: Iterable[nn.Module], after: int | None) -> TopLayers:
        return _PaddedTopLayers(upper, after)


class _PackedTopLayers(TopLayers):
    def __init__(self, layers: PackedLayers, row_multiple: int, after: int | None) -> None:
        self._layers, self._row_multiple, self._after = layers, row_multiple, after

    def __call__(self, states: HiddenStates, at: NDArray[np.int64]) -> Tensor:
        assert states.bounds is not None
        positions = states.positions[at]
        # The number of selected tokens is rounded up to a multiple of `row_multiple` too.
        rounded_up = np.append(positions, np.zeros(-len(positions) % self._row_multiple, dtype=np.int64))
        selected = self._layers(states.after(self._after), states.bounds, states.to_device(rounded_up))
        return selected[: len(positions)]


class _PaddedTopLayers(TopLayers):
    def __init__(self, layers: Iterable[nn.Module], after: int | None) -> None:
        self._layers, self._after = list(layers), after

    def __call__(self, states: HiddenStates, at: NDArray[np.int64]) -> Tensor:
        hidden, mask = states.after(self._after), None if states.mask is None else states.mask[:, None, None, :]
        for layer in self._layers:
            hidden = layer(hidden, mask)
        return hidden.flatten(0, 1)[states.to_device(states.positions[at])]


def to_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Copy an array to a device, without waiting for the copy; on a CPU the tensor shares the array's memory."""
    tensor = torch.from_numpy(array)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)

"""The network at work: a row of pieces goes to the device, and what it leaves open comes back.

Work is begun and its result asked for in two calls, so that a GPU has the next row before it has done the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litmine.errors import ModelError
from litmine.nn.batch import Row
from litmine.nn.bert import BertEncoder
from litmine.nn.crf import gain, unsure
from litmine.nn.kernel_selection import quick_kernels
from litmine.nn.kernels import Bounds, Kernels
from litmine.nn.packed import PackedEncoder
from litmine.tasks.ner.candidates import Open
from litmine.tasks.ner.network import MultiHeadNetwork


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


class Engine:
    """A network on its device; `kernels` to pack its pieces with, or None to pad them."""

    def __init__(
        self,
        network: Any,
        choices: Choices,
        window: int,
        pad: int,
        device: torch.device,
        kernels: Kernels | None = None,
    ) -> None:
        self.device = device
        self._network, self._window, self._pad = network, window, pad
        self._vocabulary = int(network.config.vocab_size)
        self._columns = torch.from_numpy(choices.columns).to(device).flatten()
        self._outside = torch.from_numpy(choices.outside).to(device)
        self._missing = torch.from_numpy(choices.columns < 0).to(device)
        self._gains = None
        if choices.transitions is not None:
            self._gains = gain(torch.from_numpy(choices.transitions)).to(device)
        self._packed = None if kernels is None else PackedEncoder(network.encoder, kernels)
        self._tiles = (1, 1) if kernels is None else (kernels.tile, kernels.rows)

    @property
    def packs(self) -> bool:
        return self._packed is not None

    @torch.inference_mode()
    def begin(self, row: Row) -> "Running":
        """Let the device work on a row; whatever a text does to the model is raised here or by `result`."""
        if int(row.ids.max()) >= self._vocabulary:
            # On a GPU it would end every other computation too.
            raise ModelError("the tokenizer has a token that the model does not know")
        logits = self._logits(row)
        finite = logits.isfinite().all()
        of_heads = logits[:, self._columns].unflatten(1, self._outside.shape).masked_fill(self._missing, -torch.inf)
        return Running(row, of_heads, self._open(of_heads, row), finite)

    def _open(self, logits: Tensor, row: Row) -> Tensor:
        """Which words may be in a mention under which head, (words, heads), of logits (words, heads, labels)."""
        if self._gains is not None:
            return unsure(logits, self._sent(row.last), self._gains)
        outside, inside = (logits.masked_fill(other, -torch.inf).amax(2) for other in (~self._outside, self._outside))
        return outside <= inside

    def _logits(self, row: Row) -> Tensor:
        """Of the words' first tokens, (words, outputs), in float32."""
        if self._packed is None:
            ids, inside, at = row.padded(self._pad)
            mask = None if inside is None else self._sent(inside)
            logits: Tensor = self._network(self._sent(ids), mask).flatten(0, 1)[self._sent(at)]
            return logits.float()
        own = row.lengths
        if self._tiles != (1, 1):
            row = row.laid(*self._tiles, self._pad)
            own = np.append(own, row.lengths[len(own) :])
        starts = row.starts
        # What fills a row may be longer than a window, and nobody asks where it stands.
        places = np.minimum(np.arange(len(row.ids)) - np.repeat(starts, row.lengths), self._window - 1)
        edges = self._sent(np.append(starts, len(row.ids)).astype(np.int32))
        # Always the same number: what is compiled for one row serves for all.
        bounds = Bounds(row.lengths.tolist(), edges, self._window, own.tolist())
        # As many as is a multiple of rows, too.
        asked = np.append(row.at, np.zeros(-len(row.at) % self._tiles[1], dtype=np.int64))
        hidden = self._packed(self._sent(row.ids), self._sent(places), bounds, self._sent(asked))
        read: Tensor = self._network.read_heads(hidden[: len(row.at)])
        return read

    def _sent(self, array: NDArray[Any]) -> Tensor:
        """On the device; nobody waits until it is there."""
        tensor = torch.from_numpy(array)
        return tensor if self.device.type == "cpu" else tensor.pin_memory().to(self.device, non_blocking=True)


class Running:
    """A row that the device works on, or has."""

    def __init__(self, row: Row, logits: Tensor, open_: Tensor, finite: Tensor) -> None:
        self._row = row
        self._done: torch.cuda.Event | None = None
        if logits.is_cuda:
            self._done, stream = torch.cuda.Event(blocking=True), torch.cuda.current_stream(logits.device)
            logits, open_, finite = (_fetched(one) for one in (logits, open_, finite))
            self._done.record(stream)
        self._logits, self._open, self._finite = logits, open_, finite

    def result(self) -> Open:
        """Wait for it. Raises ModelError when what came out is not a number."""
        if self._done is not None:
            self._done.synchronize()
        if not self._finite:
            raise ModelError("the model's output is not a number")
        word, head = np.nonzero(self._open.numpy())
        row = self._row
        return Open(row.text[word], row.word[word], head, self._logits.numpy()[word, head])


def _fetched(tensor: Tensor) -> Tensor:
    """On its way into memory that the device can write to while nobody waits."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True).copy_(tensor, non_blocking=True)


def kernels_for(network: Any, device: torch.device, dtype: torch.dtype) -> Kernels | None:
    """What to pack pieces with: None where they are to be padded, as on a CPU, in float32, and for other encoders."""
    if not (isinstance(network, MultiHeadNetwork) and isinstance(network.encoder, BertEncoder)):
        return None
    config = network.encoder.config
    return quick_kernels(device, dtype, config.num_attention_heads, config.hidden_size)

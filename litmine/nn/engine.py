"""Run a trunk and its tops on batches of items, with one pass of the trunk for all tops.

Starting a batch and collecting its result are separate steps, so that a GPU already has the next batch when it finishes
one. Only the tensors that a top returns leave the device.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from litmine.errors import ModelError
from litmine.nn.batches import RowItem, TextRow, TokenRow, build_row, group_into_batches, text_windows
from litmine.nn.failure_isolation import FailedItem, isolate_failures
from litmine.nn.hidden_states import HiddenStates
from litmine.nn.tokenizer import TokenizedText
from litmine.nn.trunk import Trunk

# Tokens of a batch: about what fills a CPU's caches, and the compute units of a large GPU.
BATCH_TOKENS = {"cpu": 2_048, "cuda": 65_536}
# Batches on a GPU at a time: the current one and the next.
_GPU_BATCHES = 2


def ignore_progress(share: float) -> None:
    """The default progress callback: does nothing."""


def check_finite(finite: bool) -> None:
    """Raise ModelError when a model's output is not finite."""
    if not finite:
        raise ModelError("the model's output is not a number")


class Top(Protocol):
    """The part of a model above its trunk: `begin` runs on the device, `collect` and `join` on the CPU."""

    @property
    def name(self) -> str:
        """`name@digest` of the model."""
        ...

    def begin(self, states: HiddenStates, /) -> Sequence[Tensor]:
        """Start the computation of a row; returns tensors on the device, which may not be computed yet."""
        ...

    def collect(self, row: Any, found: Sequence[Tensor], /) -> Any:
        """The result of a row from the tensors of `begin`, now on the CPU. Raises ModelError when one is not finite."""
        ...

    def join(self, parts: Sequence[Any], failed: Mapping[int, FailedItem], texts: int, /) -> Any:
        """The result of all `texts` texts from the results of their rows, which may include parts of `failed` texts."""
        ...


class Inputs(Protocol):
    """How the items of a task become rows. A piece is one window of an item."""

    def read(self, items: Sequence[Any], /) -> list[Any]:
        """Tokenize each item; an item that cannot be tokenized becomes a `FailedItem`."""
        ...

    def pieces(self, number: int, read: Any, /) -> Sequence[Any]:
        """The windows of a tokenized item, each with `number` as its `text`."""
        ...

    def row(self, pieces: Sequence[Any], read: Sequence[Any], /) -> TokenRow:
        """Concatenate windows of the tokenized items `read`."""
        ...

    def empty(self) -> TokenRow:
        """A row without text, which fails only if the device or the model is broken."""
        ...


class StateSource(Protocol):
    """Where the hidden states of a row come from: a `Trunk`, or states that are known."""

    @property
    def device(self) -> torch.device: ...

    @property
    def packs(self) -> bool:
        """Whether rows have no padding."""
        ...

    def states(self, row: Any, depth: int | None = None, /) -> HiddenStates:
        """Hidden states of a row after at most `depth` layers, None for all."""
        ...


class TextInputs:
    """Inputs for tasks whose items are single texts, in windows between two special tokens."""

    def __init__(self, trunk: Trunk) -> None:
        self._tokenizer, self._windows = trunk.tokenizer, trunk.windows
        self._begin, self._end, _ = trunk.special

    def read(self, items: Sequence[str], /) -> list[TokenizedText | FailedItem]:
        return isolate_failures(self._tokenizer.read, items, lambda: None)

    def pieces(self, number: int, read: TokenizedText, /) -> Sequence[RowItem]:
        settings = self._windows
        return text_windows(number, read, settings.window, settings.overlap, settings.tight)

    def row(self, pieces: Sequence[Any], read: Sequence[Any], /) -> TextRow:
        return build_row(pieces, read, self._begin, self._end)

    def empty(self) -> TextRow:
        return TextRow.empty(self._begin, self._end)


class Engine:
    """A trunk with the tops of one or more models; reads texts, or the items that `inputs` converts to rows.

    depth: number of the trunk's layers that the tops need, None for all.
    """

    def __init__(
        self,
        trunk: Trunk | StateSource,
        tops: Sequence[Top],
        batch_tokens: int | None = None,
        inputs: Inputs | None = None,
        depth: int | None = None,
    ) -> None:
        """inputs: needed where the states do not come from a trunk."""
        self.batch_tokens = batch_tokens or BATCH_TOKENS.get(trunk.device.type, BATCH_TOKENS["cpu"])
        self._trunk, self._tops = trunk, list(tops)
        self._inputs: Inputs = inputs or TextInputs(cast("Trunk", trunk))
        self._depth = depth

    def read(self, items: Sequence[Any]) -> list[Any]:
        """Tokenize each item, as `Inputs.read`."""
        return self._inputs.read(items)

    def label(self, read: Sequence[Any], watch: Callable[[float], None] = ignore_progress) -> list[Any]:
        """Run the network on tokenized items; returns one result per top, in the order of the tops.

        An item that makes the trunk or a top raise is a failed item for all tops, and no other item is affected.
        `watch` is called before each batch with the share of tokens already started; it may raise to stop the run.
        """
        failed = {i: item for i, item in enumerate(read) if isinstance(item, FailedItem)}
        pieces = [piece for i, item in enumerate(read) if i not in failed for piece in self._inputs.pieces(i, item)]
        batches = group_into_batches(pieces, self.batch_tokens, padding=not self._trunk.packs)
        parts: list[list[Any]] = []
        for batch, results in self._compute(read, batches, watch):
            for piece, result in zip(batch, results, strict=True):
                if isinstance(result, FailedItem):
                    failed[piece.text] = result
                elif result is not None:
                    parts.append(result)
        return [top.join([part[number] for part in parts], failed, len(read)) for number, top in enumerate(self._tops)]

    def _compute(
        self, read: Sequence[Any], batches: Sequence[list[RowItem]], watch: Callable[[float], None]
    ) -> Iterator[tuple[list[RowItem], list[list[Any] | FailedItem | None]]]:
        """Each batch with the results of its pieces. A GPU gets the next batch before the current one is waited for."""
        total, started = sum(piece.tokens for batch in batches for piece in batch), 0
        queue: deque[tuple[list[RowItem], _RunningBatch | None]] = deque()
        for batch in batches:
            watch(started / total)
            started += sum(piece.tokens for piece in batch)
            queue.append((batch, self._try_start(read, batch)))
            if len(queue) == (1 if self._trunk.device.type == "cpu" else _GPU_BATCHES):
                yield self._finish(read, *queue.popleft())
        while queue:
            yield self._finish(read, *queue.popleft())

    def _try_start(self, read: Sequence[Any], batch: list[RowItem]) -> "_RunningBatch | None":
        # If a batch fails here, `_finish` runs it again and finds the item at fault.
        with suppress(Exception):
            return self._start(self._inputs.row(batch, read))
        return None

    def _finish(
        self, read: Sequence[Any], batch: list[RowItem], running: "_RunningBatch | None"
    ) -> tuple[list[RowItem], list[list[Any] | FailedItem | None]]:
        """Wait for a batch. Its first piece gets the whole result, the others None."""
        started = [running]

        def compute(pieces: Sequence[RowItem]) -> list[list[Any] | None]:
            current = started.pop() if started else None
            current = current or self._start(self._inputs.row(pieces, read))
            return [current.result(), *[None] * (len(pieces) - 1)]

        return batch, isolate_failures(compute, batch, self._check_device)

    @torch.inference_mode()
    def _start(self, row: TokenRow) -> "_RunningBatch":
        """Start the computation of a row. An error that a text causes is raised here or by `result`."""
        states = self._trunk.states(row, self._depth)
        return _RunningBatch(row, self._tops, [top.begin(states) for top in self._tops])

    def _check_device(self) -> None:
        try:
            self._start(self._inputs.empty()).result()
        except Exception as error:
            names = " and ".join(top.name for top in self._tops)
            raise ModelError(f"{names} fails on every text on {self._trunk.device}: {error}") from error


class _RunningBatch:
    """A row that the device is computing or has computed."""

    def __init__(self, row: TokenRow, tops: Sequence[Top], outputs: Sequence[Sequence[Tensor]]) -> None:
        self._row, self._tops = row, tops
        self._done: torch.cuda.Event | None = None
        device = next((tensor.device for tensors in outputs for tensor in tensors if tensor.is_cuda), None)
        if device is not None:
            self._done, stream = torch.cuda.Event(blocking=True), torch.cuda.current_stream(device)
            outputs = [[_copy_to_cpu(tensor) for tensor in tensors] for tensors in outputs]
            self._done.record(stream)
        self._outputs = outputs

    def result(self) -> list[Any]:
        """Wait for the row; returns one part per top. Raises as `Top.collect`."""
        if self._done is not None:
            self._done.synchronize()
        return [top.collect(self._row, outputs) for top, outputs in zip(self._tops, self._outputs, strict=True)]


def _copy_to_cpu(tensor: Tensor) -> Tensor:
    """Start to copy a tensor to pinned CPU memory, without waiting for the copy."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True).copy_(tensor, non_blocking=True)

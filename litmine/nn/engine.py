"""Texts through a trunk and its tops: what each top makes of every text, in one pass of the trunk.

Work is begun and its result asked for in two calls, so that a GPU has the next batch before it has done the last. Only
what a top asks for leaves the device.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import torch
from torch import Tensor

from litmine.errors import ModelError
from litmine.nn.batches import Row, Sized, TextRow, batches_of, pieces_of, row_of
from litmine.nn.failure_isolation import Failed, halve
from litmine.nn.hidden_states import States
from litmine.nn.tokenizer import Words
from litmine.nn.trunk import Trunk

# Tokens a batch: about where a CPU's caches and a large GPU's compute units are full.
BATCH_TOKENS = {"cpu": 2_048, "cuda": 65_536}
# Batches that a device has at a time: what it works on, and the next.
_AHEAD = 2


def unwatched(share: float) -> None:
    """Nobody watches."""


def check_numbers(finite: bool) -> None:
    """Raise ModelError when a model's output is not finite."""
    if not finite:
        raise ModelError("the model's output is not a number")


class Top(Protocol):
    """What one model makes of a trunk's states: `begin` on the device, the rest on the host."""

    @property
    def name(self) -> str:
        """`name@digest` of its model."""
        ...

    def begin(self, states: States, /) -> Sequence[Tensor]:
        """What the host is to have of a row; it is not there yet when this returns."""
        ...

    def collect(self, row: Any, found: Sequence[Tensor], /) -> Any:
        """The part that a row gives, of the same tensors on the host. Raises ModelError when one is not a number."""
        ...

    def join(self, parts: Sequence[Any], failed: Mapping[int, Failed], texts: int, /) -> Any:
        """The labels of so many texts, of the parts of all rows; those that `failed` may be in some of them."""
        ...


class Inputs(Protocol):
    """How what a task reads becomes rows."""

    def read(self, items: Sequence[Any], /) -> list[Any]:
        """Tokenise: what each item is to the model, or Failed."""
        ...

    def pieces(self, number: int, read: Any, /) -> Sequence[Any]:
        """The windows of one, each with that number as its `text` and a number of `tokens`."""
        ...

    def row(self, pieces: Sequence[Any], read: Sequence[Any], /) -> Row: ...

    def empty(self) -> Row:
        """A row that anything that works can compute."""
        ...


class Texts:
    """Each text by itself, in windows between two special tokens."""

    def __init__(self, trunk: Trunk) -> None:
        self._reader, self._windows = trunk.reader, trunk.windows
        self._begin, self._end, _ = trunk.special

    def read(self, items: Sequence[str], /) -> list[Words | Failed]:
        return halve(self._reader.read, items, lambda: None)

    def pieces(self, number: int, read: Words, /) -> Sequence[Sized]:
        cut = self._windows
        return pieces_of(number, read, cut.window, cut.overlap, cut.tight)

    def row(self, pieces: Sequence[Any], read: Sequence[Any], /) -> TextRow:
        return row_of(pieces, read, self._begin, self._end)

    def empty(self) -> TextRow:
        return TextRow.empty(self._begin, self._end)


class Engine:
    """A trunk with the tops of one or several models, over texts, or over what `inputs` make rows of."""

    def __init__(
        self, trunk: Trunk, tops: Sequence[Top], batch_tokens: int | None = None, inputs: Inputs | None = None
    ) -> None:
        self.batch_tokens = batch_tokens or BATCH_TOKENS.get(trunk.device.type, BATCH_TOKENS["cpu"])
        self._trunk, self._tops = trunk, list(tops)
        self._inputs: Inputs = inputs or Texts(trunk)

    def read(self, items: Sequence[Any]) -> list[Any]:
        """Tokenise."""
        return self._inputs.read(items)

    def label(self, read: Sequence[Any], watch: Callable[[float], None] = unwatched) -> list[Any]:
        """What each top says of every text, in windows where it is long; one for each top, in their order.

        A text that makes the trunk or one of the tops fail has failed for all of them, and no other text has. `watch`
        is told before each batch which share of the tokens is given to the network, and may raise to stop.
        """
        failed = {i: one for i, one in enumerate(read) if isinstance(one, Failed)}
        pieces = [piece for i, one in enumerate(read) if i not in failed for piece in self._inputs.pieces(i, one)]
        parts: list[list[Any]] = []
        for batch, computed in self._computed(
            read, batches_of(pieces, self.batch_tokens, not self._trunk.packs), watch
        ):
            for piece, result in zip(batch, computed, strict=True):
                if isinstance(result, Failed):
                    failed[piece.text] = result
                elif result is not None:
                    parts.append(result)
        return [top.join([part[number] for part in parts], failed, len(read)) for number, top in enumerate(self._tops)]

    def _computed(
        self, read: Sequence[Any], batches: Sequence[list[Sized]], watch: Callable[[float], None]
    ) -> Iterator[tuple[list[Sized], list[list[Any] | Failed | None]]]:
        """Each batch, and what came of its pieces; a GPU has the next batch before it is asked for one."""
        todo, done = sum(piece.tokens for batch in batches for piece in batch), 0
        begun: deque[tuple[list[Sized], _Running | None]] = deque()
        for batch in batches:
            watch(done / todo)
            done += sum(piece.tokens for piece in batch)
            begun.append((batch, self._begun(read, batch)))
            if len(begun) == (1 if self._trunk.device.type == "cpu" else _AHEAD):
                yield self._finished(read, *begun.popleft())
        while begun:
            yield self._finished(read, *begun.popleft())

    def _begun(self, read: Sequence[Any], batch: list[Sized]) -> "_Running | None":
        # Which text makes it fail is looked for when the result is asked for.
        with suppress(Exception):
            return self._begin(self._inputs.row(batch, read))
        return None

    def _finished(
        self, read: Sequence[Any], batch: list[Sized], running: "_Running | None"
    ) -> tuple[list[Sized], list[list[Any] | Failed | None]]:
        begun = [running]

        def compute(some: Sequence[Sized]) -> list[list[Any] | None]:
            under_way = begun.pop() if begun else None
            under_way = under_way or self._begin(self._inputs.row(some, read))
            # The first piece stands for all.
            return [under_way.result(), *[None] * (len(some) - 1)]

        return batch, halve(compute, batch, self._still_works)

    @torch.inference_mode()
    def _begin(self, row: Row) -> "_Running":
        """Let the device work on a row; whatever a text does to the model is raised here or by `result`."""
        states = self._trunk.states(row)
        return _Running(row, self._tops, [top.begin(states) for top in self._tops])

    def _still_works(self) -> None:
        try:
            self._begin(self._inputs.empty()).result()
        except Exception as error:
            names = " and ".join(top.name for top in self._tops)
            raise ModelError(f"{names} fails on every text on {self._trunk.device}: {error}") from error


class _Running:
    """A row that the device works on, or has."""

    def __init__(self, row: Row, tops: Sequence[Top], found: Sequence[Sequence[Tensor]]) -> None:
        self._row, self._tops = row, tops
        self._done: torch.cuda.Event | None = None
        device = next((one.device for of_top in found for one in of_top if one.is_cuda), None)
        if device is not None:
            self._done, stream = torch.cuda.Event(blocking=True), torch.cuda.current_stream(device)
            found = [[_fetched(one) for one in of_top] for of_top in found]
            self._done.record(stream)
        self._found = found

    def result(self) -> list[Any]:
        """Wait for it: one part for each top. Raises as `Top.collect`."""
        if self._done is not None:
            self._done.synchronize()
        return [top.collect(self._row, found) for top, found in zip(self._tops, self._found, strict=True)]


def _fetched(tensor: Tensor) -> Tensor:
    """On its way into memory that the device can write to while nobody waits."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True).copy_(tensor, non_blocking=True)

"""An encoder's steps as CUDA graphs: its thousand small kernels take longer to launch one by one than to compute.

A graph has one shape, so batches are padded to one of few: each is recorded when it is first met, forwards and
backwards, and played from then on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from litmine.nn.encoder import BertEncoder, EncoderOutput

# Lengths are multiples of it, which the attention kernels like too.
_LENGTH = 32
# What recording takes is made up for by so many steps at the most.
_SHAPES = 64

Given = tuple[Tensor, ...]
Record = Callable[[nn.Module, Given], Callable[..., Tensor]]


@contextmanager
def graphed(encoder: Any) -> Iterator[None]:
    """Inside, an encoder of our own that learns on a GPU is recorded; others are as they are."""
    if not isinstance(encoder, BertEncoder) or encoder.get_input_embeddings().weight.device.type != "cuda":
        yield
        return
    # They take turns, so what one needs on its way lies where another's lay.
    record = partial(_record, pool=torch.cuda.graph_pool_handle())
    encoder.forward = Graphs(encoder, record)  # type: ignore[method-assign]
    try:
        yield
    finally:
        del encoder.forward


class Graphs:
    """`encoder`'s call, by shape; what `record` makes of it computes the same for that shape."""

    def __init__(self, encoder: BertEncoder, record: Record) -> None:
        self._encoder, self._forward = encoder, encoder.forward
        self._record = record
        self._recorded: dict[tuple[int, ...], Callable[..., Tensor]] = {}

    def __call__(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> EncoderOutput:
        """As `BertEncoder`."""
        texts, tokens = input_ids.shape
        mask = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
        more = _texts(texts) - texts, -tokens % _LENGTH
        # A text that is not there has one token: a softmax over none is no number.
        mask = pad(pad(mask, (0, more[1])), (0, 0, 0, more[0]), value=True)
        given: Given = (pad(input_ids, (0, more[1], 0, more[0])), mask)
        if token_type_ids is not None:
            given = (*given, pad(token_type_ids, (0, more[1], 0, more[0])))
        shape = (*mask.shape, len(given))
        if shape not in self._recorded:
            # One for each shape: recording replaces a module's call.
            module = _Hidden(self._encoder, self._forward)
            self._recorded[shape] = module if len(self._recorded) >= _SHAPES else self._record(module, given)
        return EncoderOutput(self._recorded[shape](*given)[:texts, :tokens])


class _Hidden(nn.Module):
    """A module of the encoder's own parameters that gives its hidden states alone."""

    def __init__(self, encoder: BertEncoder, compute: Callable[..., EncoderOutput]) -> None:
        super().__init__()
        self.encoder, self._compute = encoder, compute

    def forward(self, *given: Tensor) -> Tensor:
        return self._compute(*given).last_hidden_state


def _texts(texts: int) -> int:
    """The next of 1, 2, 3, 4, 6, 8, 12, 16, 24, ..."""
    power = 1 << (texts - 1).bit_length()
    return power * 3 // 4 if power >= 4 and texts <= power * 3 // 4 else power


def _record(module: nn.Module, given: Given, pool: Any) -> Callable[..., Tensor]:
    device = given[0].device.type
    # What autocast has cast would be forgotten while the graph still points to it.
    with torch.autocast(
        device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device), cache_enabled=False
    ):
        return cast("Callable[..., Tensor]", torch.cuda.make_graphed_callables(module, given, pool=pool))

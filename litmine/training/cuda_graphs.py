"""Run an encoder's training steps as CUDA graphs.

Launching a small encoder's thousand kernels one by one takes longer than computing them. A graph has one shape, so
batches are padded to a few shapes. The forward and backward pass of each shape is recorded once and then replayed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from litmine.nn.encoder import BertEncoder, EncoderOutput

# Lengths are padded to multiples of this, which also suits the attention kernels.
_LENGTH_MULTIPLE = 32
# Recording costs time, so at most this many shapes are recorded; others run without a graph.
_MAX_SHAPES = 64

EncoderInputs = tuple[Tensor, ...]
Recorder = Callable[[nn.Module, EncoderInputs], Callable[..., Tensor]]


@contextmanager
def use_cuda_graphs(encoder: Any) -> Iterator[None]:
    """Run `encoder` as CUDA graphs inside this block if it is a `BertEncoder` on a GPU; leave others unchanged."""
    if not isinstance(encoder, BertEncoder) or encoder.get_input_embeddings().weight.device.type != "cuda":
        yield
        return
    # Graphs run one at a time, so they share one memory pool.
    recorder = partial(_record, pool=torch.cuda.graph_pool_handle())
    encoder.forward = GraphedEncoder(encoder, recorder)  # type: ignore[method-assign]
    try:
        yield
    finally:
        del encoder.forward


class GraphedEncoder:
    """A replacement for the encoder's `forward` that uses one recorded graph per shape."""

    def __init__(self, encoder: BertEncoder, recorder: Recorder) -> None:
        self._encoder, self._forward = encoder, encoder.forward
        self._recorder = recorder
        self._graphs: dict[tuple[int, ...], Callable[..., Tensor]] = {}

    def __call__(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> EncoderOutput:
        """As `BertEncoder.forward`."""
        texts, tokens = input_ids.shape
        mask = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
        extra_texts, extra_tokens = _padded_batch_size(texts) - texts, -tokens % _LENGTH_MULTIPLE
        # Padding texts have one visible token, because a softmax over none is NaN.
        mask = pad(pad(mask, (0, extra_tokens)), (0, 0, 0, extra_texts), value=True)
        inputs: EncoderInputs = (pad(input_ids, (0, extra_tokens, 0, extra_texts)), mask)
        if token_type_ids is not None:
            inputs = (*inputs, pad(token_type_ids, (0, extra_tokens, 0, extra_texts)))
        shape = (*mask.shape, len(inputs))
        if shape not in self._graphs:
            # One module for each shape, because recording replaces the module's call.
            module = _HiddenStates(self._encoder, self._forward)
            self._graphs[shape] = module if len(self._graphs) >= _MAX_SHAPES else self._recorder(module, inputs)
        return EncoderOutput(self._graphs[shape](*inputs)[:texts, :tokens])


class _HiddenStates(nn.Module):
    """A module with the encoder's own parameters that returns its hidden states only."""

    def __init__(self, encoder: BertEncoder, compute: Callable[..., EncoderOutput]) -> None:
        super().__init__()
        self.encoder, self._compute = encoder, compute

    def forward(self, *inputs: Tensor) -> Tensor:
        return self._compute(*inputs).last_hidden_state


def _padded_batch_size(texts: int) -> int:
    """`texts` rounded up to one of 1, 2, 3, 4, 6, 8, 12, 16, 24, ..."""
    power = 1 << (texts - 1).bit_length()
    return power * 3 // 4 if power >= 4 and texts <= power * 3 // 4 else power


def _record(module: nn.Module, inputs: EncoderInputs, pool: Any) -> Callable[..., Tensor]:
    device = inputs[0].device.type
    # Without autocast's cache: it would free cast weights that the graph still points to.
    with torch.autocast(
        device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device), cache_enabled=False
    ):
        return cast("Callable[..., Tensor]", torch.cuda.make_graphed_callables(module, inputs, pool=pool))

"""Limits of the hardware, and the speed of the encoder alone on full windows of random tokens."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.machine import best_seconds, copy_bandwidth, matrix_limit, synchronize
from litmine.nn import kernels_gpu
from litmine.nn.batches import TokenRow
from litmine.nn.encoder import PackedEncoder
from litmine.nn.kernels import PLAIN, WindowBounds
from litmine.tasks.ner.network import TaggerTop
from litmine.tasks.ner.tagger import Tagger
from litmine.training.base import read_base

Figures = dict[str, Any]
_LENGTH = 256


def window_of(tagger: Tagger) -> int:
    """Tokens of a full window, at most the length of most texts."""
    return min(_LENGTH, tagger.settings.window)


def hardware_limits(tagger: Tagger) -> Figures:
    """Speed of matrix products with the model's shapes, and of a copy."""
    config, tokens = tagger.trunk.config, tagger.batch_tokens
    dtype = torch.bfloat16 if tagger.precision == "bf16" else torch.float32
    limit = matrix_limit(tagger.device, dtype, tokens, config.hidden_size, config.intermediate_size)
    return {
        "matrix product, GFLOP/s": round(limit / 1e9),
        "copy, GB/s": round(copy_bandwidth(tagger.device) / 1e9, 1),
    }


def encoder_speed(tagger: Tagger, tokens: int, limit: float, window: int) -> Figures:
    """Speed of the encoder as `annotate` runs it, on about `tokens` tokens; `limit` is in GFLOP/s."""
    tokens = _whole(tokens, window)
    seconds = best_seconds(encoding(tagger, tokens, window), tagger.device, 1.0)
    share = operations(tagger, window) * tokens / seconds / 1e9 / limit
    return {
        "tokens": tokens,
        "window": window,
        "packed": tagger.packs,
        "tokens/s": round(tokens / seconds),
        "of the matrix product": round(share, 3),
    }


def sustained(tagger: Tagger, window: int, least: float = 10.0) -> float:
    """Mean tokens/s of the encoder over at least `least` seconds; `encoder_speed` measures the best."""
    tokens = _whole(tagger.batch_tokens, window)
    run = encoding(tagger, tokens, window)
    run()
    synchronize(tagger.device)
    started, read = time.perf_counter(), 0
    while (passed := time.perf_counter() - started) < least:
        run()
        synchronize(tagger.device)
        read += tokens
    return read / passed


def encoding(tagger: Tagger, tokens: int, window: int) -> Callable[[], object]:
    """A function that runs the encoder on random tokens; all are selected, so the last layer saves nothing."""
    ids = np.random.default_rng(0).integers(1000, tagger.trunk.config.vocab_size, tokens)
    row, every = TokenRow(ids, np.full(tokens // window, window), None), np.arange(tokens)
    top = tagger.top
    assert isinstance(top, TaggerTop)
    return _reading(lambda: top.layers(tagger.trunk.states(row), every))


def compiled_speed(ref: str, tagger: Tagger, tokens: int) -> Figures:
    """Speed and compile time of the encoder with `torch.compile` in place of litmine's kernels."""
    length = window_of(tagger)
    encoder = read_base(ref, length).encoder.eval().to(tagger.device, tagger.trunk.place.dtype)
    plain = PackedEncoder(encoder, replace(PLAIN, attention=kernels_gpu.attention))
    ids = torch.randint(1000, tagger.trunk.config.vocab_size, (tokens // length, length), device=tagger.device)
    arguments, figures = _row(ids, tagger.settings.window), {}
    fused: Callable[..., object] = torch.compile(plain.__call__)
    for name, call in (("plain torch", plain), ("torch.compile", fused)):
        run = _reading(partial(call, *arguments))
        started = time.perf_counter()
        run()
        first = time.perf_counter() - started
        seconds = best_seconds(run, tagger.device, 1.0)
        figures[name] = {"first call, s": round(first, 1), "tokens/s": round(ids.numel() / seconds)}
    return figures


def kernel_shares(tagger: Tagger, tokens: int, most: int = 12) -> list[str]:
    """GPU kernels of one batch: share of the time, number of calls and name, longest first."""
    from torch.profiler import ProfilerActivity, profile

    run = encoding(tagger, _whole(tokens, window_of(tagger)), window_of(tagger))
    run()
    with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as found:
        run()
        torch.cuda.synchronize(tagger.device)
    timed = [(kernel.self_device_time_total, kernel.count, kernel.key) for kernel in found.key_averages()]
    total = sum(microseconds for microseconds, _, name in timed if not name.startswith("aten::"))
    rows = sorted((kernel for kernel in timed if kernel[0] and not kernel[2].startswith("aten::")), reverse=True)[:most]
    return [f"{took / total:6.1%} {count:4} {name[:110]}" for took, count, name in rows]


def operations(tagger: Tagger, window: int) -> int:
    """Floating-point operations per token: products with the weights, and attention within the window."""
    config = tagger.trunk.config
    width, inner = config.hidden_size, config.intermediate_size
    top_layers = tagger.settings.trunk.layers if tagger.settings.trunk else 0
    return int((config.num_hidden_layers + top_layers) * 2 * (4 * width**2 + 2 * width * inner + 2 * window * width))


def _reading(call: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        with torch.inference_mode():
            return call()

    return run


def _row(ids: torch.Tensor, longest: int) -> tuple[torch.Tensor, torch.Tensor, WindowBounds]:
    pieces, length = ids.shape
    places = torch.arange(length, device=ids.device).repeat(pieces)
    edges = torch.arange(0, ids.numel() + 1, length, dtype=torch.int32, device=ids.device)
    return ids.flatten(), places, WindowBounds([length] * pieces, edges, longest)


def _whole(tokens: int, window: int) -> int:
    """The largest number of tokens, up to `tokens`, that full windows have."""
    return max(1, tokens // window) * window

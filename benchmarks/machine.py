"""Describe the machine of a measurement, and measure the limits of its hardware."""

import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from litmine.nn import kernels_cpu
from litmine.nn.kernels import PLAIN, Product

PACKAGES = ("torch", "transformers", "ray", "openvino", "onnxruntime")
Clock = Callable[[], float]


def describe_machine(device: torch.device) -> dict[str, Any]:
    """Device, threads, versions and commit, for the head of a JSON file."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else processor(),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version()}
        | {name: there for name in PACKAGES if (there := _version(name))},
        "commit": _commit(),
    }


def processor() -> str:
    """Name of the CPU."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def best_seconds(
    run: Callable[[], object], device: torch.device, least: float = 2.0, clock: Clock = time.perf_counter
) -> float:
    """Shortest of the runs that fit into `least` seconds, at least three, after a warm-up run.

    On a busy CPU, `time.process_time` as the clock leaves out the time of other processes.
    """
    run()
    durations: list[float] = []
    while len(durations) < 3 or sum(durations) < least:
        synchronize(device)
        started = clock()
        run()
        synchronize(device)
        durations.append(clock() - started)
    return min(durations)


def matrix_limit(
    device: torch.device, dtype: torch.dtype, tokens: int, width: int, inner: int,
    ways: Sequence[Callable[[torch.nn.Linear], Product]] = (), clock: Clock = time.perf_counter,
) -> float:  # fmt: skip
    """FLOP/s of matrix products with the shapes of a layer, in a layer's proportions.

    The fastest of `ways`; without them, of torch's linear layer and, on a CPU, the one with prepacked weights.
    """
    if not ways:
        prepacked = device.type == "cpu" and torch.backends.mkldnn.is_available()
        ways = (PLAIN.product, kernels_cpu.product) if prepacked else (PLAIN.product,)
    seconds, work = 0.0, 0
    for times, (inputs, outputs) in ((4, (width, width)), (1, (width, inner)), (1, (inner, width))):
        left = torch.randn(tokens, inputs, device=device).to(dtype)
        dense = torch.nn.Linear(inputs, outputs, device=device, dtype=dtype).requires_grad_(False)
        seconds += times * min(best_seconds(partial(way(dense), left), device, 0.5, clock) for way in ways)
        work += times * 2 * tokens * inputs * outputs
    return work / seconds


def copy_bandwidth(device: torch.device) -> float:
    """Bytes/s, read plus written, of a copy on the device that is larger than the caches."""
    source = torch.empty(256 * 2**20, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * source.numel() / best_seconds(lambda: target.copy_(source), device)


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished all computations."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    described = subprocess.run(command, capture_output=True, text=True, check=False)
    return described.stdout.strip() or None

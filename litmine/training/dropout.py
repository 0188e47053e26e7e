"""Dropout whose random numbers are bytes.

On a CPU torch draws one Mersenne-Twister number an element, a third of a small encoder's training time; one byte an
element is enough to decide, and numpy makes bytes ten times faster. Rates are rounded to 1/256.
"""

import json

import numpy as np
import torch
from torch import Tensor, nn


class RandomBytes:
    """Where every ByteDropout of a network draws from, so that one seed repeats an epoch."""

    def __init__(self) -> None:
        self.seed(0)

    def seed(self, seed: int) -> None:
        self._generator = np.random.Generator(np.random.SFC64(seed))

    def state(self) -> Tensor:
        """Where the numbers stand, as bytes."""
        state = self._generator.bit_generator.state
        words = [int(word) for word in state["state"]["state"]]
        return torch.tensor(
            list(json.dumps([words, state["has_uint32"], state["uinteger"]]).encode()), dtype=torch.uint8
        )

    def go_on(self, state: Tensor) -> None:
        """Stand where `state` was taken."""
        words, has_uint32, uinteger = json.loads(bytes(state.tolist()))
        self._generator.bit_generator.state = {
            "bit_generator": "SFC64",
            "state": {"state": np.array(words, dtype=np.uint64)},
            "has_uint32": has_uint32,
            "uinteger": uinteger,
        }

    def draw(self, count: int) -> Tensor:
        return torch.from_numpy(np.frombuffer(bytearray(self._generator.bytes(count)), dtype=np.uint8))


class ByteDropout(nn.Module):
    """`nn.Dropout` for the CPU."""

    def __init__(self, rate: float, source: RandomBytes) -> None:
        super().__init__()
        self._dropped = round(rate * 256)
        self._source = source

    def forward(self, values: Tensor) -> Tensor:
        if not self.training or not self._dropped:
            return values
        keep = self._source.draw(values.numel()).view(values.shape) >= self._dropped
        return values * (keep.to(values.dtype) * (256 / (256 - self._dropped)))


def set_dropout(network: nn.Module, rate: float, device: torch.device) -> RandomBytes:
    """Give every dropout of `network` the rate `rate`, and attention none; on a CPU, from bytes."""
    source = RandomBytes()
    for path, module in list(network.named_modules()):
        for name, child in module.named_children():
            # A second training of one network finds the bytes of the first, which no longer follow its seed.
            if isinstance(child, nn.Dropout | ByteDropout):
                if path.endswith((".attention.self", ".attention")):
                    # The encoder hands this module's rate to the attention kernel and never calls it.
                    child.p = 0.0
                else:
                    setattr(module, name, ByteDropout(rate, source) if device.type == "cpu" else nn.Dropout(rate))
    return source

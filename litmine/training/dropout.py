"""Dropout that draws one random byte per element on the CPU.

torch draws a Mersenne Twister number per element there, which takes a third of a small encoder's training time. One
byte is enough for the decision, and numpy generates bytes ten times faster. Rates are rounded to multiples of 1/256.
"""

import json

import numpy as np
import torch
from torch import Tensor, nn


class RandomBytes:
    """The random generator that all `ByteDropout` modules of a network share, so that one seed repeats an epoch."""

    def __init__(self) -> None:
        self.seed(0)

    def seed(self, seed: int) -> None:
        self._generator = np.random.Generator(np.random.SFC64(seed))

    def state(self) -> Tensor:
        """The state of the generator as bytes, for a checkpoint."""
        state = self._generator.bit_generator.state
        words = [int(word) for word in state["state"]["state"]]
        return torch.tensor(
            list(json.dumps([words, state["has_uint32"], state["uinteger"]]).encode()), dtype=torch.uint8
        )

    def restore(self, state: Tensor) -> None:
        """Continue from a `state`."""
        words, has_uint32, uinteger = json.loads(bytes(state.tolist()))
        self._generator.bit_generator.state = {
            "bit_generator": "SFC64",
            "state": {"state": np.array(words, dtype=np.uint64)},
            "has_uint32": has_uint32,
            "uinteger": uinteger,
        }

    def draw(self, count: int) -> Tensor:
        """`count` random bytes."""
        return torch.from_numpy(np.frombuffer(bytearray(self._generator.bytes(count)), dtype=np.uint8))


class ByteDropout(nn.Module):
    """`nn.Dropout` for the CPU."""

    def __init__(self, rate: float, source: RandomBytes) -> None:
        super().__init__()
        # A value is dropped if its byte is below this.
        self._threshold = round(rate * 256)
        self._source = source

    def forward(self, values: Tensor) -> Tensor:
        if not self.training or not self._threshold:
            return values
        keep = self._source.draw(values.numel()).view(values.shape) >= self._threshold
        return values * (keep.to(values.dtype) * (256 / (256 - self._threshold)))


def set_dropout(network: nn.Module, rate: float, device: torch.device) -> RandomBytes:
    """Set every dropout of `network` to `rate`, and attention dropout to 0; returns the source of the CPU's bytes."""
    source = RandomBytes()
    for path, module in list(network.named_modules()):
        for name, child in module.named_children():
            # In a second training of the same network, ByteDropout modules of the first still use its source.
            if isinstance(child, nn.Dropout | ByteDropout):
                if path.endswith((".attention.self", ".attention")):
                    # The encoder reads this module's rate for the attention kernel and never calls the module.
                    child.p = 0.0
                else:
                    setattr(module, name, ByteDropout(rate, source) if device.type == "cpu" else nn.Dropout(rate))
    return source

"""A model that computes with a network, whatever its task: a trunk, and the top that goes on from it."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from litmine.nn.engine import Engine, Inputs, Top, unwatched
from litmine.nn.trunk import Trunk


class NetworkModel:
    """What a task's model has of its network; `decode` is the task's.

    Attributes: `name` (name@digest, as the lake knows the model), `trunk` and `top`, which an `Engine` may run with the
    tops of other models on the same trunk, `batch_tokens` (tokens a batch, what is padded included).
    """

    def __init__(
        self, name: str, trunk: Trunk, top: Top, batch_tokens: int | None = None, inputs: Inputs | None = None
    ) -> None:
        """`inputs` say what is read, if it is not texts."""
        self.name, self.trunk, self.top = name, trunk, top
        self._engine = Engine(trunk, [top], batch_tokens, inputs)
        self.batch_tokens = self._engine.batch_tokens

    @property
    def device(self) -> torch.device:
        return self.trunk.device

    @property
    def precision(self) -> str:
        """`float32` or `bf16`."""
        return self.trunk.precision

    @property
    def packs(self) -> bool:
        """Whether nothing is padded."""
        return self.trunk.packs

    def read(self, items: Sequence[Any]) -> list[Any]:
        """Tokenise: what each item is to the network, or Failed."""
        return self._engine.read(items)

    def label(self, read: Sequence[Any], watch: Callable[[float], None] = unwatched) -> Any:
        """Run the network over every item, in windows where it is long; `watch` as in `Engine.label`."""
        (labels,) = self._engine.label(read, watch)
        return labels

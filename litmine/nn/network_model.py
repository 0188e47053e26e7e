"""The part of a model that all tasks with a neural network share: a trunk and one top on it."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from litmine.nn.engine import Engine, Inputs, Top, ignore_progress
from litmine.nn.trunk import Trunk


class NetworkModel:
    """Base class of a task's model: tokenizes and runs the network; subclasses add `decode`.

    Attributes: `name` (name@digest), `trunk` and `top`, which an `Engine` may run together with other tops on the same
    trunk, `batch_tokens` (tokens of a batch, padding included).
    """

    def __init__(
        self,
        name: str,
        trunk: Trunk,
        top: Top,
        batch_tokens: int | None = None,
        inputs: Inputs | None = None,
        depth: int | None = None,
    ) -> None:
        """`inputs`: how items become rows; by default each item is a text. `depth`: as in `Engine`."""
        self.name, self.trunk, self.top = name, trunk, top
        self._engine = Engine(trunk, [top], batch_tokens, inputs, depth)
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
        """Whether windows are packed into rows without padding."""
        return self.trunk.packs

    def read(self, items: Sequence[Any]) -> list[Any]:
        """Tokenize each item; an item that cannot be tokenized becomes a `FailedItem`."""
        return self._engine.read(items)

    def label(self, read: Sequence[Any], watch: Callable[[float], None] = ignore_progress) -> Any:
        """Run the network on tokenized items; `watch` as in `Engine.label`."""
        (labels,) = self._engine.label(read, watch)
        return labels

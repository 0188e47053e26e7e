"""The models that a worker has loaded: those of one group, which are read for together."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from litmine.errors import ModelError
from litmine.tasks.contract import Loading, StepModel
from litmine.tasks.registry import load


class LoadedModels:
    """The models of a group. Raises ModelError as `load` does, and for another model than was planned.

    A group is one model with an encoder of its own, models that share an encoder, or one that computes without.
    """

    def __init__(self, loadings: Sequence[Loading]) -> None:
        self._models: dict[str, Any] = {}
        for loading in loadings:
            model = load(loading.ref, loading.task, loading.device, loading.precision, loading.batch_tokens)
            if model.name != loading.model:
                raise ModelError(
                    f"{loading.ref} is {model.name} here and {loading.model} where the work was planned;"
                    " give every machine the same model and versions"
                )
            self._models[loading.model] = model
        networks = [model for model in self._models.values() if hasattr(model, "label")]
        self.device: torch.device = networks[0].device if networks else torch.device("cpu")
        self.precision: str = networks[0].precision if networks else "float32"

    def model(self, name: str) -> StepModel:
        model: StepModel = self._models[name]
        return model

    def read(self, models: Sequence[str], items: Sequence[Any]) -> Sequence[Any]:
        networks = self._networks(models)
        read: Sequence[Any] = networks[0].read(items) if networks else ()
        return read

    def label(self, models: Sequence[str], read: Sequence[Any], watch: Callable[[float], None]) -> dict[str, Any]:
        return {model.name: model.label(read, watch) for model in self._networks(models)}

    def _networks(self, models: Sequence[str]) -> list[Any]:
        return [self._models[name] for name in models if hasattr(self._models[name], "label")]

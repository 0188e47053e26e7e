"""The models that a worker has loaded: those of one group, which are read for together."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from litmine.errors import ModelError
from litmine.nn.engine import Engine
from litmine.nn.trunk_loading import Trunks
from litmine.tasks.contract import Loading, StepModel
from litmine.tasks.registry import load


class LoadedModels:
    """The models of a group. Raises ModelError as `load` does, and for another model than was planned.

    A group is models on one trunk, one model with an encoder of its own, or models that compute without a network.
    """

    def __init__(self, loadings: Sequence[Loading]) -> None:
        self._models: dict[str, Any] = {}
        self._networks: list[str] = []
        self._engines: dict[tuple[str, ...], Engine] = {}
        self.device, self.precision = torch.device("cpu"), "float32"
        trunks: Trunks = {}
        for loading in loadings:
            more = {"trunks": trunks} if loading.trunk else {}
            model = load(loading.ref, loading.task, loading.device, loading.precision, loading.batch_tokens, **more)
            if model.name != loading.model:
                raise ModelError(
                    f"{loading.ref} is {model.name} here and {loading.model} where the work was planned;"
                    " give every machine the same model and versions"
                )
            self._models[loading.model] = model
            if loading.network:
                self._networks.append(loading.model)
                self.device, self.precision = model.device, model.precision

    def model(self, name: str) -> StepModel:
        model: StepModel = self._models[name]
        return model

    def read(self, models: Sequence[str], items: Sequence[Any]) -> Sequence[Any]:
        networks = self._computing(models)
        # Models of one group read alike.
        read: Sequence[Any] = self._models[networks[0]].read(items) if networks else ()
        return read

    def label(self, models: Sequence[str], read: Sequence[Any], watch: Callable[[float], None]) -> dict[str, Any]:
        networks = self._computing(models)
        if len(networks) < 2:
            return {name: self._models[name].label(read, watch) for name in networks}
        if networks not in self._engines:
            tops = [self._models[name].top for name in networks]
            first = self._models[networks[0]]
            self._engines[networks] = Engine(first.trunk, tops, first.batch_tokens)
        return dict(zip(networks, self._engines[networks].label(read, watch), strict=True))

    def _computing(self, models: Sequence[str]) -> tuple[str, ...]:
        """Those of the models that compute with a network, each once."""
        return tuple(name for name in self._networks if name in models)

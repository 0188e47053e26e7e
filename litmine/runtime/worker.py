"""The worker: takes a unit, runs its models over it, writes the targets. The same in this process and under Ray.

`do` is called from several threads, which read and tokenise the next unit or decode and write the last while one unit
is computed, or two on a GPU, which then has work while one begins or ends. A worker needs torch, transformers and
pyarrow, and nothing else of litmine's dependencies.

The models that a worker has loaded: those of one group, which are read for together.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from litmine.errors import LakeError, ModelError
from litmine.nn.engine import Engine, ignore_progress
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.trunk import LoadedTrunks
from litmine.tasks.contract import ComputeInfo, ModelSpec, StepModel, StepResult, Unit, UnitResult, UnitTimings
from litmine.tasks.registry import load_task_model


class LoadedModels:
    """The models of a group. Raises ModelError as `load_task_model` does, and for another model than was planned.

    A group is models on one trunk, one model with an encoder of its own, or models that compute without a network.
    """

    def __init__(self, model_specs: Sequence[ModelSpec]) -> None:
        self._models: dict[str, Any] = {}
        self._networks: list[str] = []
        self._engines: dict[tuple[str, ...], Engine] = {}
        self.device, self.precision = torch.device("cpu"), "float32"
        trunks: LoadedTrunks = {}
        for model_spec in model_specs:
            more = {"trunks": trunks} if model_spec.trunk else {}
            model = load_task_model(
                model_spec.ref,
                model_spec.task,
                model_spec.device,
                model_spec.precision,
                model_spec.batch_tokens,
                **more,
            )
            if model.name != model_spec.model:
                raise ModelError(
                    f"{model_spec.ref} is {model.name} here and {model_spec.model} where the work was planned;"
                    " give every machine the same model and versions"
                )
            self._models[model_spec.model] = model
            if model_spec.network:
                self._networks.append(model_spec.model)
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


class StoppedError(Exception):
    """The worker was told to stop; the target at hand is not written."""


class Worker:
    """Loads the models of a group once (ModelError as `LoadedModels`) and does units with them.

    `threads` is how many processor threads torch may use, None for all of them.
    """

    def __init__(self, model_specs: Sequence[ModelSpec], threads: int | None = None) -> None:
        # One thread loads and computes: OpenMP gives each that multiplies a team of its own, and with more threads than
        # cores all of them sleep where they waited. Three threads in turn took 1.2 times as long in float32.
        self._computing = ThreadPoolExecutor(1, thread_name_prefix="litmine-compute")
        self._models = self._computing.submit(_load, model_specs, threads).result()
        if self._models.device.type == "cuda":
            self._computing = ThreadPoolExecutor(2, thread_name_prefix="litmine-compute")
        self._stop = threading.Event()

    def do(self, unit: Unit, watch: Callable[[float], None] = ignore_progress) -> UnitResult:
        """Make the targets of a unit that are not there yet, each as soon as it is decoded.

        `watch` is told the share of the unit's tokens that is done (StoppedError after `stop`).
        """
        started = time.monotonic()
        left = unit.remaining()
        if left is None:
            return UnitResult(unit, steps=tuple(StepResult(table, written=False) for table in unit.tables))
        try:
            hand = left.load()
        except LakeError as error:
            return UnitResult.failure(left, str(error))
        taken = time.monotonic()
        read = self._models.read(hand.models, hand.items)
        tokenised = time.monotonic()
        began, labels = self._computing.submit(self._label, hand.models, read, watch).result()
        computed = time.monotonic()
        info = ComputeInfo(
            torch.cuda.get_device_name(self._models.device) if self._models.device.type == "cuda" else "cpu",
            self._models.precision,
            computed - started,
            sum(0 if isinstance(one, FailedItem) else one.tokens for one in read),
        )
        steps = tuple(hand.write(self._models, read, labels, info))
        return UnitResult(
            unit,
            items=len(hand.items),
            tokens=info.tokens,
            seconds=time.monotonic() - started,
            steps=steps,
            device=info.device,
            precision=info.precision,
            timings=UnitTimings(
                load=taken - started,
                read=tokenised - taken,
                wait=began - tokenised,
                compute=computed - began,
                decode=sum(step.decode for step in steps),
                write=sum(step.write for step in steps),
            ),
        )

    def stop(self) -> None:
        """Let every `do` under way end at its next batch, without a target."""
        self._stop.set()

    def _label(self, models: Sequence[str], read: Sequence[Any], watch: Callable[[float], None]) -> tuple[float, Any]:
        """When it began, and what the models say."""
        began = time.monotonic()
        return began, self._models.label(models, read, lambda share: self._watch(share, watch))

    def _watch(self, share: float, watch: Callable[[float], None]) -> None:
        if self._stop.is_set():
            raise StoppedError
        watch(share)


def _load(model_specs: Sequence[ModelSpec], threads: int | None) -> LoadedModels:
    if threads is not None:
        torch.set_num_threads(threads)
    return LoadedModels(model_specs)

"""The worker: loads the models of a group of units once, and runs units with them, in this process or on Ray.

`Worker.run` is called from up to UNITS_PER_WORKER threads. While one unit is computed, others are read and tokenized,
or decoded and written. On a GPU two units are computed at a time, so that it has work while one begins or ends. A
worker needs torch, transformers and pyarrow, and no other dependency of litmine. It imports torch, which takes seconds,
only for models with a network.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from litmine.errors import LakeError, ModelError
from litmine.lake.targets import UpstreamRows
from litmine.nn.failure_isolation import FailedItem
from litmine.tasks.contract import ComputeInfo, ModelSpec, StepModel, StepResult, Unit, UnitResult, UnitTimings
from litmine.tasks.registry import load_task_model

if TYPE_CHECKING:
    from litmine.nn.trunk import LoadedTrunks


def ignore_progress(share: float) -> None:
    """The default progress callback: does nothing."""


class LoadedModels:
    """The loaded models of a group: `litmine.tasks.contract.WorkerModels`.

    A group is models on one trunk, one model with its own encoder, or models without a network. Raises ModelError as
    `load_task_model` does, and when a reference leads to another model than the run was planned with.
    """

    def __init__(self, model_specs: Sequence[ModelSpec]) -> None:
        self._models: dict[str, Any] = {}
        self._networks: list[str] = []
        # The type of the device, cpu or cuda, and its name.
        self.device, self.device_name, self.precision = "cpu", "cpu", "float32"
        trunks: LoadedTrunks = {}
        for model_spec in model_specs:
            more: dict[str, Any] = {"trunks": trunks} if model_spec.trunk else {}
            if model_spec.vocabulary:
                more["vocabulary"] = model_spec.vocabulary
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
                    f"{model_spec.ref} is {model.name} on this machine, but {model_spec.model} where the run started;"
                    " install the same model and versions on every machine"
                )
            self._models[model_spec.model] = model
            if model_spec.network:
                self._networks.append(model_spec.model)
                self.device, self.precision = model.device.type, model.precision
                self.device_name = _device_name(model.device)

    def model(self, name: str) -> StepModel:
        model: StepModel = self._models[name]
        return model

    def read(self, models: Sequence[str], items: Sequence[Any]) -> Sequence[Any]:
        networks = self._networks_of(models)
        # All models of a group tokenize in the same way.
        tokenized: Sequence[Any] = self._models[networks[0]].read(items) if networks else ()
        return tokenized

    def label(self, models: Sequence[str], read: Sequence[Any], watch: Callable[[float], None]) -> dict[str, Any]:
        networks = tuple(name for name in self._networks_of(models) if not self.reads_inputs(name))
        if not networks:
            return {}
        tops = {name: self._models[name].top for name in networks}
        for name in self._networks_of(models):
            if hasattr(self._models[name], "shared_top"):
                tops[name] = self._models[name].shared_top(read)
        first = self._models[networks[0]]
        if len(tops) == 1:
            return {networks[0]: first.label(read, watch)}
        from litmine.nn.engine import Engine

        labels = Engine(first.trunk, [*tops.values()], first.batch_tokens).label(read, watch)
        return dict(zip(tops, labels, strict=True))

    def reads_inputs(self, model: str) -> bool:
        """Whether the model has a network that reads the inputs of its step."""
        return getattr(self._models[model], "reads_inputs", False)

    def label_with_inputs(
        self,
        model: str,
        items: Sequence[Any],
        read: Sequence[Any],
        inputs: Sequence[UpstreamRows],
        label: Any,
        watch: Callable[[float], None] = ignore_progress,
    ) -> Any:
        """The output of a network that reads its step's inputs. label: of its shared top, None without one."""
        shared = {} if label is None else {"shared": label}
        return self._models[model].label_with_inputs(items, read, inputs, watch, **shared)

    def _networks_of(self, models: Sequence[str]) -> tuple[str, ...]:
        """The models that have a network, without duplicates."""
        return tuple(name for name in self._networks if name in models)


class StoppedError(Exception):
    """The worker was stopped before it had computed the unit; the unit's targets are not written."""


class _ComputingModels:
    """The models of a worker for the steps of a unit, whose networks compute in the pool of the worker."""

    def __init__(self, models: LoadedModels, pool: ThreadPoolExecutor, check: Callable[[float], None]) -> None:
        """check: called before each batch; it may raise to stop the run."""
        self._models, self._pool, self._check = models, pool, check
        self.read, self.label, self.model = models.read, models.label, models.model

    def label_with_inputs(
        self, model: str, items: Sequence[Any], read: Sequence[Any], inputs: Sequence[UpstreamRows], label: Any
    ) -> Any:
        if not self._models.reads_inputs(model):
            return label
        compute = self._models.label_with_inputs
        return self._pool.submit(compute, model, items, read, inputs, label, self._check).result()


class Worker:
    """Loads the models of a group once and runs units with them. Raises ModelError as `LoadedModels` does.

    `threads` is the number of CPU threads that torch may use, None for all.
    """

    def __init__(self, model_specs: Sequence[ModelSpec], threads: int | None = None) -> None:
        # On a CPU, one thread loads and computes everything. OpenMP starts a team of threads for each thread that
        # multiplies matrices. With more OpenMP threads than cores these sleep instead of spinning: three computing
        # threads in turn took 1.2 times as long as one (float32).
        self._compute_pool = ThreadPoolExecutor(1, thread_name_prefix="litmine-compute")
        self._models = self._compute_pool.submit(_load, model_specs, threads).result()
        if self._models.device == "cuda":
            self._compute_pool = ThreadPoolExecutor(2, thread_name_prefix="litmine-compute")
        self._stop = threading.Event()

    def run(self, unit: Unit, watch: Callable[[float], None] = ignore_progress) -> UnitResult:
        """Write the targets of a unit that do not exist yet, each as soon as it is decoded.

        `watch` is called before each batch with the share of the unit's tokens already started. Raises StoppedError
        after `stop`.
        """
        started = time.monotonic()
        remaining = unit.remaining()
        if remaining is None:
            return UnitResult(unit, steps=tuple(StepResult(table, written=False) for table in unit.tables))
        try:
            loaded = remaining.load()
        except LakeError as error:
            return UnitResult.failure(remaining, str(error))
        loaded_at = time.monotonic()
        read = self._models.read(loaded.models, loaded.items)
        tokenized_at = time.monotonic()
        compute_started, labels = self._compute_pool.submit(self._label, loaded.models, read, watch).result()
        computed_at = time.monotonic()
        info = ComputeInfo(
            self._models.device_name,
            self._models.precision,
            computed_at - started,
            sum(0 if isinstance(item, FailedItem) else item.tokens for item in read),
        )
        computing = _ComputingModels(self._models, self._compute_pool, self._check_stopped)
        steps = tuple(loaded.write(computing, read, labels, info))
        return UnitResult(
            unit,
            items=len(loaded.items),
            tokens=info.tokens,
            seconds=time.monotonic() - started,
            steps=steps,
            device=info.device,
            precision=info.precision,
            timings=UnitTimings(
                load=loaded_at - started,
                read=tokenized_at - loaded_at,
                wait=compute_started - tokenized_at,
                compute=computed_at - compute_started,
                decode=sum(step.decode for step in steps),
                write=sum(step.write for step in steps),
            ),
        )

    def stop(self) -> None:
        """Make every running `run` raise StoppedError at its next batch."""
        self._stop.set()

    def _label(self, models: Sequence[str], read: Sequence[Any], watch: Callable[[float], None]) -> tuple[float, Any]:
        """The start time, and the output of each model."""
        started = time.monotonic()
        return started, self._models.label(models, read, lambda share: self._watch_or_stop(share, watch))

    def _watch_or_stop(self, share: float, watch: Callable[[float], None]) -> None:
        self._check_stopped(share)
        watch(share)

    def _check_stopped(self, _share: float) -> None:
        if self._stop.is_set():
            raise StoppedError


def _load(model_specs: Sequence[ModelSpec], threads: int | None) -> LoadedModels:
    if threads is not None and any(model_spec.network for model_spec in model_specs):
        import torch

        torch.set_num_threads(threads)
    return LoadedModels(model_specs)


def _device_name(device: Any) -> str:
    """The name of a torch device: that of the GPU, or `cpu`."""
    if device.type != "cuda":
        return str(device.type)
    import torch

    return torch.cuda.get_device_name(device)

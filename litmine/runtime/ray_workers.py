"""Run units on Ray actors: one actor per GPU, or several on the CPUs.

An actor has one worker, or several worker processes that share its GPU. A worker gets units only after its models are
loaded, so an actor for which the cluster has no room, because a machine was lost, delays nothing. The units of a worker
that dies go to other workers. After ATTEMPTS deaths a unit becomes a gap of this run, and the next run tries it again.
"""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayError, RayTaskError

from litmine.errors import LakeError, LitmineError, ModelError
from litmine.lake.lake import MARKER_FILE
from litmine.lake.paths import LakePath
from litmine.runtime.process_pool import WorkerDiedError
from litmine.runtime.ray_cluster import (
    CHECK_SECONDS,
    ClusterMonitor,
    actor_cpus,
    cpus_per_gpu,
    cpus_per_worker,
    error_reason,
    kill_actors,
    ray_running,
)
from litmine.runtime.scheduler import ATTEMPTS, Scheduler
from litmine.tasks.contract import (
    MAX_WORKERS_PER_GPU,
    UNITS_PER_WORKER,
    ModelSpec,
    Unit,
    UnitResult,
    out_of_memory_reason,
)

# Seconds without any worker until a run ends: a cluster may be growing, or other programs may keep its CPUs and GPUs.
START_TIMEOUT = 600.0


def run_on_ray(
    units: Sequence[Unit], workers: int, gpus: int, address: str | None, processes: int | None = None
) -> Iterator[UnitResult]:
    """Yield the results of the units, run on `gpus` actors with a GPU each, or else on `workers` CPU actors.

    `processes` is the number of workers of an actor; by default as many as keep its GPU busy. `address` joins a
    running cluster, whose machines must see the lake under the same path.

    Raises SettingError as `ray_running` does, and LitmineError when a machine lacks the lake or a model, when no worker
    starts within START_TIMEOUT, when all workers die repeatedly, and when the cluster is lost.
    """
    with ray_running(workers, gpus, address) as monitor:
        resources = {"num_gpus": 1} if gpus else {"num_cpus": cpus_per_worker(workers)}
        for model_specs, group in groupby(units, key=lambda unit: unit.model_specs):
            group_units = list(group)
            size = min(gpus or workers, len(group_units))
            load_arguments = model_specs, group_units[0].lake, len(group_units) // size, processes
            yield from _ActorPool(load_arguments, size, resources, monitor).run(group_units)


class _NoLakeError(LakeError):
    """The machine of an actor does not see the lake."""


class _WorkerActor:
    """The workers of one actor. If something is wrong with its machine, `load` fails, not the constructor."""

    def load(self, model_specs: Sequence[ModelSpec], lake: LakePath, units: int, processes: int | None) -> int:
        """Start the workers, for about `units` units; returns the number of workers."""
        # These imports load torch, which the driver does not need.
        from litmine.runtime.worker_process import start_workers, workers_per_gpu

        self._marker = lake / MARKER_FILE
        self._check_lake()
        self._replacing = threading.Lock()
        cores = actor_cpus() or cpus_per_gpu()
        size = processes or workers_per_gpu(model_specs, units, cores)
        self._workers: list[Any] = start_workers(model_specs, size, cores)
        return len(self._workers)

    def run(self, unit: Unit, number: int) -> UnitResult:
        """Run a unit on the worker with this number. Raises WorkerDiedError; the worker is then already replaced."""
        self._check_lake()
        worker = self._workers[number]
        try:
            result: UnitResult = worker.run(unit)
        except WorkerDiedError:
            with self._replacing:
                # Another thread that ran a unit on this worker may have replaced it.
                if self._workers[number] is worker:
                    worker.stop()
                    self._workers[number] = worker.replacement()
            raise
        return result

    def _check_lake(self) -> None:
        if not self._marker.exists():
            raise _NoLakeError(
                f"{self._marker.parent} is not available on {socket.gethostname()}; put the lake where every machine of"
                " the cluster sees it under the same path"
            )


class _ActorWorker(NamedTuple):
    """A worker of an actor, by its number."""

    actor: Any
    number: int


class _ActorPool:
    """The actors for one group of models, and their running units."""

    def __init__(
        self, load_arguments: tuple[Any, ...], size: int, resources: dict[str, int], monitor: ClusterMonitor
    ) -> None:
        self._load_arguments, self._size, self._monitor = load_arguments, size, monitor
        self._actor = ray.remote(_WorkerActor).options(
            max_concurrency=UNITS_PER_WORKER * MAX_WORKERS_PER_GPU,
            max_restarts=0,
            scheduling_strategy="SPREAD",
            **resources,
        )
        # The actors that load their models, by the reference of the call of `load`.
        self._loading: dict[Any, Any] = {}
        # The running units of each worker.
        self._units_by_worker: dict[_ActorWorker, list[Unit]] = {}
        # The worker and the unit, by the reference of the call of `run`.
        self._running: dict[Any, tuple[_ActorWorker, Unit]] = {}
        self._any_finished = False
        self._failures = 0
        self._last_with_workers = time.monotonic()

    def run(self, units: Sequence[Unit]) -> Iterator[UnitResult]:
        scheduler = Scheduler(units)
        try:
            for _ in range(self._size):
                self._start_actor()
            while scheduler or self._running:
                while (assignment := scheduler.assign(self._units_by_worker)) is not None:
                    self._submit(*assignment)
                calls = [*self._loading, *self._running]
                for reference in ray.wait(calls, num_returns=1, timeout=CHECK_SECONDS)[0]:
                    if reference in self._loading:
                        self._add_workers(reference)
                    else:
                        yield from self._collect(reference, scheduler)
                self._check_cluster()
        finally:
            kill_actors(
                (*self._loading.values(), *(worker.actor for worker in self._units_by_worker if worker.number == 0))
            )

    def _start_actor(self) -> None:
        actor = self._actor.remote()
        self._loading[actor.load.remote(*self._load_arguments)] = actor

    def _submit(self, worker: _ActorWorker, unit: Unit) -> None:
        self._units_by_worker[worker].append(unit)
        self._running[worker.actor.run.remote(unit, worker.number)] = (worker, unit)

    def _add_workers(self, reference: Any) -> None:
        """Add the workers of an actor that has loaded its models; start another actor if this one has died."""
        actor = self._loading.pop(reference)
        try:
            size = ray.get(reference)
        except RayError as error:
            cause = error.cause if isinstance(error, RayTaskError) else None
            if isinstance(cause, LitmineError) and not isinstance(cause, WorkerDiedError):
                # At the start every machine must have the lake and the models. Later the other machines are enough.
                if not (self._any_finished and (self._units_by_worker or self._loading)):
                    raise cause from error
                return
            if not isinstance(cause, MemoryError | WorkerDiedError | None):
                raise
            self._count_failure(error)
            self._start_actor()
        else:
            self._units_by_worker |= {_ActorWorker(actor, number): [] for number in range(size)}

    def _collect(self, reference: Any, scheduler: Scheduler) -> Iterator[UnitResult]:
        """The result of a call; none if its worker died and the unit will be tried again."""
        worker, unit = self._running.pop(reference)
        if worker in self._units_by_worker:
            self._units_by_worker[worker].remove(unit)
        try:
            result: UnitResult = ray.get(reference)
        except RayError as error:
            cause = error.cause if isinstance(error, RayTaskError) else None
            if isinstance(cause, MemoryError):
                why = out_of_memory_reason(cause)
            elif cause is None or isinstance(cause, WorkerDiedError) or self._is_machine_fault(cause):
                # Without a cause the actor itself is gone: killed, out of memory, or its machine is lost.
                if not isinstance(cause, WorkerDiedError):
                    self._replace(worker.actor)
                why = f"its worker died {ATTEMPTS} times: {error_reason(error)}"
            elif isinstance(cause, LitmineError):
                raise cause from error
            else:
                raise
            self._count_failure(error)
            if not scheduler.retry(unit):
                yield UnitResult.failure(unit, why)
        else:
            self._any_finished, self._failures = True, 0
            yield result

    def _is_machine_fault(self, cause: Exception) -> bool:
        """Whether the error comes from one machine. A ModelError does if the model has worked before in this run."""
        return isinstance(cause, _NoLakeError) or (self._any_finished and isinstance(cause, ModelError))

    def _replace(self, actor: Any) -> None:
        """Replace a failed actor. Each of its units calls this; only the first call starts another actor.

        Ray ends an actor to which no reference is left.
        """
        workers = [worker for worker in self._units_by_worker if worker.actor == actor]
        for worker in workers:
            del self._units_by_worker[worker]
        if workers:
            self._start_actor()

    def _count_failure(self, error: RayError) -> None:
        """Raise LitmineError after too many failures in a row: over ATTEMPTS for each unit that can run at a time."""
        self._failures += 1
        if self._failures > ATTEMPTS * UNITS_PER_WORKER * max(self._size, len(self._units_by_worker)):
            raise LitmineError(
                f"every worker dies before it finishes a part ({error_reason(error)}); check memory and the models on"
                " the workers' machines"
            ) from error

    def _check_cluster(self) -> None:
        """Raise LitmineError when the cluster is lost, or has had no worker for START_TIMEOUT seconds."""
        self._monitor.check()
        if self._units_by_worker:
            self._last_with_workers = time.monotonic()
        elif time.monotonic() - self._last_with_workers > START_TIMEOUT:
            raise LitmineError(
                f"no worker has started in {START_TIMEOUT:.0f} s because the cluster's CPUs or GPUs are in use or its"
                " machines are lost (see `ray status`); finished work is kept: run the command again when there is room"
            )

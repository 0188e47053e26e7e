"""Units as Ray actors, one a GPU or a few on the CPU.

An actor has a Worker, or several in processes of their own that share its GPU: each is a seat, called from three
threads. A seat gets units once its model is loaded: an actor for which the cluster has no room, because a machine was
lost, keeps nobody waiting. The units of a seat that dies go to others, a few times; then a unit is a gap of this run,
and the next run tries it again.
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
from litmine.runtime.ray_cluster import BEAT, Pulse, cpus_beside_gpu, cpus_each, cpus_of_actor, end, ray_running, reason
from litmine.runtime.scheduler import ATTEMPTS, Scheduler
from litmine.tasks.contract import (
    MAX_WORKERS_PER_GPU,
    UNITS_PER_WORKER,
    ModelSpec,
    Unit,
    UnitResult,
    out_of_memory_reason,
)

# Seconds without a worker that could begin: a cluster may be growing, or its CPUs and GPUs be taken for good.
PATIENCE = 600.0


def run_on_ray(
    units: Sequence[Unit], workers: int, gpus: int, address: str | None, seats: int | None = None
) -> Iterator[UnitResult]:
    """Do the units on `gpus` actors with a GPU each, or else on `workers` actors that share the CPUs.

    A GPU is shared by as many processes as keep it busy; `seats` says how many. `address` joins a running cluster,
    whose machines must see the lake under the same path. Raises SettingError as `ray_running`; LitmineError when a
    machine lacks the lake or the model, when no worker can begin, when all of them die again and again, and when the
    cluster is gone.
    """
    with ray_running(workers, gpus, address) as pulse:
        needs = {"num_gpus": 1} if gpus else {"num_cpus": cpus_each(workers)}
        for model_specs, group in groupby(units, key=lambda unit: unit.model_specs):
            own = list(group)
            size = min(gpus or workers, len(own))
            given = model_specs, own[0].lake, len(own) // size, seats
            yield from _ActorPool(given, size, needs, pulse).do(own)


class _NoLakeError(LakeError):
    """The machine of a worker does not see the lake."""


class _WorkerActor:
    """Workers as an actor. It is made empty, so that what is wrong with a machine is said when it loads its model."""

    def load(self, model_specs: Sequence[ModelSpec], lake: LakePath, units: int, seats: int | None) -> int:
        """Get ready for about so many units; returns how many seats there are."""
        # Only who works needs torch, which takes seconds to import.
        from litmine.runtime.worker_process import sharers, staff

        self._mark = lake / MARKER_FILE
        self._look()
        self._renewing = threading.Lock()
        cores = cpus_of_actor() or cpus_beside_gpu()
        self._workers: list[Any] = staff(model_specs, seats or sharers(model_specs[0].device, units, cores), cores)
        return len(self._workers)

    def do(self, unit: Unit, seat: int) -> UnitResult:
        self._look()
        worker = self._workers[seat]
        try:
            done: UnitResult = worker.do(unit)
        except WorkerDiedError:
            with self._renewing:
                # Who had another unit in the same hand may have come before.
                if self._workers[seat] is worker:
                    worker.stop()
                    self._workers[seat] = worker.another()
            raise
        return done

    def _look(self) -> None:
        if not self._mark.exists():
            raise _NoLakeError(
                f"{self._mark.parent} is not on {socket.gethostname()}; every machine of the cluster must see the lake"
                " under the same path"
            )


class _Slot(NamedTuple):
    """A worker of an actor, by its number."""

    actor: Any
    number: int


class _ActorPool:
    """The actors of one model, and the units that they have in hand; `given` is what they are to load."""

    def __init__(self, given: tuple[Any, ...], size: int, needs: dict[str, int], pulse: Pulse) -> None:
        self._given, self._size, self._pulse = given, size, pulse
        self._actor = ray.remote(_WorkerActor).options(
            max_concurrency=UNITS_PER_WORKER * MAX_WORKERS_PER_GPU,
            max_restarts=0,
            scheduling_strategy="SPREAD",
            **needs,
        )
        # By the reference that is ready when they are; what each seat of the others has in hand; that by its reference.
        self._beginning: dict[Any, Any] = {}
        self._hands: dict[_Slot, list[Unit]] = {}
        self._in_hand: dict[Any, tuple[_Slot, Unit]] = {}
        self._finished = False
        self._failures = 0
        self._manned = time.monotonic()

    def do(self, units: Sequence[Unit]) -> Iterator[UnitResult]:
        shares = Scheduler(units)
        try:
            for _ in range(self._size):
                self._hire()
            while shares or self._in_hand:
                while (given := shares.give(self._hands)) is not None:
                    self._hand(*given)
                for reference in ray.wait([*self._beginning, *self._in_hand], num_returns=1, timeout=BEAT)[0]:
                    if reference in self._beginning:
                        self._begin(reference)
                    else:
                        yield from self._collect(reference, shares)
                self._see_to_it()
        finally:
            end((*self._beginning.values(), *(seat.actor for seat in self._hands if seat.number == 0)))

    def _hire(self) -> None:
        actor = self._actor.remote()
        self._beginning[actor.load.remote(*self._given)] = actor

    def _hand(self, seat: _Slot, unit: Unit) -> None:
        self._hands[seat].append(unit)
        self._in_hand[seat.actor.do.remote(unit, seat.number)] = (seat, unit)

    def _begin(self, reference: Any) -> None:
        """An actor has its model, or it is another's turn."""
        actor = self._beginning.pop(reference)
        try:
            seats = ray.get(reference)
        except RayError as error:
            cause = error.cause if isinstance(error, RayTaskError) else None
            if isinstance(cause, LitmineError) and not isinstance(cause, WorkerDiedError):
                # In the beginning all machines are to be as they should; later on the others are enough.
                if not (self._finished and (self._hands or self._beginning)):
                    raise cause from error
                return
            if not isinstance(cause, MemoryError | WorkerDiedError | None):
                raise
            self._fail(error)
            self._hire()
        else:
            self._hands |= {_Slot(actor, number): [] for number in range(seats)}

    def _collect(self, reference: Any, shares: Scheduler) -> Iterator[UnitResult]:
        seat, unit = self._in_hand.pop(reference)
        if seat in self._hands:
            self._hands[seat].remove(unit)
        try:
            done: UnitResult = ray.get(reference)
        except RayError as error:
            cause = error.cause if isinstance(error, RayTaskError) else None
            if isinstance(cause, MemoryError):
                why = out_of_memory_reason(cause)
            elif cause is None or isinstance(cause, WorkerDiedError) or self._is_of_its_machine(cause):
                # Without a cause the actor is gone: killed, out of memory, its machine lost.
                if not isinstance(cause, WorkerDiedError):
                    self._replace(seat.actor)
                why = f"its worker died {ATTEMPTS} times: {reason(error)}"
            elif isinstance(cause, LitmineError):
                raise cause from error
            else:
                raise
            self._fail(error)
            if not shares.died(unit):
                yield UnitResult.failure(unit, why)
        else:
            self._finished, self._failures = True, 0
            yield done

    def _is_of_its_machine(self, cause: Exception) -> bool:
        """Whether only this worker is at fault. A model that fails on every text, where it has read some, is not."""
        return isinstance(cause, _NoLakeError) or (self._finished and isinstance(cause, ModelError))

    def _replace(self, actor: Any) -> None:
        """Let another come for an actor that is no good any more; each of its units says so, the first counts.

        Ray ends an actor to which nobody holds on.
        """
        own = [seat for seat in self._hands if seat.actor == actor]
        for seat in own:
            del self._hands[seat]
        if own:
            self._hire()

    def _fail(self, error: RayError) -> None:
        """Bear with a failure, unless there were too many in a row. Each worker may have had bad units only, once."""
        self._failures += 1
        if self._failures > ATTEMPTS * UNITS_PER_WORKER * max(self._size, len(self._hands)):
            raise LitmineError(f"every worker dies before it finishes a part: {reason(error)}") from error

    def _see_to_it(self) -> None:
        """Raise LitmineError when there is no cluster any more, or nobody to work."""
        self._pulse.feel()
        if self._hands:
            self._manned = time.monotonic()
        elif time.monotonic() - self._manned > PATIENCE:
            raise LitmineError(
                f"no worker could begin for {PATIENCE:.0f} s: the cluster's CPUs or GPUs are taken, or its machines are"
                " gone (`ray status` tells); what was finished stays: run the command again when there is room"
            )

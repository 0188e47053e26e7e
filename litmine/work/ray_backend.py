"""Tasks as Ray actors, one a GPU or a few on the CPU.

An actor is a Worker, called from three threads. It gets tasks once it has loaded its model: one for which the cluster
has no room, because a machine was lost, keeps nobody waiting. The tasks of an actor that dies go to others, a few
times; then a task is a gap of this run, and the next run tries it again.
"""

import socket
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from litmine.errors import LakeError, LitmineError, ModelError
from litmine.lake.lake import MARK
from litmine.lake.place import Place
from litmine.work.ray_start import BEAT, Pulse, cpus_each, cpus_of_actor, end, ray_running, reason
from litmine.work.shares import ATTEMPTS, Shares
from litmine.work.task import THREADS, Done, Loading, Task, out_of_memory

# Seconds without a worker that could begin: a cluster may be growing, or its CPUs and GPUs be taken for good.
PATIENCE = 600.0


def run_on_ray(tasks: Sequence[Task], workers: int, gpus: int, address: str | None) -> Iterator[Done]:
    """Do the tasks on `gpus` actors with a GPU each, or else on `workers` actors that share the CPUs.

    `address` joins a running cluster, whose machines must see the lake under the same path. Raises SettingError as
    `ray_running`; LitmineError when a machine lacks the lake or the model, when no worker can begin, when all of them
    die again and again, and when the cluster is gone.
    """
    with ray_running(workers, gpus, address) as pulse:
        needs = {"num_gpus": 1} if gpus else {"num_cpus": cpus_each(workers)}
        for loading, group in groupby(tasks, key=lambda task: task.loading):
            own = list(group)
            yield from _Crew(loading, own[0].lake, min(gpus or workers, len(own)), needs, pulse).do(own)


class _NoLakeError(LakeError):
    """The machine of a worker does not see the lake."""


class _Hired:
    """A Worker as an actor. It is made empty, so that what is wrong with a machine is said when it loads its model."""

    def load(self, loading: Loading, lake: Place) -> None:
        # Only who works needs torch, which takes seconds to import.
        from litmine.work.worker import Worker

        self._mark = lake / MARK
        self._look()
        self._worker = Worker(loading, cpus_of_actor() or None)

    def do(self, task: Task) -> Done:
        self._look()
        return self._worker.do(task)

    def _look(self) -> None:
        if not self._mark.exists():
            raise _NoLakeError(
                f"{self._mark.parent} is not on {socket.gethostname()}; every machine of the cluster must see the lake"
                " under the same path"
            )


class _Crew:
    """The actors of one model, and the tasks that they have in hand."""

    def __init__(self, loading: Loading, lake: Place, size: int, needs: dict[str, int], pulse: Pulse) -> None:
        self._loading, self._lake, self._size, self._pulse = loading, lake, size, pulse
        self._actor = ray.remote(_Hired).options(
            max_concurrency=THREADS, max_restarts=0, scheduling_strategy="SPREAD", **needs
        )
        # By the reference that is ready when they are; what each of the others has in hand; and that by its reference.
        self._beginning: dict[Any, Any] = {}
        self._hands: dict[Any, list[Task]] = {}
        self._in_hand: dict[Any, tuple[Any, Task]] = {}
        self._finished = False
        self._failures = 0
        self._manned = time.monotonic()

    def do(self, tasks: Sequence[Task]) -> Iterator[Done]:
        shares = Shares(tasks)
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
            end((*self._beginning.values(), *self._hands))

    def _hire(self) -> None:
        actor = self._actor.remote()
        self._beginning[actor.load.remote(self._loading, self._lake)] = actor

    def _hand(self, actor: Any, task: Task) -> None:
        self._hands[actor].append(task)
        self._in_hand[actor.do.remote(task)] = (actor, task)

    def _begin(self, reference: Any) -> None:
        """An actor has its model, or it is another's turn."""
        actor = self._beginning.pop(reference)
        try:
            ray.get(reference)
        except RayError as error:
            cause = error.cause if isinstance(error, RayTaskError) else None
            if isinstance(cause, LitmineError):
                # In the beginning all machines are to be as they should; later on the others are enough.
                if not (self._finished and (self._hands or self._beginning)):
                    raise cause from error
                return
            if cause is not None and not isinstance(cause, MemoryError):
                raise
            self._fail(error)
            self._hire()
        else:
            self._hands[actor] = []

    def _collect(self, reference: Any, shares: Shares) -> Iterator[Done]:
        actor, task = self._in_hand.pop(reference)
        if actor in self._hands:
            self._hands[actor].remove(task)
        try:
            done: Done = ray.get(reference)
        except RayError as error:
            cause = error.cause if isinstance(error, RayTaskError) else None
            if isinstance(cause, MemoryError):
                why = out_of_memory(cause)
            elif cause is None or self._is_of_its_machine(cause):
                # Without a cause the actor is gone: killed, out of memory, its machine lost.
                self._replace(actor)
                why = f"its worker died {ATTEMPTS} times: {reason(error)}"
            elif isinstance(cause, LitmineError):
                raise cause from error
            else:
                raise
            self._fail(error)
            if not shares.died(task):
                yield Done.undone(task, why)
        else:
            self._finished, self._failures = True, 0
            yield done

    def _is_of_its_machine(self, cause: Exception) -> bool:
        """Whether only this worker is at fault. A model that fails on every text, where it has read some, is not."""
        return isinstance(cause, _NoLakeError) or (self._finished and isinstance(cause, ModelError))

    def _replace(self, actor: Any) -> None:
        """Let another come for an actor that is no good any more; each of its tasks says so, the first counts.

        Ray ends an actor to which nobody holds on.
        """
        if self._hands.pop(actor, None) is not None:
            self._hire()

    def _fail(self, error: RayError) -> None:
        """Bear with a failure, unless there were too many in a row. Each worker may have had bad tasks only, once."""
        self._failures += 1
        if self._failures > ATTEMPTS * THREADS * self._size:
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

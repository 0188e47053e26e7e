"""Tasks as Ray actors, one a GPU or a few on the CPU.

An actor is a Worker, called from three threads. The actor's task goes to another when it dies, a few times; then the
task is a gap of this run, and the next run tries it again.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from litmine.errors import LitmineError
from litmine.work.ray_start import ray_running, reason
from litmine.work.task import Done, Loading, Task
from litmine.work.worker import THREADS, Worker

ATTEMPTS = 3


def run_on_ray(tasks: Sequence[Task], workers: int, gpus: int, address: str | None) -> Iterator[Done]:
    """Do the tasks on `gpus` actors with a GPU each, or else on `workers` actors that share the CPU.

    `address` joins a running cluster, whose machines must see the lake under the same path. Raises SettingError as
    `ray_running`; LitmineError when no worker lives long enough to finish a task.
    """
    with ray_running(workers, gpus, address):
        for loading, own in groupby(tasks, key=lambda task: task.loading):
            yield from _Crew(loading, min(gpus or workers, len(tasks)), bool(gpus)).do(deque(own))


class _Crew:
    """The actors of one model, and the tasks that they have in hand."""

    def __init__(self, loading: Loading, size: int, on_gpu: bool) -> None:
        threads = None if on_gpu else max(1, (os.cpu_count() or 1) // size)
        needs = {"num_gpus": 1} if on_gpu else {"num_cpus": 1}
        actor = ray.remote(Worker).options(max_concurrency=THREADS, max_restarts=0, **needs)
        self._hire: Callable[[], Any] = lambda: actor.remote(loading, threads)
        self._actors: list[Any] = [self._hire() for _ in range(size)]
        self._in_hand: dict[Any, tuple[Any, Task]] = {}
        self._deaths: dict[Task, int] = {}
        self._finished = 0
        self._died = 0

    def do(self, waiting: deque[Task]) -> Iterator[Done]:
        try:
            while waiting or self._in_hand:
                self._hand_out(waiting)
                ready, _ = ray.wait(list(self._in_hand), num_returns=1)
                for done in self._collect(ready[0], waiting):
                    self._finished += 1
                    yield done
        finally:
            for actor in self._actors:
                ray.kill(actor)

    def _hand_out(self, waiting: deque[Task]) -> None:
        """Give every actor up to as many tasks as it has threads, the idle ones first."""
        loads = {actor: sum(held is actor for held, _ in self._in_hand.values()) for actor in self._actors}
        while waiting and min(loads.values()) < THREADS:
            actor = min(self._actors, key=lambda one: loads[one])
            task = waiting.popleft()
            self._in_hand[actor.do.remote(task)] = (actor, task)
            loads[actor] += 1

    def _collect(self, reference: Any, waiting: deque[Task]) -> Iterator[Done]:
        actor, task = self._in_hand.pop(reference)
        try:
            yield ray.get(reference)
        except RayTaskError as error:
            if isinstance(error.cause, LitmineError):
                raise error.cause from error
            raise
        except RayError as error:
            # Whatever else Ray says means that the actor is gone: killed, out of memory, its machine lost.
            if actor in self._actors:
                self._died += 1
                if self._died >= ATTEMPTS and not self._finished:
                    raise LitmineError(f"every worker died before it finished a part: {reason(error)}") from error
                self._actors[self._actors.index(actor)] = self._hire()
            self._deaths[task] = self._deaths.get(task, 0) + 1
            if self._deaths[task] < ATTEMPTS:
                waiting.append(task)
            else:
                yield Done.undone(task, f"its worker died {ATTEMPTS} times: {reason(error)}")

"""Tasks as Ray actors, one a GPU or a few on the CPU: the only file that imports Ray.

An actor is a Worker, called from three threads. The actor's task goes to another when it dies, a few times; then the
task is a gap of this run, and the next run tries it again.
"""

import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import ray
from ray._private import ray_constants
from ray.exceptions import RayError, RayTaskError

from litmine.errors import LitmineError, SettingError
from litmine.work.task import Done, Loading, Task
from litmine.work.worker import THREADS, Worker

ATTEMPTS = 3


def run_on_ray(tasks: Sequence[Task], workers: int, gpus: int, address: str | None) -> Iterator[Done]:
    """Do the tasks on `gpus` actors with a GPU each, or else on `workers` actors that share the CPU.

    `address` joins a running cluster, whose machines must see the lake under the same path; otherwise Ray is started
    here, on the loopback interface, and ends with the run. Raises SettingError when there is no cluster at `address`,
    or it has fewer GPUs or CPUs than asked; LitmineError when no worker lives long enough to finish a task.
    """
    started = _start(workers, address)
    try:
        option, asked, kind = ("--gpus", gpus, "GPU") if gpus else ("--workers", workers, "CPU")
        available = int(ray.cluster_resources().get(kind, 0))
        if asked > available:
            raise SettingError(
                f"{option} {asked} was asked and Ray sees {available} {kind}s here; ask for {available or 'none'}, or"
                " join a cluster with --address"
            )
        for loading, own in groupby(tasks, key=lambda task: task.loading):
            yield from _Crew(loading, min(gpus or workers, len(tasks)), bool(gpus)).do(deque(own))
    finally:
        if started:
            ray.shutdown()


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
                    raise LitmineError(f"every worker died before it finished a part: {_reason(error)}") from error
                self._actors[self._actors.index(actor)] = self._hire()
            self._deaths[task] = self._deaths.get(task, 0) + 1
            if self._deaths[task] < ATTEMPTS:
                waiting.append(task)
            else:
                yield Done.undone(task, f"its worker died {ATTEMPTS} times: {_reason(error)}")


def _start(workers: int, address: str | None) -> bool:
    """Start Ray or join it; whether it was started here."""
    if ray.is_initialized():
        return False
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address is not None:
        try:
            _knock(address)
            ray.init(address, **quiet)
        except (OSError, ValueError, RuntimeError) as error:
            raise SettingError(
                f"no Ray cluster can be joined at {address} ({_reason(error)}); leave --address out to work on this"
                " machine alone"
            ) from error
    else:
        cpus = max(workers, os.cpu_count() or 1)
        # Ray turns 127.0.0.1 into an address of this machine, and listens on all of them, if there may be a cluster.
        ray_constants.ENABLE_RAY_CLUSTER = False
        ray.init("local", num_cpus=cpus, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
    return True


def _knock(address: str) -> None:
    """Raise OSError when nobody listens at host:port; Ray would try for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _reason(error: Exception) -> str:
    """Ray's last line says most: the error of a worker that did not start, or how its process ended."""
    return str(error).strip().splitlines()[-1].strip()[:200]

"""Run a training job on several processes that compute together: Ray starts them, torch.distributed connects them.

docs/decisions/0054-plain-actors-for-training.md compares it with Ray's own TorchTrainer. When a worker dies, the whole
job ends.
"""

import os
import queue
import socket
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from litmine.errors import LitmineError
from litmine.runtime.ray_cluster import (
    CHECK_SECONDS,
    ClusterMonitor,
    actor_cpus,
    cpus_per_worker,
    error_reason,
    kill_actors,
    ray_running,
)
from litmine.specs.commands import MessageCallback

R = TypeVar("R")
# How long a worker waits for the gradients of another, which may be writing a checkpoint.
_GRADIENT_TIMEOUT = timedelta(minutes=30)
# How long to wait for Ray's report of a death: when a worker dies, the others may fail seconds before the report.
_DEATH_SECONDS = 10.0


def run_distributed(
    job: Callable[[MessageCallback], R], workers: int, gpus: int, address: str | None, log: MessageCallback
) -> R:
    """Run `job` on `gpus` workers with a GPU each, or on `workers` CPU workers; returns the result of rank 0.

    Each worker has joined the process group of torch.distributed (NCCL or gloo) and runs in this process's working
    folder. `log` receives the messages of rank 0. `address` joins a running cluster, whose machines must see the same
    folders.

    Raises SettingError as `ray_running` does, the LitmineError of a worker, and LitmineError when a worker dies or the
    cluster is lost.
    """
    with ray_running(workers, gpus, address) as monitor:
        resources = {"num_gpus": 1} if gpus else {"num_cpus": cpus_per_worker(workers)}
        # Two threads: one runs the job, the other returns its messages.
        actor = ray.remote(_TrainingWorker).options(max_concurrency=2, max_restarts=0, **resources)
        actors = [actor.remote() for _ in range(gpus or workers)]
        try:
            result: R = _run_on_actors(ray.put(job), actors, log, monitor)
            return result
        finally:
            kill_actors(actors)


class _TrainingWorker:
    """An actor that runs the job as one rank of the process group."""

    def __init__(self) -> None:
        self._listener: socket.socket | None = None
        self._messages: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def listen(self) -> tuple[str, int]:
        """Listen for the other ranks, only at this machine's address in the cluster; returns host and port."""
        self._listener = socket.create_server((ray.util.get_node_ip_address(), 0))
        host, port = self._listener.getsockname()
        return host, port

    def run(
        self, job: Callable[[MessageCallback], object], folder: str, rank: int, size: int, store: tuple[str, int]
    ) -> object:
        """Run the job in `folder`; returns its result for rank 0, else None. `store` is where rank 0 listens."""
        try:
            os.chdir(folder)
        except OSError as error:
            raise LitmineError(
                f"{folder} is not available on {socket.gethostname()} ({error.strerror}); use a folder that every"
                " machine of the cluster sees"
            ) from error
        try:
            self._join_group(rank, size, *store)
            result = job(_discard if rank else self._messages.put)
            return None if rank else result
        finally:
            self._messages.put(None)

    def next_message(self) -> str | None:
        """Wait for the next message of the job; None when the job has ended."""
        return self._messages.get()

    def _join_group(self, rank: int, size: int, host: str, port: int) -> None:
        if host.startswith("127."):
            loopback = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
            os.environ["GLOO_SOCKET_IFNAME"] = os.environ["NCCL_SOCKET_IFNAME"] = loopback
        on_gpu = bool(ray.get_gpu_ids())
        if not on_gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        import torch
        from torch import distributed

        if not on_gpu:
            torch.set_num_threads(actor_cpus())
        # With its own socket the store would listen on every interface.
        listener = None if self._listener is None else self._listener.detach()
        store = distributed.TCPStore(  # type: ignore[attr-defined] # public, but not in the stubs
            host, port, size, rank == 0, master_listen_fd=listener
        )
        distributed.init_process_group(
            "nccl" if on_gpu else "gloo",
            store=store,
            rank=rank,
            world_size=size,
            timeout=_GRADIENT_TIMEOUT,
            device_id=torch.device("cuda", 0) if on_gpu else None,
        )


def _run_on_actors(job: Any, actors: Sequence[Any], log: MessageCallback, monitor: ClusterMonitor) -> Any:
    """The result of rank 0. Raises LitmineError as `run_distributed` does."""
    first, runs = actors[0], []
    try:
        store = ray.get(first.listen.remote())
        folder = str(Path.cwd())
        runs += [actor.run.remote(job, folder, rank, len(actors), store) for rank, actor in enumerate(actors)]
        next_message = first.next_message.remote()
        waiting = [next_message, *runs]
        while waiting:
            ready, waiting = ray.wait(waiting, num_returns=1, timeout=CHECK_SECONDS)
            for reference in ready:
                value = ray.get(reference)
                if reference == next_message and value is not None:
                    log(value)
                    next_message = first.next_message.remote()
                    waiting.insert(0, next_message)
            monitor.check()
        return ray.get(runs[0])
    except RayError as error:
        raise _find_cause(error, runs, len(actors)) from error


def _find_cause(error: RayError, runs: Sequence[Any], size: int) -> Exception:
    """Why the job ended: a worker's death if there is one, else a worker's LitmineError, lower ranks first."""
    errors: list[RayError] = [error]
    deadline = time.monotonic() + _DEATH_SECONDS
    for run in runs if isinstance(error, RayTaskError) else ():
        if ray.wait([run], timeout=max(0.0, deadline - time.monotonic()))[0]:
            try:
                ray.get(run)
            except RayError as other:
                errors.insert(len(errors) - 1, other)
    for death in errors:
        if not isinstance(death, RayTaskError):
            return LitmineError(
                f"one of {size} workers died ({error_reason(death)}); run the same command again to resume from the"
                " last checkpoint"
            )
    causes = (task_error.cause for task_error in errors if isinstance(task_error, RayTaskError))
    return next((cause for cause in causes if isinstance(cause, LitmineError)), error)


def _discard(_: str) -> None:
    """Drop a message: only rank 0 writes messages."""

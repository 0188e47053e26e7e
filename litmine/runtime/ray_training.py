"""One job on several processes that compute together: Ray starts them, torch.distributed lets them talk.

Ray's own TorchTrainer does the same; docs/decisions/0054-plain-actors-for-training.md compares.
A member that dies ends the job for all.
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
from litmine.runtime.ray_cluster import BEAT, Pulse, cpus_each, cpus_of_actor, end, ray_running, reason

R = TypeVar("R")
Say = Callable[[str], None]
# While one member writes a checkpoint, the others wait for its gradient.
_SILENCE = timedelta(minutes=30)
# Members that lose another fail too, and may do so before Ray knows of the death.
_DEATH_SECONDS = 10.0


def run_on_team(job: Callable[[Say], R], workers: int, gpus: int, address: str | None, say: Say) -> R:
    """Run `job` on `gpus` members with a GPU each, or else on `workers` that share the CPU; the first member's result.

    torch.distributed is initialised there (NCCL or gloo), and the working folder is this one; what the first member
    says is said here. `address` joins a running cluster, whose machines must see the same folders. Raises SettingError
    as `ray_running`, the LitmineError of a member, and LitmineError when a member died or the cluster is gone.
    """
    with ray_running(workers, gpus, address) as pulse:
        needs = {"num_gpus": 1} if gpus else {"num_cpus": cpus_each(workers)}
        hire = ray.remote(_Member).options(max_concurrency=2, max_restarts=0, **needs)
        members = [hire.remote() for _ in range(gpus or workers)]
        try:
            result: R = _do(ray.put(job), members, say, pulse)
            return result
        finally:
            end(members)


class _Member:
    """A process of the team; the job runs in one of its threads while another hands out what it says."""

    def __init__(self) -> None:
        self._listener: socket.socket | None = None
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def meet(self) -> tuple[str, int]:
        """Listen for the others at this machine's address in the cluster, and no other; returns host and port."""
        self._listener = socket.create_server((ray.util.get_node_ip_address(), 0))
        host, port = self._listener.getsockname()
        return host, port

    def run(self, job: Callable[[Say], object], folder: str, rank: int, size: int, at: tuple[str, int]) -> object:
        """Do the job in `folder`, with the others who meet `at`; only the first member has a result."""
        try:
            os.chdir(folder)
        except OSError as error:
            raise LitmineError(
                f"{folder} is not on {socket.gethostname()} ({error.strerror}); every machine must see it"
            ) from error
        try:
            self._join(rank, size, *at)
            result = job(_silent if rank else self._said.put)
            return None if rank else result
        finally:
            self._said.put(None)

    def said(self) -> str | None:
        """The next thing said, None when the job is over."""
        return self._said.get()

    def _join(self, rank: int, size: int, host: str, port: int) -> None:
        if host.startswith("127."):
            loopback = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
            os.environ["GLOO_SOCKET_IFNAME"] = os.environ["NCCL_SOCKET_IFNAME"] = loopback
        on_gpu = bool(ray.get_gpu_ids())
        if not on_gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        import torch
        from torch import distributed

        if not on_gpu:
            torch.set_num_threads(cpus_of_actor())
        # Without a socket of ours the store listens on every interface.
        listener = None if self._listener is None else self._listener.detach()
        store = distributed.TCPStore(  # type: ignore[attr-defined] # public all the same
            host, port, size, rank == 0, master_listen_fd=listener
        )
        distributed.init_process_group(
            "nccl" if on_gpu else "gloo",
            store=store,
            rank=rank,
            world_size=size,
            timeout=_SILENCE,
            device_id=torch.device("cuda", 0) if on_gpu else None,
        )


def _do(job: Any, members: Sequence[Any], say: Say, pulse: Pulse) -> Any:
    """The first member's result; LitmineError as `run_on_team`."""
    leader, runs = members[0], []
    try:
        at = ray.get(leader.meet.remote())
        runs += [member.run.remote(job, str(Path.cwd()), i, len(members), at) for i, member in enumerate(members)]
        line = leader.said.remote()
        waiting = [line, *runs]
        while waiting:
            ready, waiting = ray.wait(waiting, num_returns=1, timeout=BEAT)
            for done in ready:
                value = ray.get(done)
                if done == line and value is not None:
                    say(value)
                    line = leader.said.remote()
                    waiting.insert(0, line)
            pulse.feel()
        return ray.get(runs[0])
    except RayError as error:
        raise _cause(error, runs, len(members)) from error


def _cause(error: RayError, runs: Sequence[Any], size: int) -> Exception:
    """What ended the job: a death, or else what a member raised, the first member's error before another's."""
    errors: list[RayError] = [error]
    ends = time.monotonic() + _DEATH_SECONDS
    for run in runs if isinstance(error, RayTaskError) else ():
        if ray.wait([run], timeout=max(0.0, ends - time.monotonic()))[0]:
            try:
                ray.get(run)
            except RayError as other:
                errors.insert(len(errors) - 1, other)
    for died in errors:
        if not isinstance(died, RayTaskError):
            return LitmineError(
                f"one of {size} workers died ({reason(died)}); what was saved stays, and the same command goes on from"
                " there"
            )
    causes = (one.cause for one in errors if isinstance(one, RayTaskError))
    return next((cause for cause in causes if isinstance(cause, LitmineError)), error)


def _silent(_: str) -> None:
    pass

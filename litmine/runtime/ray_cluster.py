"""Start Ray on this machine or join a cluster, with Ray's network access and output restricted; watch the cluster."""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ray

from litmine.errors import LitmineError, SettingError
from litmine.runtime.ray_internals import (
    fewer_processes,
    find_running_cluster,
    keep_to_loopback,
    stop_half_started_node,
    suppress_worker_output,
)

# Seconds between two checks of the cluster.
CHECK_SECONDS = 5.0
# A cluster that has not answered for this many seconds counts as lost. Ray itself ends a process 60 s after it lost the
# head of its cluster, without a message.
CLUSTER_TIMEOUT = 20.0
# On a very busy machine Ray may not start within its own limit of 30 s.
_START_ATTEMPTS = 3
_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


# The session


@contextmanager
def ray_running(workers: int, gpus: int, address: str | None) -> Iterator["ClusterMonitor"]:
    """Run the block with Ray, and check that it has `gpus` GPUs or, if that is 0, `workers` CPUs.

    `address` joins a running cluster. Without it Ray starts on this machine, on the loopback interface. The session
    ends with the block, unless Ray was already initialized. Raises SettingError when there is no cluster at `address`,
    or too few GPUs or CPUs, and LitmineError when Ray does not start.
    """
    initialized_here = _initialize(workers, address)
    try:
        option, count, kind = ("--gpus", gpus, "GPU") if gpus else ("--workers", workers, "CPU")
        available = int(ray.cluster_resources().get(kind, 0))
        if count > available:
            remedy = f"use {option} {available}" if available else f"leave {option} out"
            raise SettingError(
                f"{option} {count} is more than the {available} {kind}s that Ray has here; {remedy}, or join a cluster"
                " with --address"
            )
        yield ClusterMonitor()
    finally:
        if initialized_here:
            ray.shutdown()


def check_ray() -> str:
    """Start Ray, run a task and stop it; returns the number of CPUs and GPUs. Raises LitmineError when it fails."""
    try:
        with ray_running(1, 0, None):
            resources = ray.cluster_resources()
            ray.get(ray.remote(_trial_task).remote(), timeout=120)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise SettingError(
            f"Ray does not work on this machine ({error_reason(error)}); leave --workers and --gpus out until it does"
        ) from error
    return f"{resources.get('CPU', 0):.0f} CPUs and {resources.get('GPU', 0):.0f} GPUs"


def _trial_task() -> int:
    return 1


def _initialize(workers: int, address: str | None) -> bool:
    """Start or join Ray; returns False if it was already initialized."""
    if ray.is_initialized():
        return False
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    suppress_worker_output()
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address is None:
        _start(max(workers, os.cpu_count() or 1), quiet)
        return True
    try:
        ray.init(_check_address(address), **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        raise SettingError(
            f"no Ray cluster can be joined at {address} ({error_reason(error)}); leave --address out to work on this"
            " machine alone"
        ) from error
    return True


def _start(cpus: int, options: dict[str, Any]) -> None:
    """Start Ray on this machine, in up to `_START_ATTEMPTS` attempts. Raises LitmineError when all of them fail."""
    keep_to_loopback()
    for attempt in range(1, _START_ATTEMPTS + 1):
        try:
            # `_node_ip_address` is private as well, but has no fallback: without it Ray listens on all interfaces.
            with fewer_processes():
                ray.init("local", num_cpus=cpus, include_dashboard=False, _node_ip_address="127.0.0.1", **options)
        except Exception as error:
            stop_half_started_node(error)
            ray.shutdown()
            # Ray raises a bare Exception for its time limit. Other classes, such as ValueError, are bugs.
            if type(error) is not Exception and not isinstance(error, OSError | RuntimeError):
                raise
            if attempt == _START_ATTEMPTS:
                raise LitmineError(
                    f"Ray did not start on this machine in {attempt} attempts ({error_reason(error)}); run the command"
                    " again when the machine is less busy, or without --workers and --gpus"
                ) from error
        else:
            return


def _check_address(address: str) -> str:
    """The host:port of a cluster's head that answers. Raises OSError if none does, ValueError for a bad address.

    Ray itself would try for a quarter of an hour.
    """
    # One attempt, which takes up to 40 s if another program listens there.
    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")
    if address == "auto":
        address = find_running_cluster()
        if address == "auto":
            return address
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise ValueError("an address is host:port as `ray start --head` prints it, for a machine of the cluster")
    _connect(address)
    if host.strip("[]") in _LOOPBACK_HOSTS:
        # Ray replaces a loopback address by this machine's own address, where a cluster on the loopback interface does
        # not listen.
        try:
            _connect(f"{ray.util.get_node_ip_address()}:{port}")
        except OSError:
            keep_to_loopback()
    return address


def _connect(address: str) -> None:
    """Raise OSError when no program listens at host:port."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=CHECK_SECONDS).close()


# Use of a running cluster


class ClusterMonitor:
    """Detects that the head of the cluster is lost."""

    def __init__(self) -> None:
        self._address: str = ray.get_runtime_context().gcs_address
        self._checked = self._answered = time.monotonic()

    def check(self) -> None:
        """Connect to the head, at most once in CHECK_SECONDS.

        Raises LitmineError when it has not answered for CLUSTER_TIMEOUT seconds.
        """
        if time.monotonic() - self._checked < CHECK_SECONDS:
            return
        try:
            _connect(self._address)
            self._answered = time.monotonic()
        except OSError as error:
            silent = time.monotonic() - self._answered
            if silent > CLUSTER_TIMEOUT:
                raise LitmineError(
                    f"the Ray cluster at {self._address} has not answered for {silent:.0f} s ({error_reason(error)});"
                    " finished work is kept: run the command again when the cluster is back"
                ) from error
        self._checked = time.monotonic()


def kill_actors(actors: Sequence[Any]) -> None:
    """Kill actors, for at most CHECK_SECONDS: without the head of its cluster `ray.kill` would wait for ever."""
    timed_out = threading.Event()

    def kill() -> None:
        for actor in actors:
            if not timed_out.is_set():
                ray.kill(actor)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    killer.join(CHECK_SECONDS)
    timed_out.set()


def error_reason(error: Exception) -> str:
    """The last line of an error of Ray, which names the cause, such as why a worker did not start."""
    return str(error).strip().splitlines()[-1].strip()[:200]


def cpus_per_worker(workers: int) -> int:
    """The largest number of CPUs that each worker can have so that all fit on the cluster's machines; at least 1."""
    machines = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    # Other programs on the cluster may use some of the CPUs.
    most = int(ray.available_resources().get("CPU", 0)) // max(1, workers)
    fit = (cpus for cpus in range(most, 1, -1) if sum(machine // cpus for machine in machines) >= workers)
    return next(fit, 1)


def actor_cpus() -> int:
    """The number of CPUs of the actor that calls this; 0 for an actor that has only a GPU."""
    return int(ray.get_runtime_context().get_assigned_resources().get("CPU", 0))


def cpus_per_gpu() -> int:
    """The number of CPUs per GPU of the machine of the actor that calls this; at least 1."""
    node_id = ray.get_runtime_context().get_node_id()
    resources = next(node["Resources"] for node in ray.nodes() if node["NodeID"] == node_id)
    return max(1, int(resources.get("CPU", 1) / resources.get("GPU", 1)))

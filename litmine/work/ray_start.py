"""Ray, started on this machine alone or joined elsewhere: the one place that decides what it listens on and says."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray._private import ray_constants

from litmine.errors import SettingError


@contextmanager
def ray_running(workers: int, gpus: int, address: str | None) -> Iterator[None]:
    """Ray, with a GPU for each of `gpus`, or else a CPU for each of `workers`.

    `address` joins a running cluster; otherwise Ray is started here, on the loopback interface, and ends with the
    block. Raises SettingError when there is no cluster at `address`, or it has fewer GPUs or CPUs than asked.
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
        yield
    finally:
        if started:
            ray.shutdown()


def reason(error: Exception) -> str:
    """Ray's last line says most: the error of a worker that did not start, or how its process ended."""
    return str(error).strip().splitlines()[-1].strip()[:200]


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
                f"no Ray cluster can be joined at {address} ({reason(error)}); leave --address out to work on this"
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

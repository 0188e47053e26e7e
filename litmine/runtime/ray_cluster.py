"""Whether Ray works on this machine: started, given one task, stopped.

Ray, started on this machine alone or joined elsewhere: the one place that decides what it listens on and says.
"""

import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ray
from ray._private import ray_constants, ray_logging, services

from litmine.errors import LitmineError, SettingError

# Seconds between two looks at the cluster, and of silence after which it is gone. Ray itself ends a process 60 s after
# it lost the head of its cluster, without a sentence.
BEAT = 5.0
SILENCE = 20.0


class Pulse:
    """Whether the cluster is there still."""

    def __init__(self) -> None:
        self._address: str = ray.get_runtime_context().gcs_address
        self._looked = self._heard = time.monotonic()

    def feel(self) -> None:
        """Look, if it is time to. Raises LitmineError when the head of the cluster has not answered for too long."""
        if time.monotonic() - self._looked < BEAT:
            return
        try:
            _knock(self._address)
            self._heard = time.monotonic()
        except OSError as error:
            silent = time.monotonic() - self._heard
            if silent > SILENCE:
                raise LitmineError(
                    f"the Ray cluster at {self._address} has not answered for {silent:.0f} s ({reason(error)}); what"
                    " was finished stays: run the command again when the cluster is back"
                ) from error
        self._looked = time.monotonic()


@contextmanager
def ray_running(workers: int, gpus: int, address: str | None) -> Iterator[Pulse]:
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
        yield Pulse()
    finally:
        if started:
            ray.shutdown()


def reason(error: Exception) -> str:
    """Ray's last line says most: the error of a worker that did not start, or how its process ended."""
    return str(error).strip().splitlines()[-1].strip()[:200]


def end(actors: Sequence[Any]) -> None:
    """Kill actors. Without the head of its cluster Ray would wait for ever to do so, and this gives up."""
    given_up = threading.Event()

    def kill() -> None:
        for actor in actors:
            if not given_up.is_set():
                ray.kill(actor)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    killer.join(BEAT)
    given_up.set()


def cpus_each(workers: int) -> int:
    """How many CPUs each of so many workers can have, so that all of them find room on the cluster's machines."""
    machines = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    # Others may have taken some.
    most = int(ray.available_resources().get("CPU", 0)) // max(1, workers)
    fit = (cpus for cpus in range(most, 1, -1) if sum(machine // cpus for machine in machines) >= workers)
    return next(fit, 1)


def cpus_of_actor() -> int:
    """How many CPUs the actor has in which this is called; 0 when it only has a GPU."""
    return int(ray.get_runtime_context().get_assigned_resources().get("CPU", 0))


def cpus_beside_gpu() -> int:
    """How many CPUs the machine of the actor in which this is called has for each of its GPUs, one at least."""
    own = ray.get_runtime_context().get_node_id()
    has = next(node["Resources"] for node in ray.nodes() if node["NodeID"] == own)
    return max(1, int(has.get("CPU", 1) / has.get("GPU", 1)))


def _start(workers: int, address: str | None) -> bool:
    """Start Ray or join it; whether it was started here."""
    if ray.is_initialized():
        return False
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray prints how a worker or a node ended, with the end of its log, on stdout. We say what matters of it.
    ray_logging.stdout_deduplicator.skip_re = re.compile("")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address is not None:
        try:
            ray.init(_find(address), **quiet)
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


def _find(address: str) -> str:
    """The host:port at which a cluster's head listens. Raises OSError when none does, ValueError for no address.

    Ray itself would try for a quarter of an hour.
    """
    if address == "auto":
        address = services.get_ray_address_from_environment(address, None) or ""
        if not address:
            raise ConnectionError("no Ray runs on this machine")
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise ValueError("an address is host:port as `ray start --head` prints it, for a machine of the cluster")
    _knock(address)
    # One attempt, which takes up to 40 s when what listens there is something else.
    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")
    try:
        _knock(services.canonicalize_bootstrap_address(address))
    except OSError:
        # A cluster that keeps to the loopback interface, which Ray takes for this machine's own address otherwise.
        ray_constants.ENABLE_RAY_CLUSTER = False
    return address


def _knock(address: str) -> None:
    """Raise OSError when nobody listens at host:port."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=BEAT).close()


def try_ray() -> str:
    """What a Ray started here has to work with. Raises SettingError when it does not start or does not work."""
    try:
        with ray_running(1, 0, None):
            resources = ray.cluster_resources()
            ray.get(ray.remote(_work).remote(), timeout=120)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise SettingError(
            f"Ray does not work here ({reason(error)}); leave --workers and --gpus out until it does"
        ) from error
    return f"{resources.get('CPU', 0):.0f} CPUs and {resources.get('GPU', 0):.0f} GPUs"


def _work() -> int:
    return 1

"""The parts of Ray without a public interface that litmine uses, each with a fallback if a Ray version lacks it.

pyproject.toml limits Ray to the versions that have them.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from inspect import signature
from typing import Any


def keep_to_loopback() -> None:
    """Let Ray accept 127.0.0.1 as the address of this machine, so that it listens on the loopback interface only.

    Otherwise Ray replaces 127.0.0.1 by an address that other machines reach, and listens on all interfaces. Ray's
    variable RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER has the same effect, but is read at import, when the address of the
    cluster is not known. Fallback: Ray's own choice.
    """
    _set(_private("ray_constants"), "ENABLE_RAY_CLUSTER", value=False)


def suppress_worker_output() -> None:
    """Keep Ray from printing on stdout how a worker or a node ended; litmine reports it in one sentence.

    Ray's variable RAY_DEDUP_LOGS_SKIP_REGEX is read at import, so it would also affect a program that uses litmine and
    starts Ray itself. Fallback: Ray prints.
    """
    _set(getattr(_private("ray_logging"), "stdout_deduplicator", None), "skip_re", value=re.compile(""))


@contextmanager
def fewer_processes() -> Iterator[None]:
    """Ray that starts in this block starts without three Python processes that litmine does not use.

    They are the autoscaler (a cluster of one machine does not grow), the copier of the workers' output (litmine prints
    none), and the server of the dashboard, for which `ray.init` waits a second although it is switched off. Each takes
    more than half a second of a core. `ray.init` has no options for this. Fallback: they start.
    """
    parameter, services = _private("parameter"), _private("services")
    settings, server = getattr(parameter, "RayParams", None), getattr(services, "start_api_server", None)
    unwanted = {"no_monitor": True, "include_log_monitor": False}
    if settings is not None and unwanted.keys() <= signature(settings).parameters.keys():
        parameter.RayParams = partial(settings, **unwanted)
    if server is not None:
        services.start_api_server = _no_server
    try:
        yield
    finally:
        for module, name, usual in (parameter, "RayParams", settings), (services, "start_api_server", server):
            if usual is not None:
                setattr(module, name, usual)


def _no_server(*_arguments: object, **_options: object) -> tuple[str, None]:
    """What Ray's `start_api_server` returns: an address, which is empty for a dashboard that is off, and a process."""
    return "", None


def find_running_cluster() -> str:
    """The host:port of the cluster that `address="auto"` means. Raises ConnectionError when none runs on this machine.

    Fallback: RAY_ADDRESS, or "auto" if it is not set, which leaves the search to `ray.init`.
    """
    find = getattr(_private("services"), "get_ray_address_from_environment", None)
    if find is None:
        return os.environ.get("RAY_ADDRESS") or "auto"
    address: str = find("auto", None)
    return address


def stop_half_started_node(error: BaseException) -> None:
    """Kill the processes of a Ray node whose start raised `error`.

    Only the frame of `Node.__init__` in the traceback refers to the node, so `ray.shutdown` does not stop it.
    Fallback: the processes run until this process ends.
    """
    trace = error.__traceback__
    while trace is not None:
        node = trace.tb_frame.f_locals.get("self")
        kill = getattr(node, "kill_all_processes", None)
        if kill is not None and trace.tb_frame.f_code.co_name == "__init__":
            kill(check_alive=False, allow_graceful=False)
        trace = trace.tb_next


def _private(name: str) -> Any:
    """A private module of Ray, None if this version does not have it."""
    try:
        return import_module(f"ray._private.{name}")
    except ImportError:
        return None


def _set(owner: Any, name: str, *, value: Any) -> None:
    """Set an attribute that exists."""
    if hasattr(owner, name):
        setattr(owner, name, value)

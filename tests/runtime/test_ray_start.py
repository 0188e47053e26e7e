"""Ray starts although an attempt fails, and without the private names that litmine uses."""

import fcntl
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

import pytest

from litmine.errors import LitmineError
from litmine.runtime import ray_internals


class Node:
    """A node of Ray that times out during its start."""

    killed: list[dict[str, bool]]

    def __init__(self, killed: list[dict[str, bool]]) -> None:
        self.killed = killed
        raise Exception("The current node timed out during startup. The GCS may be overloaded.")

    def kill_all_processes(self, **options: bool) -> None:
        self.killed.append(options)


@pytest.fixture
def ray() -> Any:
    """The module. Only litmine.runtime imports Ray; here it is looked up."""
    return import_module("ray")


@pytest.fixture
def ray_variables(
    ray_lock: Callable[[int], AbstractContextManager[None]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Ray, whose variables are restored after the test."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    with ray_lock(fcntl.LOCK_SH):
        yield


def failing_init(failures: int, killed: list[dict[str, bool]], init: Callable[..., Any]) -> Callable[..., Any]:
    """`ray.init`, of which the first `failures` attempts fail."""
    attempts = iter(range(failures))

    def fail_or_start(*arguments: Any, **options: Any) -> Any:
        if next(attempts, None) is not None:
            Node(killed)
        return init(*arguments, **options)

    return fail_or_start


@pytest.mark.usefixtures("ray_variables")
def test_ray_starts_in_the_second_attempt(monkeypatch: pytest.MonkeyPatch, ray: Any) -> None:
    from litmine.runtime.ray_cluster import ray_running

    killed: list[dict[str, bool]] = []
    monkeypatch.setattr(ray, "init", failing_init(1, killed, ray.init))
    with ray_running(1, 0, None):
        assert ray.cluster_resources()["CPU"] >= 1
    assert killed == [{"check_alive": False, "allow_graceful": False}]
    assert not ray.is_initialized()


def test_three_failed_attempts_are_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch, ray: Any) -> None:
    from litmine.runtime.ray_cluster import ray_running

    killed: list[dict[str, bool]] = []
    monkeypatch.setattr(ray, "init", failing_init(9, killed, ray.init))
    with (
        pytest.raises(
            LitmineError,
            match=r"^Ray did not start on this machine in 3 attempts \(.*timed out.*\); run the command again when",
        ),
        ray_running(1, 0, None),
    ):
        pass
    assert len(killed) == 3


def test_a_wrong_argument_of_ray_is_not_tried_again(monkeypatch: pytest.MonkeyPatch, ray: Any) -> None:
    from litmine.runtime.ray_cluster import ray_running

    attempts = []

    def fail(*_: Any, **options: Any) -> None:
        attempts.append(options)
        raise ValueError("no such option")

    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(ValueError, match="no such option"), ray_running(1, 0, None):
        pass
    assert len(attempts) == 1


def test_ray_starts_without_processes_that_litmine_does_not_use() -> None:
    parameter, services = import_module("ray._private.parameter"), import_module("ray._private.services")
    usual = parameter.RayParams, services.start_api_server
    with ray_internals.fewer_processes():
        settings = parameter.RayParams(num_cpus=1)
        assert services.start_api_server(False, raise_on_failure=False) == ("", None)
    assert (settings.num_cpus, settings.no_monitor, settings.include_log_monitor) == (1, True, False)
    assert (parameter.RayParams, services.start_api_server) == usual


@pytest.mark.parametrize("name", ["ray_constants", "ray_logging", "services", "parameter"])
def test_a_missing_private_module_changes_nothing_else(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # None makes an import raise ImportError.
    monkeypatch.setitem(sys.modules, f"ray._private.{name}", None)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    ray_internals.keep_to_loopback()
    ray_internals.suppress_worker_output()
    with ray_internals.fewer_processes():
        assert ray_internals.find_running_cluster() == "127.0.0.1:9"


def test_missing_private_names_change_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    ray_constants, ray_logging, services, parameter = (
        import_module(f"ray._private.{name}") for name in ("ray_constants", "ray_logging", "services", "parameter")
    )

    class NewParams:
        """Parameters without the options."""

        def __init__(self, num_cpus: int) -> None:
            self.num_cpus = num_cpus

    monkeypatch.setattr(parameter, "RayParams", NewParams)
    monkeypatch.delattr(ray_constants, "ENABLE_RAY_CLUSTER")
    monkeypatch.delattr(ray_logging, "stdout_deduplicator")
    monkeypatch.delattr(services, "get_ray_address_from_environment")
    monkeypatch.delattr(services, "start_api_server")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    ray_internals.keep_to_loopback()
    ray_internals.suppress_worker_output()
    assert not hasattr(ray_constants, "ENABLE_RAY_CLUSTER")
    assert ray_internals.find_running_cluster() == "auto"
    with ray_internals.fewer_processes():
        assert parameter.RayParams(2).num_cpus == 2


def test_a_node_without_the_private_method_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Node, "kill_all_processes")
    with pytest.raises(Exception, match="timed out") as caught:
        Node([])
    ray_internals.stop_half_started_node(caught.value)

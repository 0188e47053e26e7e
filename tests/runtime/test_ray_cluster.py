"""A cluster of three nodes, on the loopback interface: whoever dies, nothing is lost and nothing stands twice."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from fcntl import LOCK_SH
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from litmine.errors import DONE, FAILED
from litmine.lake.lake import Lake
from litmine.lake.targets import TargetSet
from litmine.tasks.registry import identify

Start = Callable[..., Popen[Any]]
Found = Callable[[Path], dict[tuple[object, ...], float]]
Descendants = Callable[[int], dict[int, str]]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.soak,
    pytest.mark.usefixtures("loopback"),
]
# A node is taken for lost after about 6 s without an answer, and not after 45.
IMPATIENT = {"health_check_period_ms": 1000, "health_check_timeout_ms": 1000, "health_check_failure_threshold": 5}


class Nodes:
    """Nodes with a CPU each, the first of them the head; any may be killed with all that runs there, as by a fuse."""

    def __init__(self, count: int, descendants: Descendants) -> None:
        from ray.cluster_utils import Cluster

        self._descendants = descendants
        few = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
        head = {"num_cpus": 1, "_system_config": IMPATIENT, **few}
        self._cluster = Cluster(initialize_head=True, head_node_args=head, shutdown_at_exit=False)
        self.nodes = [self._cluster.head_node]
        for _ in range(count - 1):
            self.add()

    def add(self) -> None:
        self.nodes.append(self._cluster.add_node(num_cpus=1, wait=False))

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def processes(self, node: Any) -> dict[int, str]:
        """What runs on a node, and its name."""
        own = [one.pid for one in self._started(node)]
        found = {pid: name for one in own for pid, name in self._descendants(one).items()}
        return {**found, **dict.fromkeys(own, "ray")}

    def workers(self) -> list[int]:
        """The workers that litmine has on all nodes."""
        running = [item for node in self.nodes for item in self.processes(node).items()]
        return [pid for pid, name in running if name.startswith("ray::_Worker")]

    def signal(self, node: Any, number: int) -> None:
        for pid in self.processes(node):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self, *nodes: Any) -> None:
        for node in nodes:
            self.signal(node, signal.SIGKILL)
            self.nodes.remove(node)
            for process in self._started(node):
                process.wait()

    def _started(self, node: Any) -> list[Popen[Any]]:
        return [one.process for kind in node.all_processes.values() for one in kind]


@pytest.fixture(scope="module")
def loopback(ray_lock: Callable[[int], AbstractContextManager[None]]) -> Iterator[None]:
    """Clusters stay on the loopback interface, and start no more than they must."""
    from ray._private import ray_constants

    with pytest.MonkeyPatch.context() as patch, ray_lock(LOCK_SH):
        patch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)
        for name in ("RAY_USAGE_STATS_ENABLED", "RAY_enable_worker_prestart", "RAY_prestart_worker_first_driver"):
            patch.setenv(name, "0")
        yield


@pytest.fixture
def nodes(descendants: Descendants) -> Iterator[Nodes]:
    """Three nodes."""
    with pytest.MonkeyPatch.context() as patch:
        # Not where litmine is started, as elsewhere too.
        patch.chdir("/")
        cluster = Nodes(3, descendants)
    yield cluster
    cluster.kill(*cluster.nodes)


def wait_until(true: Callable[[], object], seconds: float = 120) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


class Job:
    """`annotate` on a cluster, in batches so small that it takes a while."""

    def __init__(self, start: Start, lake: Path, model: Path) -> None:
        self._start, self.lake, self.model = start, lake, model
        self.folder = TargetSet("entities", identify(str(model))).folder(lake)
        self.parts = len(Lake(lake).parts())

    def start(self, address: str, tokens: int = 60) -> Popen[Any]:
        return self.start_here("--address", address, "--workers", 3, "--batch-tokens", tokens)

    def start_here(self, *words: object) -> Popen[Any]:
        paths = ("--lake", os.path.relpath(self.lake), "--model", os.path.relpath(self.model))
        return self._start("annotate", *paths, "--precision", "float32", *words)

    @property
    def done(self) -> int:
        return len(list(self.folder.glob("*.parquet")))

    def wait_for(self, process: Popen[Any], done: int) -> None:
        wait_until(lambda: process.poll() is not None or self.done >= done)
        assert process.poll() is None, process.communicate()
        assert self.done < self.parts


@pytest.fixture
def job(start: Start, lake: Path, tiny_model: Path) -> Job:
    return Job(start, lake, tiny_model)


def outcomes(lake: Path) -> list[tuple[Any, ...]]:
    return Lake(lake).rows("select outcome, len(gaps), counts['parts'] from runs where command = 'annotate'")


def test_a_node_is_killed_and_the_run_goes_on(nodes: Nodes, job: Job, undisturbed: object, found: Found) -> None:
    process = job.start(nodes.address)
    job.wait_for(process, 2)
    nodes.kill(nodes.nodes[-1])
    out, said = process.communicate(timeout=300)
    assert (process.returncode, out) == (DONE, ""), said
    assert outcomes(job.lake) == [("done", 0, job.parts)]
    assert found(job.lake) == undisturbed


def test_the_driver_is_killed_and_started_again(nodes: Nodes, job: Job, undisturbed: object, found: Found) -> None:
    process = job.start(nodes.address)
    job.wait_for(process, 2)
    left = nodes.workers()
    assert left
    process.kill()
    process.wait()
    again = job.start(nodes.address, tokens=500)
    # What the first one left behind ends by itself.
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), 20)
    out, said = again.communicate(timeout=300)
    assert (again.returncode, out) == (DONE, ""), said
    ((outcome, gaps, parts),) = outcomes(job.lake)
    assert (outcome, gaps) == ("done", 0)
    assert parts < job.parts
    assert found(job.lake) == undisturbed


def test_a_worker_is_out_of_memory(nodes: Nodes, job: Job, undisturbed: object, found: Found) -> None:
    process = job.start(nodes.address)
    job.wait_for(process, 1)
    starved, *_ = nodes.workers()
    now = int(Path(f"/proc/{starved}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(starved, resource.RLIMIT_AS, (now, now))
    out, said = process.communicate(timeout=300)
    assert (process.returncode, out) == (DONE, ""), said
    assert outcomes(job.lake) == [("done", 0, job.parts)]
    assert found(job.lake) == undisturbed


def test_a_node_is_cut_off_and_comes_back(nodes: Nodes, job: Job, undisturbed: object, found: Found) -> None:
    """Stopped processes answer as little as those behind a cut cable do."""
    process = job.start(nodes.address)
    job.wait_for(process, 2)
    cut_off = nodes.nodes[-1]
    nodes.signal(cut_off, signal.SIGSTOP)
    out, said = process.communicate(timeout=300)
    assert (process.returncode, out) == (DONE, ""), said
    assert outcomes(job.lake) == [("done", 0, job.parts)]
    assert found(job.lake) == undisturbed
    # Its worker goes on where it was, in the middle of a part that another has done, until it hears that it is out.
    own = [pid for pid, name in nodes.processes(cut_off).items() if name.startswith("ray::_Worker")]
    nodes.signal(cut_off, signal.SIGCONT)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in own), 60)
    assert found(job.lake) == undisturbed


def test_the_whole_cluster_is_gone(nodes: Nodes, job: Job, undisturbed: object, found: Found) -> None:
    address = nodes.address
    process = job.start(address)
    job.wait_for(process, 1)
    nodes.kill(*nodes.nodes)
    _, said = process.communicate(timeout=60)
    *_, line = said.splitlines()
    assert (process.returncode, "Traceback" in said) == (FAILED, False), said
    assert line.startswith(f"litmine: the Ray cluster at {address} has not answered for ")
    assert outcomes(job.lake)[0][:2] == ("failed", 0)
    again = job.start_here()
    assert again.wait(timeout=300) == DONE
    assert found(job.lake) == undisturbed

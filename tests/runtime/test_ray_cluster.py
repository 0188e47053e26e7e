"""On a cluster of three nodes no result is lost or written twice, whichever node or process dies."""

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
EntityScores = Callable[[Path], dict[tuple[object, ...], float]]
Descendants = Callable[[int], dict[int, str]]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.soak,
    pytest.mark.usefixtures("loopback"),
]
# Ray counts a node as lost after about 6 s without an answer, instead of 45 s.
QUICK_HEALTH_CHECKS = {
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 5,
}


class Nodes:
    """Nodes with one CPU each; the first is the head. A node can be killed with all its processes."""

    def __init__(self, count: int, descendants: Descendants) -> None:
        from ray.cluster_utils import Cluster

        self._descendants = descendants
        options = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
        head = {"num_cpus": 1, "_system_config": QUICK_HEALTH_CHECKS, **options}
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
        """The names of the processes of a node, by id."""
        started = [process.pid for process in self._started(node)]
        descendants = {pid: name for parent in started for pid, name in self._descendants(parent).items()}
        return {**descendants, **dict.fromkeys(started, "ray")}

    def workers(self) -> list[int]:
        """The process ids of litmine's actors on all nodes."""
        return [pid for node in self.nodes for pid in self.workers_of(node)]

    def workers_of(self, node: Any) -> list[int]:
        """The process ids of litmine's actors on a node."""
        return [pid for pid, name in self.processes(node).items() if name.startswith("ray::_Worker")]

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

    def reap(self, node: Any) -> None:
        """Remove dead processes of a node from the process table: a worker exits when the id of its raylet is gone.

        This process started the raylet, so that nothing else removes it.
        """
        for process in self._started(node):
            process.poll()

    def _started(self, node: Any) -> list[Popen[Any]]:
        return [info.process for infos in node.all_processes.values() for info in infos]


@pytest.fixture(scope="module")
def loopback(ray_lock: Callable[[int], AbstractContextManager[None]]) -> Iterator[None]:
    """Clusters listen on the loopback interface only and start no spare worker processes."""
    from litmine.runtime.ray_internals import keep_to_loopback

    with pytest.MonkeyPatch.context() as patch, ray_lock(LOCK_SH):
        keep_to_loopback()
        for name in ("RAY_USAGE_STATS_ENABLED", "RAY_enable_worker_prestart", "RAY_prestart_worker_first_driver"):
            patch.setenv(name, "0")
        yield


@pytest.fixture
def nodes(descendants: Descendants) -> Iterator[Nodes]:
    """Three nodes."""
    with pytest.MonkeyPatch.context() as patch:
        # Nodes do not have the working folder of the command, like the machines of a real cluster.
        patch.chdir("/")
        cluster = Nodes(3, descendants)
    yield cluster
    cluster.kill(*cluster.nodes)


def wait_until(true: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class AnnotateRun:
    """`annotate` on a cluster, in batches so small that it takes a while."""

    def __init__(self, start: Start, lake: Path, model: Path) -> None:
        self._start, self.lake, self.model = start, lake, model
        self.folder = TargetSet("entities", identify(str(model))).folder(lake)
        self.parts = len(Lake(lake).parts())

    def start(self, address: str, tokens: int = 60) -> Popen[Any]:
        return self.start_alone("--address", address, "--workers", 3, "--batch-tokens", tokens)

    def start_alone(self, *words: object) -> Popen[Any]:
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
def job(start: Start, lake: Path, tiny_model: Path) -> AnnotateRun:
    return AnnotateRun(start, lake, tiny_model)


def outcomes(lake: Path) -> list[tuple[Any, ...]]:
    return Lake(lake).rows("select outcome, len(gaps), counts['parts'] from runs where command = 'annotate'")


def test_a_run_continues_when_a_node_is_killed(
    nodes: Nodes, job: AnnotateRun, expected_entities: object, entity_scores: EntityScores
) -> None:
    process = job.start(nodes.address)
    job.wait_for(process, 2)
    nodes.kill(nodes.nodes[-1])
    out, stderr = process.communicate(timeout=300)
    assert (process.returncode, out) == (DONE, ""), stderr
    assert outcomes(job.lake) == [("done", 0, job.parts)]
    assert entity_scores(job.lake) == expected_entities


def test_a_run_after_a_killed_driver_computes_the_remaining_parts(
    nodes: Nodes, job: AnnotateRun, expected_entities: object, entity_scores: EntityScores
) -> None:
    process = job.start(nodes.address)
    job.wait_for(process, 2)
    workers = nodes.workers()
    assert workers
    process.kill()
    process.wait()
    again = job.start(nodes.address, tokens=500)
    # The workers of the killed driver end by themselves.
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 20)
    out, stderr = again.communicate(timeout=300)
    assert (again.returncode, out) == (DONE, ""), stderr
    ((outcome, gaps, parts),) = outcomes(job.lake)
    assert (outcome, gaps) == ("done", 0)
    assert parts < job.parts
    assert entity_scores(job.lake) == expected_entities


def test_a_worker_that_is_out_of_memory_is_replaced(
    nodes: Nodes, job: AnnotateRun, expected_entities: object, entity_scores: EntityScores
) -> None:
    process = job.start(nodes.address)
    job.wait_for(process, 1)
    starved_pid, *_ = nodes.workers()
    memory = int(Path(f"/proc/{starved_pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(starved_pid, resource.RLIMIT_AS, (memory, memory))
    out, stderr = process.communicate(timeout=300)
    assert (process.returncode, out) == (DONE, ""), stderr
    assert outcomes(job.lake) == [("done", 0, job.parts)]
    assert entity_scores(job.lake) == expected_entities


def test_a_node_that_returns_after_a_network_failure_changes_nothing(
    nodes: Nodes, job: AnnotateRun, expected_entities: object, entity_scores: EntityScores
) -> None:
    """Stopped processes stand for a node without a network: neither answers."""
    process = job.start(nodes.address)
    job.wait_for(process, 2)
    cut_off = nodes.nodes[-1]
    nodes.signal(cut_off, signal.SIGSTOP)
    out, stderr = process.communicate(timeout=300)
    assert (process.returncode, out) == (DONE, ""), stderr
    assert outcomes(job.lake) == [("done", 0, job.parts)]
    assert entity_scores(job.lake) == expected_entities
    # Its worker continues with a part that another worker has finished, until Ray ends it.
    workers = nodes.workers_of(cut_off)
    nodes.signal(cut_off, signal.SIGCONT)

    def all_ended() -> bool:
        nodes.reap(cut_off)
        return not any(Path(f"/proc/{pid}").exists() for pid in workers)

    wait_until(all_ended, 60)
    assert entity_scores(job.lake) == expected_entities


def test_a_lost_cluster_is_a_one_line_error(
    nodes: Nodes, job: AnnotateRun, expected_entities: object, entity_scores: EntityScores
) -> None:
    address = nodes.address
    process = job.start(address)
    job.wait_for(process, 1)
    nodes.kill(*nodes.nodes)
    _, stderr = process.communicate(timeout=60)
    *_, line = stderr.splitlines()
    assert (process.returncode, "Traceback" in stderr) == (FAILED, False), stderr
    assert line.startswith(f"litmine: the Ray cluster at {address} has not answered for ")
    assert outcomes(job.lake)[0][:2] == ("failed", 0)
    again = job.start_alone()
    assert again.wait(timeout=300) == DONE
    assert entity_scores(job.lake) == expected_entities

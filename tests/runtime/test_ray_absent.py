"""Without a Ray cluster to join, the error is one sentence."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from litmine.errors import FAILED


def assert_no_cluster_error(code: int | None, stderr: str, address: str) -> None:
    (line,) = stderr.splitlines()
    start = f"litmine: no Ray cluster can be joined at {address} ("
    assert (code, line.startswith(start)) == (FAILED, True), stderr


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:10001"])
def test_no_cluster_at_an_address(
    run: Callable[..., CompletedProcess[str]],
    monkeypatch: pytest.MonkeyPatch,
    lake: Path,
    tiny_model: Path,
    address: str,
) -> None:
    # Restores the variables that litmine sets for Ray.
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_gcs_server_port_wait_time_s"):
        monkeypatch.setenv(name, "1")
        monkeypatch.delenv(name)
    done = run("annotate", "--lake", lake, "--model", tiny_model, "--address", address)
    assert_no_cluster_error(done.returncode, done.stderr, address)


@pytest.mark.usefixtures("without_ray")
def test_no_cluster_on_this_machine(start: Callable[..., Popen[Any]], lake: Path, tiny_model: Path) -> None:
    process = start("annotate", "--lake", lake, "--model", tiny_model, "--address", "auto")
    _, stderr = process.communicate(timeout=300)
    assert_no_cluster_error(process.returncode, stderr, "auto")

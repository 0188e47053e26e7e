"""Files for clusters and containers, checked without either: Ray's schema, options and paths."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).parent.parent
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
CLUSTER = yaml.safe_load((CHECKOUT / "jobs" / "ray-cluster.yaml").read_text(encoding="utf-8"))


def instructions() -> list[list[str]]:
    """The words of each instruction of the Dockerfile, with continued lines joined."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return [shlex.split(line) for line in text.splitlines() if line.strip()]


def test_the_cluster_file_matches_the_schema_of_ray() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(CLUSTER)
    validate_config(config)
    assert config["max_workers"] == len(CLUSTER["provider"]["worker_ips"])


@pytest.mark.parametrize("commands", ["head_start_ray_commands", "worker_start_ray_commands"])
def test_ray_start_accepts_the_options_and_ports(commands: str) -> None:
    from ray.scripts.scripts import start

    stop, begin = CLUSTER[commands]
    assert stop.endswith("ray stop")
    words = shlex.split(begin.partition("bin/ray start ")[2])
    with start.make_context("start", words) as context:
        ports = {name: port for name, port in context.params.items() if name.endswith("port") and port}
        del ports["dashboard_port"]
        assert len(set(ports.values())) == len(ports) >= 7
        assert all(6379 <= int(port) <= 6399 or 10002 <= int(port) <= 10999 for port in ports.values())
        if context.params["head"]:
            assert context.params["include_dashboard"] is False


def test_files_copied_into_the_image_exist_and_are_not_ignored() -> None:
    not_ignored = {line[1:] for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = {
        source
        for first, *words in instructions()
        if first == "COPY" and not words[0].startswith("--from=")
        for source in words[:-1]
    }
    assert copied == not_ignored
    assert all((CHECKOUT / source).exists() for source in copied)
    project = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    required = set(re.findall(r'^(?:readme|license-files) = \[?"(.*?)"', project, re.MULTILINE))
    assert required == {"README.md", "LICENSE"} <= copied


def test_each_image_runs_as_a_normal_user_with_pinned_versions() -> None:
    stages: dict[str, list[list[str]]] = {}
    bases: dict[str, str] = {}
    for words in instructions():
        if words[0] == "FROM":
            name = words[3]
            bases[name], stages[name] = words[1], []
        else:
            stages[name].append(words)
    for target in ("cpu", "cuda"):
        (copy,) = stages[target]
        assert copy == ["COPY", f"--from=build-{target}", "/opt/litmine", "/opt/litmine"]
        assert bases[target] == "run"
        assert bases[f"build-{target}"] == "build"
    assert list(stages)[-1] == "cpu"
    assert ["USER", "1000"] in stages["run"]
    (settings,) = [words for words in stages["build"] if words[0] == "ENV"]
    assert "PIP_CONSTRAINT=/src/constraints.txt" in settings
    assert {words[0] for words in stages["run"][stages["run"].index(["USER", "1000"]) :]} == {
        "USER",
        "WORKDIR",
        "ENTRYPOINT",
        "CMD",
    }

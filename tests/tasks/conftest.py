"""A copy of litmine with toy tasks: each has a folder, a schema, views and one entry in the specifications."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

TOYS = Path(__file__).parent / "toys"
Litmine = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="session")
def package(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy, for PYTHONPATH."""
    place = tmp_path_factory.mktemp("copy")
    unneeded = shutil.ignore_patterns("__pycache__")
    shutil.copytree(checkout / "litmine", place / "litmine", ignore=unneeded, copy_function=link)
    shutil.copytree(checkout / "schemas", place / "schemas")
    tasks = place / "litmine" / "specs" / "tasks.py"
    lines = tasks.read_text(encoding="utf-8").rstrip().removesuffix(")")
    for toy in sorted(TOYS.glob("*.spec")):
        shutil.copytree(TOYS / toy.stem, place / "litmine" / "tasks" / toy.stem, ignore=unneeded)
        for kind in ("json", "sql"):
            shutil.copy(TOYS / f"{toy.stem}.{kind}", place / "schemas")
        lines += toy.read_text(encoding="utf-8")
    tasks.unlink()
    tasks.write_text(f"{lines})\n", encoding="utf-8")
    return place


def link(source: str, target: str) -> str:
    """Hard-link a file, because weights are large; copy it where links are not possible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


@pytest.fixture(scope="session")
def environment(package: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(package)}


@pytest.fixture(scope="session")
def toy(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Litmine]:
    """`toy("sql", "select 1")` runs a command of the copy, in a process that all tests share."""
    read, write = os.pipe()
    server = [sys.executable, str(Path(__file__).with_name("command_server.py")), str(write)]
    folder = tmp_path_factory.mktemp("toys")
    with (
        os.fdopen(read) as answers,
        subprocess.Popen(
            server, stdin=subprocess.PIPE, text=True, pass_fds=[write], env=environment, cwd=folder
        ) as process,
    ):
        os.close(write)
        assert process.stdin is not None
        asking = process.stdin

        def call(*arguments: object) -> CompletedProcess[str]:
            words = [*map(str, arguments)]
            asking.write(json.dumps(words) + "\n")
            asking.flush()
            code, out, err = json.loads(answers.readline())
            return CompletedProcess(words, code, out, err)

        yield call
        asking.close()

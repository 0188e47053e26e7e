"""The commands and queries of README and the tutorial, run over the sample records as a reader would run them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from litmine import Lake

CHECKOUT = Path(__file__).parent.parent
README = "\n".join((CHECKOUT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/tutorial.md"))
BIN = Path(sys.executable).parent
# Two of the sample's files, for the sake of time: reading them takes minutes on two cores.
LEFT_OUT = ("medline16n0902.xml.gz", "species800_articles.xml.gz")
# What a reader has and this test has not: PubMed, bulk files, GPUs, a cluster, a model of one's own.
ELSEWHERE = (
    "litmine fetch",
    "abstracts.jsonl",
    "baseline/",
    "--gpus",
    "--address",
    "./mine",
    "./encoder",
    "./reader",
    "make ",
    "duckdb ",
)
# Words by which a command needs a shell.
SHELL = {"|", "<", ">"}


def everyday_commands() -> list[str]:
    """The lines after `$ ` in README's console blocks, the demo's transcript left out."""
    page = re.sub(r"<!-- demo -->.*<!-- /demo -->", "", README, flags=re.DOTALL)
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = [
        line[2:].partition("   #")[0].strip() for block in blocks for line in block.splitlines() if line[:2] == "$ "
    ]
    return [line for line in lines if line.startswith("litmine ") and not any(word in line for word in ELSEWHERE)]


def queries() -> list[str]:
    return re.findall(r"^```sql\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def in_shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"LITMINE_LAKE": str(folder / "lake"), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a reader of README has it, with half the sample records, after a job ran."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(CHECKOUT / "sample_data", folder / "sample_data", ignore=shutil.ignore_patterns(*LEFT_OUT))
    (folder / "query.sql").write_text("select count(*) as n from entities\n")
    (folder / "questions.jsonl").write_text('{"id": "a", "question": "Which gene is mutated?"}\n')
    (sentence,) = re.findall(r"^\$ echo '(.*)' > sentence.jsonl$", README, re.MULTILINE)
    (folder / "sentence.jsonl").write_text(f"{sentence}\n")
    (job,) = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (folder / "month.toml").write_text(job)
    done = in_shell("litmine run sample", folder)
    assert done.returncode == 0, done.stderr
    assert re.search(r"141 texts, [\d,]+ entities by builtin@", done.stdout)
    assert len((folder / "diseases.csv").read_text().splitlines()) == 21
    return folder


def test_everyday_commands_run(
    home: Path, run: Callable[..., subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell and a process of its own for what needs a shell; another process for each would import torch again."""
    monkeypatch.chdir(home)
    monkeypatch.setenv("LITMINE_LAKE", str(home / "lake"))
    commands = everyday_commands()
    assert len(commands) > 10
    for command in commands:
        if "--workers" in command or "--precision" in command:
            continue  # tests/work compares what these give
        words = shlex.split(command)
        done = in_shell(command, home) if SHELL.intersection(words) else run(*words[1:])
        expected = 3 if "--withdrawn" in command else 0
        assert (done.returncode, "Traceback" in done.stderr) == (expected, False), f"{command}\n{done.stderr}"


@pytest.mark.parametrize("number", range(6))
def test_queries_have_rows(home: Path, number: int) -> None:
    assert len(queries()) == 6
    assert Lake(home / "lake").sql(queries()[number]).num_rows > 0


def test_catalogue_opens_in_duckdb(home: Path) -> None:
    with duckdb.connect(str(home / "lake" / "lake.duckdb"), read_only=True) as catalogue:
        ((count,),) = catalogue.execute("select count(*) from entities").fetchall()
    assert count == Lake(home / "lake").rows("select count(*) from entities")[0][0] > 0


def test_transcript_is_of_the_demo_as_it_stands() -> None:
    """The commands of README's transcript are those that sample_data/demo.sh runs, in order."""
    transcript = re.findall(r"<!-- demo -->\n```console\n(.*?)\n```\n<!-- /demo -->", README, re.DOTALL)
    assert len(transcript) == 1
    script = (CHECKOUT / "sample_data" / "demo.sh").read_text(encoding="utf-8")
    ran = [" ".join(shlex.split(call)) for call in re.findall(r"^run (.*(?:\n {9}.*)*)", script, re.MULTILINE)]
    shown = [
        " ".join(shlex.split(call))
        for call in re.findall(r"^\$ litmine (.*(?:\n {9}.*)*)", transcript[0], re.MULTILINE)
    ]
    assert shown == ran
    assert "Disease" in transcript[0]

"""Run the commands and queries of README and the tutorial over the sample records, as a reader does."""

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
PAGES = "\n".join((CHECKOUT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/tutorial.md"))
BIN = Path(sys.executable).parent
# Two files of the sample are left out: reading them takes minutes on two cores.
LEFT_OUT = ("medline16n0902.xml.gz", "species800_articles.xml.gz")
# What this test does not have: PubMed, the reader's own files and models, GPUs, a cluster.
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
# A command with one of these words needs a shell.
SHELL = {"|", "<", ">"}


def everyday_commands() -> list[str]:
    """The commands in the console blocks of both pages, each once, without the transcript of the demo."""
    page = re.sub(r"<!-- demo -->.*<!-- /demo -->", "", PAGES, flags=re.DOTALL)
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = [
        line[2:].partition("   #")[0].strip() for block in blocks for line in block.splitlines() if line[:2] == "$ "
    ]
    here = [line for line in lines if line.startswith("litmine ") and not any(word in line for word in ELSEWHERE)]
    return list(dict.fromkeys(here))


def queries() -> list[str]:
    return re.findall(r"^```sql\n(.*?)^```", PAGES, re.MULTILINE | re.DOTALL)


def in_shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"LITMINE_LAKE": str(folder / "lake"), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a reader has it, with half the sample records, after a job ran."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(CHECKOUT / "sample_data", folder / "sample_data", ignore=shutil.ignore_patterns(*LEFT_OUT))
    (folder / "query.sql").write_text("select count(*) as n from entities\n")
    # One question instead of three, to save time.
    (folder / "sample_data" / "questions.jsonl").write_text('{"id": "a", "question": "Which gene is mutated?"}\n')
    (sentence,) = re.findall(r"^\$ echo '(.*)' > sentence.jsonl$", PAGES, re.MULTILINE)
    (folder / "sentence.jsonl").write_text(f"{sentence}\n")
    (job,) = re.findall(r"^```toml\n(.*?)^```", PAGES, re.MULTILINE | re.DOTALL)
    (folder / "month.toml").write_text(job)
    done = in_shell("litmine run sample", folder)
    assert done.returncode == 0, done.stderr
    assert re.search(r"141 texts read, [\d,]+ entities found by builtin@", done.stdout)
    assert len((folder / "diseases.csv").read_text().splitlines()) == 21
    return folder


def test_everyday_commands_run(
    home: Path, run: Callable[..., subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that need a shell get one. The others share a process, because each process imports torch."""
    monkeypatch.chdir(home)
    monkeypatch.setenv("LITMINE_LAKE", str(home / "lake"))
    commands = everyday_commands()
    assert len(commands) > 10
    for command in commands:
        if "--workers" in command or "--precision" in command:
            continue  # tests/runtime compares their results
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


def test_transcript_shows_the_demo() -> None:
    """README's transcript has the commands of sample_data/demo.sh, in order."""
    transcript = re.findall(r"<!-- demo -->\n```console\n(.*?)\n```\n<!-- /demo -->", PAGES, re.DOTALL)
    assert len(transcript) == 1
    script = (CHECKOUT / "sample_data" / "demo.sh").read_text(encoding="utf-8")
    ran = [" ".join(shlex.split(call)) for call in re.findall(r"^run (.*(?:\n {9}.*)*)", script, re.MULTILINE)]
    shown = [
        " ".join(shlex.split(call))
        for call in re.findall(r"^\$ litmine (.*(?:\n {9}.*)*)", transcript[0], re.MULTILINE)
    ]
    assert shown == ran
    assert "Disease" in transcript[0]

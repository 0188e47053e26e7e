"""Run the commands and queries of README and the tutorial with an installed wheel, in an empty folder."""

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from litmine import Lake

CHECKOUT = Path(__file__).parent.parent
PAGES = "\n".join((CHECKOUT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/tutorial.md"))
# Two files of the sample are left out: reading them takes minutes on two cores.
LEFT_OUT = ("medline16n0902.xml.gz", "species800_articles.xml.gz")
# Commands with one of these need PubMed, GPUs, a cluster, or files and models that this test does not have.
NOT_RUNNABLE = (
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
# Runs one command line after another in one process, because importing torch takes seconds.
DRIVER = """
import json, os, sys
from litmine.cli import main

results = os.fdopen(os.dup(1), "w")
for line in sys.stdin:
    sys.argv = ["litmine", *json.loads(line)]
    with open("stdout", "wb", 0) as out, open("stderr", "wb", 0) as err:
        os.dup2(out.fileno(), 1), os.dup2(err.fileno(), 2)
        try:
            main.main()
        except SystemExit as exit_info:
            code = exit_info.code
        sys.stdout.flush(), sys.stderr.flush()
    print(json.dumps([main.__file__, code]), file=results, flush=True)
"""


def everyday_commands() -> list[str]:
    """The commands in the console blocks of both pages, each once, without the transcript of the demo."""
    page = re.sub(r"<!-- demo -->.*<!-- /demo -->", "", PAGES, flags=re.DOTALL)
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = [
        line[2:].partition("   #")[0].strip() for block in blocks for line in block.splitlines() if line[:2] == "$ "
    ]
    runnable = [
        line for line in lines if line.startswith("litmine ") and not any(word in line for word in NOT_RUNNABLE)
    ]
    return list(dict.fromkeys(runnable))


def queries() -> list[str]:
    return re.findall(r"^```sql\n(.*?)^```", PAGES, re.MULTILINE | re.DOTALL)


class InstalledLitmine:
    """litmine as installed from its wheel, and the working folder of a user."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.folder, self.lake, self._site = folder, folder / "lake", site
        path = f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        self.environment = os.environ | {"LITMINE_LAKE": str(self.lake), "PYTHONPATH": path}
        self._process = subprocess.Popen(
            [sys.executable, "-c", DRIVER],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command line in the process that all commands share."""
        requests, results = self._process.stdin, self._process.stdout
        assert requests
        assert results
        print(json.dumps(words), file=requests, flush=True)
        module, code = json.loads(results.readline())
        assert Path(module).is_relative_to(self._site)
        outputs = [(self.folder / name).read_text(encoding="utf-8") for name in ("stdout", "stderr")]
        return subprocess.CompletedProcess(words, code, *outputs)

    def run_in_shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command line, in which `litmine` is the one of the wheel."""
        function = f'litmine() {{ {shlex.quote(sys.executable)} -m litmine "$@"; }}\n{command}'
        return subprocess.run(
            ["/bin/sh", "-c", function],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledLitmine]:
    """The folder of a user after a job, with half the sample records."""
    site, folder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("user")
    zipfile.ZipFile(wheel).extractall(site)
    installed = InstalledLitmine(folder, site)
    assert installed.run("sample").returncode == 0
    for name in LEFT_OUT:
        next((folder / "sample_data").rglob(name)).unlink()
    (folder / "query.sql").write_text("select count(*) as n from entities\n")
    # One question instead of three, to save time.
    (folder / "sample_data" / "questions.jsonl").write_text('{"id": "a", "question": "Which gene is mutated?"}\n')
    (sentence,) = re.findall(r"^\$ echo '(.*)' > sentence.jsonl$", PAGES, re.MULTILINE)
    (folder / "sentence.jsonl").write_text(f"{sentence}\n")
    (job,) = re.findall(r"^```toml\n(.*?)^```", PAGES, re.MULTILINE | re.DOTALL)
    (folder / "month.toml").write_text(job)
    done = installed.run("run", "sample")
    assert done.returncode == 0, done.stderr
    assert re.search(r"148 texts read, [\d,]+ entities, [\d,]+ links found by builtin@", done.stdout)
    assert len((folder / "diseases.csv").read_text().splitlines()) == 21
    yield installed
    installed.close()


def test_everyday_commands_run(home: InstalledLitmine) -> None:
    commands = everyday_commands()
    assert len(commands) > 10
    for command in commands:
        if "--workers" in command or "--precision" in command:
            continue  # tests/runtime compares their results
        words = shlex.split(command)
        done = home.run_in_shell(command) if SHELL.intersection(words) else home.run(*words[1:])
        expected = 3 if "--withdrawn" in command else 0
        assert (done.returncode, "Traceback" in done.stderr) == (expected, False), f"{command}\n{done.stderr}"


@pytest.mark.parametrize("number", range(11))
def test_queries_have_rows(home: InstalledLitmine, number: int) -> None:
    assert len(queries()) == 11
    assert Lake(home.lake).sql(queries()[number]).num_rows > 0


def test_catalogue_opens_in_duckdb(home: InstalledLitmine) -> None:
    with duckdb.connect(str(home.lake / "lake.duckdb"), read_only=True) as catalogue:
        ((count,),) = catalogue.execute("select count(*) from entities").fetchall()
    assert count == Lake(home.lake).rows("select count(*) from entities")[0][0] > 0


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

"""No command tries to reach another machine, except those whose work it is.

The fixture `run` watches for attempts, so that every test that uses it is a test of this too.
"""

import ast
import json
import re
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess

import click
import duckdb
import pytest

from litmine.cli.main import cli
from litmine.explore.server import ExploreServer
from litmine.lake.duckdb_connection import connect_duckdb
from litmine.lake.lake import Lake
from tests.fixtures.network import watch_network
from tests.fixtures.written_concepts import CONCEPTS, add_twenty

Run = Callable[..., CompletedProcess[str]]
# Their work is on the network; with `run`, that of its queries.
ON_THE_NETWORK = {"fetch", "corpora get", "models pull"}
# The commands that need a small model or data of a task, and the tests of that task that run them with `run`.
ELSEWHERE = {
    "evaluate classification": "tasks/classification/test_train_classifier.py",
    "evaluate linking": "tasks/linking/test_linking_commands.py",
    "evaluate qa": "tasks/qa/test_qa_commands.py",
    "evaluate relations": "tasks/relations/test_train_relations.py",
    "evaluate trials": "tasks/trials/test_train_trials.py",
    "train classification": "tasks/classification/test_train_classifier.py",
    "train linking": "tasks/linking/test_linking_commands.py",
    "train mlm": "training/test_pretrain.py",
    "train qa": "tasks/qa/test_qa_commands.py",
    "train relations": "tasks/relations/test_train_relations.py",
    "train trials": "tasks/trials/test_train_trials.py",
}
HERE = (
    *("import", "run", "annotate", "ask", "sql", "export", "status", "report", "discover", "explore", "doctor"),
    *("compact", "schema", "sample", "rehearse", "train ner", "evaluate ner", "evaluate discovery"),
    *("models list", "models show", "models use", "corpora list", "corpora show", "corpora check"),
    *("vocabulary build", "vocabulary list", "vocabulary show", "vocabulary terms", "vocabulary use"),
)


def leaves(command: click.Command, name: str = "") -> Iterator[str]:
    """The names of the commands below a command that are no groups."""
    if not isinstance(command, click.Group):
        yield name
        return
    context = click.Context(command)
    for below in command.list_commands(context):
        found = command.get_command(context, below)
        assert found is not None
        yield from leaves(found, f"{name} {below}".strip())


def commands_in(file: Path) -> set[str]:
    """The first words of each call of `run`, and of each tuple, in a file of tests: `train qa`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Tuple):
            words = node.elts
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "run":
            words = node.args
        else:
            continue
        names = [str(one.value) for one in words[:2] if isinstance(one, ast.Constant)]
        found |= {" ".join(names), *names[:1]}
    return found


def test_every_command_is_run_by_a_test_that_watches() -> None:
    tested = {*HERE, *ELSEWHERE, *ON_THE_NETWORK}
    assert tested == {*leaves(cli)}, "add the new command to a test here or of its task"
    tests = Path(__file__).parent.parent
    for command, file in [*ELSEWHERE.items(), *((command, "cli/test_network.py") for command in HERE)]:
        assert command in commands_in(tests / file), (command, file)


def test_the_watch_sees_attempts() -> None:
    with watch_network() as attempts:
        with suppress(OSError):
            socket.create_connection(("192.0.2.1", 9), 0.01)
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(b"", ("192.0.2.2", 9))
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", 9), 0.01)
    assert {one.split()[1] for one in attempts} == {"192.0.2.1", "192.0.2.2"}


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    """The option of a lake, in a new folder with a home of its own."""
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return ("--lake", tmp_path / "lake")


def done(*rans: CompletedProcess[str]) -> None:
    for ran in rans:
        assert ran.returncode in (0, 3), (ran.args, ran.stderr[-1000:])


def test_a_working_week(run: Run, at: tuple[object, ...], sample_data: Path, tiny_model: Path) -> None:
    Path("job.toml").write_text(
        f'inbox = ["{sample_data / "pubmed" / "odd"}"]\nmodels = []\nterms = ["{sample_data / "watchlist.tsv"}"]\n'
        '[[after]]\ndo = "compact"\n'
    )
    done(
        run("import", sample_data / "pubmed" / "odd", *at),
        run("run", "./job.toml", *at),
        run("annotate", "--model", tiny_model, "--task", "ner", *at),
        run("ask", "Which gene is mutated?", *at),
        run("sql", "from entities", *at),
        run("export", "--format", "jsonl", "-o", "out.jsonl", *at),
        run("status", *at),
        run("report", "-o", "report.html", *at),
        run("models", "use", tiny_model, *at),
        run("doctor", *at),
        run("compact", *at),
        run("rehearse", "--", "fetch", "--query", "cells", *at),
    )


def test_what_needs_no_lake(run: Run, at: tuple[object, ...], sample_data: Path, tiny_model: Path) -> None:
    Path("a.obo").write_text("format-version: 1.2\n\n[Term]\nid: MONDO:0005240\nname: kidney disorder\n")
    Lake.create(Path("lake"))
    done(
        run("schema"),
        run("sample", "sample"),
        run("models", "list"),
        run("models", "show", tiny_model),
        run("corpora", "list"),
        run("corpora", "show", "BioRED"),
        run("corpora", "check", sample_data / "relations" / "challenge.jsonl", "-o", "out.jsonl"),
        run("vocabulary", "build", "--name", "mine", "--mondo", "a.obo"),
        run("vocabulary", "list"),
        run("vocabulary", "show", "mine", "kidney disorder"),
        run("vocabulary", "terms", "C12", "-o", "terms.tsv"),
        run("vocabulary", "use", "mine", *at),
    )


def test_training_and_evaluation(
    run: Run, tmp_path: Path, sample_data: Path, tiny_base: Path, tiny_model: Path
) -> None:
    corpus = sample_data / "ner" / "BC5CDR"
    options = ("-o", tmp_path / "mine", "--epochs", 1, "--batch-tokens", 600)
    done(
        run("train", "ner", "--base", tiny_base, "--corpus", corpus, *options),
        run("evaluate", "ner", "--model", tiny_model, "--data", corpus / "dev.tsv"),
    )


def test_discovery(run: Run, place_lake: Callable[[], Path]) -> None:
    lake = Lake(place_lake())
    add_twenty(lake)
    at = ("--lake", lake.path)
    case = {"start": CONCEPTS["a"][0], "results": [CONCEPTS["c"][0]], "until": 1990}
    cases = lake.path.parent / "cases.jsonl"
    cases.write_text(json.dumps(case))
    done(
        run("discover", "Alpha disease", "--to", "Chemical", "--until", 1988, *at),
        run("discover", "Alpha disease", "Gamma oil", *at),
        run("evaluate", "discovery", "--cases", cases, *at),
    )


def test_a_page_of_the_explorer(run: Run, imported_lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is fetched as soon as the server runs, and then the server stops as with Ctrl-C."""
    pages: list[str] = []
    serve = ExploreServer.run

    def fetch(server: ExploreServer) -> None:
        opener, until = urllib.request.build_opener(urllib.request.ProxyHandler({})), time.monotonic() + 60
        while not pages and time.monotonic() < until:
            with suppress(OSError), opener.open(server.url, timeout=60) as page:
                pages.append(page.read().decode())
        server.stop()

    def run_and_fetch(server: ExploreServer) -> None:
        visitor = threading.Thread(target=fetch, args=(server,))
        visitor.start()
        serve(server)
        visitor.join()

    monkeypatch.setattr(ExploreServer, "run", run_and_fetch)
    done(run("explore", "--port", 0, "--lake", imported_lake))
    assert "litmine" in pages[0]


def test_every_connection_of_duckdb_loads_no_extension(checkout: Path) -> None:
    """DuckDB reaches the network from C++, which the hook does not see."""
    makers = [
        path.name
        for path in (checkout / "litmine").rglob("*.py")
        if re.search(r"duckdb\.connect\(|duckdb\.(sql|query|execute)\(", path.read_text(encoding="utf-8"))
    ]
    assert makers == ["duckdb_connection.py"]
    with connect_duckdb() as connection:
        settings = dict(
            connection.execute(
                "SELECT name, value FROM duckdb_settings() WHERE name LIKE '%extension%' AND value IN ('true', 'false')"
            ).fetchall()
        )
        for name in ("autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions"):
            assert settings[name] == "false"
        with pytest.raises(duckdb.Error, match="httpfs"):
            connection.execute("FROM read_text('https://192.0.2.1/a')").fetchall()

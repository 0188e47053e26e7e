"""No command tries to reach another machine, except those whose work it is."""

import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import duckdb
import pytest

from litmine.cli.main import cli
from litmine.lake.duckdb_connection import connect_duckdb

Run = Callable[..., CompletedProcess[str]]
# Their work is on the network; with `run`, that of its queries.
ON_THE_NETWORK = {"fetch"}
# It waits for requests; the tests of the explorer run it.
SERVES = {"explore"}
_EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
_HERE = ("127.0.0.1", "::1", "localhost", "", None)
# What the audit hook writes down, while a test records. A hook cannot be removed.
_recorded: list[str] = []
_recording: list[bool] = []


def _record(event: str, arguments: tuple[Any, ...]) -> None:
    if not _recording or event not in _EVENTS:
        return
    address = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
    # A path names a socket of this machine.
    host = address[0] if isinstance(address, tuple) else address if event.startswith("socket.get") else None
    if host not in _HERE:
        _recorded.append(f"{event} {host}")


@pytest.fixture
def attempts() -> Iterator[list[str]]:
    """The attempts of this process to reach another machine."""
    sys.addaudithook(_record)
    _recorded.clear()
    _recording.append(True)
    yield _recorded
    _recording.clear()


def test_no_command_reaches_the_network(
    run: Run,
    attempts: list[str],
    tmp_path: Path,
    sample_data: Path,
    tiny_model: Path,
    tiny_base: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lake = tmp_path / "lake"
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with suppress(OSError):
        socket.create_connection(("192.0.2.1", 9), 0.01)
    assert attempts != []
    attempts.clear()
    (tmp_path / "job.toml").write_text(
        f'inbox = ["{sample_data / "pubmed" / "odd"}"]\nmodels = []\nterms = ["{sample_data / "watchlist.tsv"}"]\n'
        '[[after]]\ndo = "compact"\n'
    )
    at = ("--lake", lake)
    corpus = sample_data / "ner" / "BC5CDR"
    commands: list[tuple[object, ...]] = [
        ("import", sample_data / "pubmed" / "odd", *at),
        ("run", tmp_path / "job.toml", *at),
        ("annotate", "--model", tiny_model, "--task", "ner", *at),
        ("ask", "Which gene is mutated?", *at),
        ("sql", "from entities", *at),
        ("export", "--format", "jsonl", "-o", tmp_path / "out.jsonl", *at),
        ("status", *at),
        ("report", "-o", tmp_path / "report.html", *at),
        ("discover", "--show-rules"),
        ("doctor", *at),
        ("compact", *at),
        ("models", "list"),
        ("vocabulary", "list"),
        ("corpora", "list"),
        (
            *("train", "ner", "--base", tiny_base, "--corpus", corpus, "-o", tmp_path / "mine", "--name", "mine"),
            *("--epochs", 1, "--batch-tokens", 600, "--seed", 3),
        ),
        ("evaluate", "ner", "--model", tiny_model, "--data", corpus / "dev.tsv"),
        ("schema",),
        ("sample", tmp_path / "sample"),
        ("rehearse", "--", "fetch", "--query", "cells", *at),
    ]
    assert {str(words[0]) for words in commands} | ON_THE_NETWORK | SERVES == set(cli.commands)
    for words in commands:
        ran = run(*words)
        assert ran.returncode in (0, 3), (words, ran.stderr[-1000:])
        assert attempts == [], words


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

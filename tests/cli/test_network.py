"""No command tries to reach another machine, except those whose work it is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from litmine.cli.main import cli
from litmine.lake.duckdb_connection import connect_duckdb

# Their work is on the network; with `run`, that of its queries.
ON_THE_NETWORK = {"fetch"}


def test_no_command_reaches_the_network(tmp_path: Path, sample_data: Path, tiny_model: Path, tiny_base: Path) -> None:
    log, lake = tmp_path / "network.txt", tmp_path / "lake"
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
    assert {str(words[0]) for words in commands} | ON_THE_NETWORK == set(cli.commands)
    hook = Path(__file__).parent.parent / "network_hook"
    environment = {
        **os.environ,
        "PYTHONPATH": f"{hook}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "LITMINE_TEST_NETWORK": str(log),
        "LITMINE_HOME": str(tmp_path / "home"),
    }
    # The hook sees an attempt.
    attempt = "import socket\ntry: socket.create_connection(('192.0.2.1', 9), 0.01)\nexcept OSError: 0"
    subprocess.run([sys.executable, "-c", attempt], env=environment, check=True)
    assert "192.0.2.1" in log.read_text(encoding="utf-8")
    log.unlink()
    for words in commands:
        ran = subprocess.run(
            [sys.executable, "-m", "litmine", *map(str, words)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode in (0, 3), (words, ran.stderr[-1000:])
        assert not log.exists(), (words, log.read_text(encoding="utf-8"))


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

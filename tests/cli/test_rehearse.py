"""The command `rehearse`: running a command against the fake server, its summary, and serving until Ctrl-C."""

import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from litmine.errors import DONE, FAILED, NEW_GAPS

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]
USAGE = 2


def test_a_fetch_against_the_fake_server_lists_withdrawn_records(
    run: Run, tmp_path: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCBI_API_KEY", "a-real-one")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    odd, lake = sample_data / "pubmed" / "odd", tmp_path / "lake"
    options = ("--records", odd, "--up-to", 60, "--withdrawn", 2)
    ran = run("rehearse", *options, "--", "fetch", "--query", "all[sb]", "--lake", lake)
    assert ran.returncode == NEW_GAPS, ran.stderr
    assert "60 records, 52 of them renumbered copies; none is PubMed's current data\n" in ran.stderr
    assert " efetch, 1 esearch): " in ran.stderr
    assert "with an API key" not in ran.stderr
    assert "injected" not in ran.stderr
    assert "\n58 records sent, 2 PMIDs requested more than once\n" in ran.stderr
    counted = run("sql", "select count(*) as n from articles", "--lake", lake, "--format", "csv")
    assert counted.stdout == "n\n58\n"


def test_a_fetch_with_a_made_up_key_fails_if_every_request_fails(run: Run, tmp_path: Path, sample_data: Path) -> None:
    odd, lake = sample_data / "pubmed" / "odd", tmp_path / "lake"
    options = ("--records", odd, "--key", "made-up", "--faults", 1)
    ran = run("rehearse", *options, "fetch", "--query", "all[sb]", "--lake", lake, "--patience", 1)
    assert ran.returncode == FAILED, ran.stderr
    assert "made-up" not in ran.stderr
    assert " with an API key" in ran.stderr
    assert " injected\n0 records sent\n" in ran.stderr


def test_the_exit_code_and_stdout_are_the_commands(run: Run, sample_data: Path) -> None:
    odd = sample_data / "pubmed" / "odd"
    assert run("rehearse", "--records", odd, "--", "schema").stdout == run("schema").stdout != ""
    ran = run("rehearse", "--records", odd, "--", "no-such-command")
    assert ran.returncode == USAGE
    assert "no-such-command" in ran.stderr
    assert "the server received no requests\n" in ran.stderr


def test_without_a_command_it_serves_until_ctrl_c(start: Start) -> None:
    process = start("rehearse")
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    with urllib.request.urlopen(f"{url}esearch.fcgi?db=pubmed&term=all[sb]", timeout=60) as answer:
        assert b"<Count>298</Count>" in answer.read()
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == DONE
    assert message.startswith("298 records; none is PubMed's current data\n")
    assert "1 request (1 esearch): 1 in the busiest second\n0 records sent\n" in message


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--records", "{tmp}/nowhere"), "nowhere does not exist; check the path"),
        (("--records", "{tmp}"), "no PubmedArticle in"),
        (("--withdrawn", "2000"), "--withdrawn 2,000 is more than the 298 records; lower it, or raise --up-to"),
    ],
)
def test_bad_options_are_refused(run: Run, tmp_path: Path, options: tuple[str, ...], sentence: str) -> None:
    ran = run("rehearse", *(option.format(tmp=tmp_path) for option in options))
    assert (ran.returncode, ran.stdout) == (FAILED, "")
    (line,) = ran.stderr.splitlines()
    assert sentence in line

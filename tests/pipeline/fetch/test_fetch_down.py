"""When PubMed is not there at all: one sentence, exit 1, within the patience that was asked for."""

import socket
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import FAILED
from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.faults import FaultInjector
from litmine.fake_pubmed.server import serve
from litmine.lake.lake import Lake

Fetch = Callable[..., CompletedProcess[str]]

ALL = ("--query", "all[sb]")


def one_sentence(done: CompletedProcess[str]) -> str:
    """The sentence that ends the run, after lines that say why it waits."""
    assert (done.returncode, done.stdout) == (FAILED, "")
    *waits, last = done.stderr.splitlines()
    assert all(line.startswith("PubMed: ") for line in waits), done.stderr
    assert last.startswith("litmine: ")
    assert "check the network or LITMINE_EUTILS_URL, and run the command again" in last
    return last


def test_no_server(fetch: Fetch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        assert "127.0.0.1" in one_sentence(fetch(url, *ALL, "--patience", 2))


def test_no_such_name(fetch: Fetch) -> None:
    assert "eutils.invalid" in one_sentence(fetch("https://eutils.invalid/", *ALL, "--patience", 2))


@pytest.mark.parametrize("kind", ["html", "503", "reset", "backend", "429"])
def test_the_same_failure_for_ever(fetch: Fetch, small_archive: RecordArchive, lake: Path, kind: str) -> None:
    with serve(small_archive, FaultInjector(always=kind)) as server:
        one_sentence(fetch(server, *ALL, "--patience", 2))
    assert Lake(lake).rows("select command, outcome from runs") == [("fetch", "failed")]


def test_records_fail_for_ever(fetch: Fetch, small_archive: RecordArchive, lake: Path) -> None:
    """Searches work and no record comes: that is PubMed's fault, not that of 300 records."""
    with serve(small_archive, FaultInjector(always="html", on=("efetch",))) as server:
        one_sentence(fetch(server, *ALL, "--patience", 4))
    assert Lake(lake).rows("select outcome, len(gaps) from runs") == [("failed", 0)]


def test_it_goes_away_in_the_middle(fetch: Fetch, short_records: Path, lake: Path) -> None:
    """What came until then is in the lake, and the next run asks for the rest alone."""
    archive = RecordArchive([short_records], 3_000)
    faults = FaultInjector(script=dict.fromkeys(range(3, 200), "503"))
    with serve(archive, faults) as server:
        one_sentence(fetch(server, *ALL, "--patience", 2))
        had = server.log.records_sent()
        assert Lake(lake).rows("select count(*) from articles") == [(had,)]
        assert had > 0
        faults.script = {}
        assert fetch(server, *ALL).returncode == 0
        assert server.log.records_sent() == len(archive)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"LITMINE_EUTILS_URL": "ftp://example.org/"}, "LITMINE_EUTILS_URL"),
        ({"NCBI_API_KEY": "has blanks in it"}, "NCBI_API_KEY"),
        ({"LITMINE_EUTILS_URL": "http://example.org/"}, "NCBI_API_KEY"),
        ({"NCBI_EMAIL": "nobody"}, "NCBI_EMAIL"),
    ],
)
def test_settings_that_make_no_sense(fetch: Fetch, environment: dict[str, str], said: str) -> None:
    done = fetch("http://127.0.0.1:9/", *ALL, **environment)
    assert done.returncode == FAILED
    (line,) = done.stderr.splitlines()
    assert said in line
    assert "blanks in it" not in line

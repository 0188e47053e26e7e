"""When PubMed does not answer, `fetch` ends with one sentence and exit code 1, within --patience."""

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


@pytest.fixture
def lake(place_lake: Callable[[], Path]) -> Path:
    """An empty lake, because making one takes longer than most of these fetches."""
    return place_lake()


def one_sentence(done: CompletedProcess[str]) -> str:
    """The last line, after lines with the reasons for waiting; also checks the exit code."""
    assert (done.returncode, done.stdout) == (FAILED, "")
    *waits, last = done.stderr.splitlines()
    assert all(line.startswith("PubMed: ") for line in waits), done.stderr
    assert last.startswith("litmine: ")
    assert "check the network or LITMINE_EUTILS_URL, and run the command again" in last
    return last


def test_no_server(fetch: Fetch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening, so that connections are refused
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        assert "127.0.0.1" in one_sentence(fetch(url, *ALL, "--patience", 2))


def test_an_unknown_host(fetch: Fetch) -> None:
    assert "eutils.invalid" in one_sentence(fetch("https://eutils.invalid/", *ALL, "--patience", 2))


@pytest.mark.parametrize("kind", ["html", "503", "reset", "backend", "429"])
def test_a_permanent_failure(fetch: Fetch, small_archive: RecordArchive, lake: Path, kind: str) -> None:
    with serve(small_archive, FaultInjector(always=kind)) as server:
        one_sentence(fetch(server, *ALL, "--patience", 2))
    assert Lake(lake).rows("select command, outcome from runs") == [("fetch", "failed")]


def test_a_permanent_failure_of_efetch(fetch: Fetch, small_archive: RecordArchive, lake: Path) -> None:
    """Searches work but no record arrives: PubMed is at fault, not the 300 records."""
    with serve(small_archive, FaultInjector(always="html", utilities=("efetch",))) as server:
        one_sentence(fetch(server, *ALL, "--patience", 4))
    assert Lake(lake).rows("select outcome, len(gaps) from runs") == [("failed", 0)]


def test_pubmed_fails_in_the_middle(fetch: Fetch, short_records: Path, lake: Path) -> None:
    """Records fetched until then are in the lake, and the next run requests only the rest."""
    archive = RecordArchive([short_records], 3_000)
    faults = FaultInjector(script=dict.fromkeys(range(3, 200), "503"))
    with serve(archive, faults) as server:
        one_sentence(fetch(server, *ALL, "--patience", 2))
        fetched = server.log.records_sent()
        assert Lake(lake).rows("select count(*) from articles") == [(fetched,)]
        assert fetched > 0
        faults.script = {}
        assert fetch(server, *ALL).returncode == 0
        assert server.log.records_sent() == len(archive)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"LITMINE_EUTILS_URL": "ftp://example.org/"}, "LITMINE_EUTILS_URL"),
        ({"NCBI_API_KEY": "has blanks in it"}, "NCBI_API_KEY"),
        ({"LITMINE_EUTILS_URL": "http://example.org/"}, "NCBI_API_KEY"),
        ({"NCBI_EMAIL": "nobody"}, "NCBI_EMAIL"),
    ],
)
def test_invalid_settings(fetch: Fetch, environment: dict[str, str], name: str) -> None:
    done = fetch("http://127.0.0.1:9/", *ALL, **environment)
    assert done.returncode == FAILED
    (line,) = done.stderr.splitlines()
    assert name in line
    assert "blanks in it" not in line

"""Archives to fetch from, and `litmine fetch` against a server of one."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.fake_pubmed.archive import RecordArchive, eastern_today
from litmine.fake_pubmed.originals import read_originals
from litmine.fake_pubmed.server import FakePubmedServer

# Records are dated up to a month ago: what a test adds and revises lies apart from them.
LAST = eastern_today() - timedelta(days=30)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Where a lake will be."""
    return tmp_path / "lake"


@pytest.fixture(autouse=True)
def alone(temporary: Path) -> Path:
    """No other run's limiter is met."""
    return temporary


@pytest.fixture(scope="session")
def short_records(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shortest of the real records: it matters here how many there are, and reading them takes the time."""
    found = read_originals(sorted((sample_data / "pubmed").glob("pubmedsample*.xml.gz")))
    shortest = sorted((original.xml() for original in found), key=len)[:20]
    file = tmp_path_factory.mktemp("records") / "short.xml"
    file.write_bytes(b"<PubmedArticleSet>%b</PubmedArticleSet>" % b"".join(shortest))
    return file


@pytest.fixture
def small_archive(short_records: Path) -> RecordArchive:
    """300 records."""
    return RecordArchive([short_records], 300, last=LAST)


@pytest.fixture
def big_archive(short_records: Path) -> Callable[[int], RecordArchive]:
    """`big_archive(records)`: 12,000 of them created on one day, more than PubMed names at once."""
    return lambda records: RecordArchive(
        [short_records], records, last=LAST, busy={eastern_today() - timedelta(days=200): 12_000}
    )


@pytest.fixture
def key() -> str:
    """A key: ten requests a second."""
    return "0123456789abcdef0123456789abcdef0123"


@pytest.fixture
def fetch(
    run: Callable[..., CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch, lake: Path, key: str
) -> Callable[..., CompletedProcess[str]]:
    """`fetch(server, "--query", "x", NCBI_API_KEY="")`: the command line against that server, into `lake`."""

    def run_fetch(
        server: FakePubmedServer | str, *arguments: object, stdin: bytes = b"", **environment: str
    ) -> CompletedProcess[str]:
        url = server if isinstance(server, str) else server.url
        with monkeypatch.context() as patch:
            patch.setenv("LITMINE_EUTILS_URL", url)
            patch.setenv("NCBI_EMAIL", "someone@example.org")
            patch.setenv("NCBI_API_KEY", key)
            for name, value in environment.items():
                patch.setenv(name, value)
            return run("fetch", "--lake", lake, *arguments, stdin=stdin)

    return run_fetch


@pytest.fixture
def environment(key: str) -> Callable[[FakePubmedServer], dict[str, str]]:
    """What a process of its own needs to fetch from a server."""
    return lambda server: {"LITMINE_EUTILS_URL": server.url, "NCBI_EMAIL": "someone@example.org", "NCBI_API_KEY": key}

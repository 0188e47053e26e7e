"""Archives to fetch from, and `litmine fetch` with the fake server."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.fake_pubmed.archive import RecordArchive, eastern_today
from litmine.fake_pubmed.originals import read_originals
from litmine.fake_pubmed.server import FakePubmedServer

# Records are at least a month old, so that their dates differ from those of added and revised records.
LAST = eastern_today() - timedelta(days=30)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """The path of a lake that does not exist yet."""
    return tmp_path / "lake"


@pytest.fixture(autouse=True)
def own_rate_limiter(temp_folder: Path) -> Path:
    """Keep the rate limiter's file separate from other tests and runs."""
    return temp_folder


@pytest.fixture(scope="session")
def short_records(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the 20 shortest sample records: only the number of records matters, and parsing takes the time."""
    originals = read_originals(sorted((sample_data / "pubmed").glob("pubmedsample*.xml.gz")))
    shortest = sorted((original.xml() for original in originals), key=len)[:20]
    file = tmp_path_factory.mktemp("records") / "short.xml"
    file.write_bytes(b"<PubmedArticleSet>%b</PubmedArticleSet>" % b"".join(shortest))
    return file


@pytest.fixture
def small_archive(short_records: Path) -> RecordArchive:
    """300 records."""
    return RecordArchive([short_records], 300, last=LAST)


@pytest.fixture
def big_archive(short_records: Path) -> Callable[[int], RecordArchive]:
    """`big_archive(records)`: 12,000 of them created on one day, more than PubMed lists at once."""
    return lambda records: RecordArchive(
        [short_records], records, last=LAST, busy_days={eastern_today() - timedelta(days=200): 12_000}
    )


@pytest.fixture
def key() -> str:
    """An API key, with which ten requests per second are allowed."""
    return "0123456789abcdef0123456789abcdef0123"


@pytest.fixture
def fetch(
    run: Callable[..., CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch, lake: Path, key: str
) -> Callable[..., CompletedProcess[str]]:
    """`fetch(server, "--query", "x", NCBI_API_KEY="")`: run the command with that server, into `lake`."""

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
    """The environment variables for a process that fetches from a server."""
    return lambda server: {"LITMINE_EUTILS_URL": server.url, "NCBI_EMAIL": "someone@example.org", "NCBI_API_KEY": key}

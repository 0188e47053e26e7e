"""Archives of sample records, and Biopython with its requests sent to the fake server."""

import urllib.request
from collections.abc import Callable
from datetime import date
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.server import FakePubmedServer

LAST = date(2026, 6, 30)
BUSY = date(2026, 3, 2)


@pytest.fixture(scope="session")
def records(sample_data: Path) -> Path:
    """A few real records, some of them unusual."""
    return sample_data / "pubmed" / "odd"


@pytest.fixture(scope="session")
def large(sample_data: Path) -> RecordArchive:
    """13,000 records, 11,000 of them from one day; tests must not change them."""
    return RecordArchive([sample_data / "pubmed"], 13_000, last=LAST, busy_days={BUSY: 11_000})


@pytest.fixture
def small(records: Path) -> RecordArchive:
    """50 records, which tests may change."""
    return RecordArchive([records], 50, last=LAST)


@pytest.fixture(scope="session")
def ask() -> Callable[..., tuple[int, dict[str, str], bytes]]:
    """`ask(server, "esearch", "GET", db="pubmed", term="cells")`: status, headers and body of one request."""

    def ask_server(
        server: FakePubmedServer, utility: str, method: str = "GET", timeout: float = 60, **parameters: object
    ) -> tuple[int, dict[str, str], bytes]:
        base, query = urlsplit(server.url), urlencode(parameters)
        connection = HTTPConnection(base.netloc, timeout=timeout)
        try:
            path = f"{base.path}{utility}.fcgi"
            if method == "POST":
                connection.request("POST", path, query)
            else:
                connection.request("GET", f"{path}?{query}")
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    return ask_server


@pytest.fixture
def entrez(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakePubmedServer], ModuleType]:
    """`entrez(server)`: Biopython's Entrez module, unchanged except that its requests go to the server."""
    from Bio import Entrez

    def redirect_entrez(server: FakePubmedServer) -> ModuleType:
        def urlopen(request: urllib.request.Request) -> Any:
            request.full_url = server.url + request.full_url.removeprefix(
                "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
            )
            return urllib.request.urlopen(request, timeout=60)

        monkeypatch.setattr(Entrez, "urlopen", urlopen)
        monkeypatch.setattr(Entrez, "email", "someone@example.org")
        monkeypatch.setattr(Entrez, "api_key", "made-up")
        return Entrez

    return redirect_entrez

"""Archives of the sample records, and Biopython pointed at a server of ours."""

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
    """A few real records, odd ones among them."""
    return sample_data / "pubmed" / "odd"


@pytest.fixture(scope="session")
def large(sample_data: Path) -> RecordArchive:
    """13,000 records, of which 11,000 of one day. To be served, not changed."""
    return RecordArchive([sample_data / "pubmed"], 13_000, last=LAST, busy={BUSY: 11_000})


@pytest.fixture
def small(records: Path) -> RecordArchive:
    """50 records, to be changed at will."""
    return RecordArchive([records], 50, last=LAST)


@pytest.fixture(scope="session")
def ask() -> Callable[..., tuple[int, dict[str, str], bytes]]:
    """`ask(server, "esearch", "GET", db="pubmed", term="cells")`: status, headers and body, on a bare connection."""

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
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    return ask_server


@pytest.fixture
def entrez(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakePubmedServer], ModuleType]:
    """`entrez(server)`: Biopython's module, its requests going to the server and nothing else about it changed."""
    from Bio import Entrez

    def pointed(server: FakePubmedServer) -> ModuleType:
        def urlopen(request: urllib.request.Request) -> Any:
            request.full_url = server.url + request.full_url.removeprefix(
                "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
            )
            return urllib.request.urlopen(request, timeout=60)

        monkeypatch.setattr(Entrez, "urlopen", urlopen)
        monkeypatch.setattr(Entrez, "email", "someone@example.org")
        monkeypatch.setattr(Entrez, "api_key", "made-up")
        return Entrez

    return pointed

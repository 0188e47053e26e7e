"""Job files, and a small PubMed to fetch from."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from litmine.fake_pubmed.archive import RecordArchive, eastern_today
from litmine.fake_pubmed.server import FakePubmedServer


@pytest.fixture
def key() -> str:
    """An API key, which allows ten requests a second."""
    return "0123456789abcdef0123456789abcdef0123"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, temp_folder: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    """The folder that a job runs in, with its lake and its own request limiter."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LITMINE_LAKE", "lake")
    monkeypatch.setenv("NCBI_EMAIL", "someone@example.org")
    monkeypatch.setenv("NCBI_API_KEY", key)
    monkeypatch.setenv("LITMINE_EUTILS_URL", "http://127.0.0.1:1/")
    return folder


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakePubmedServer], None]:
    """`at(server)` makes the server the PubMed of the next commands."""
    return lambda server: monkeypatch.setenv("LITMINE_EUTILS_URL", server.url)


@pytest.fixture
def archive(sample_data: Path) -> RecordArchive:
    """60 records, the last created three months ago."""
    source = sample_data / "pubmed" / "species800_articles.xml.gz"
    return RecordArchive([source], 60, last=eastern_today() - timedelta(days=90))


@pytest.fixture
def write_job(home: Path) -> Callable[..., Path]:
    """`write_job("mine", "about = 'x'", queries=["cells"], models=[])` writes a job file; values are JSON."""

    def write(name: str, *lines: str, **values: object) -> Path:
        file = home / f"{name}.toml"
        settings = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        file.write_text("\n".join([*settings, *lines]), encoding="utf-8")
        return file

    return write

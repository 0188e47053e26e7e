"""Jobs in files, a small PubMed to fetch from, and the command `run`."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from litmine.fake_pubmed.archive import RecordArchive, eastern_today
from litmine.fake_pubmed.server import FakePubmedServer


@pytest.fixture
def key() -> str:
    """A key: ten requests a second."""
    return "0123456789abcdef0123456789abcdef0123"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, temporary: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    """The folder that a job is run in, with its lake, and a limiter of requests that nobody else has."""
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
    """Whose PubMed is asked from now on."""
    return lambda server: monkeypatch.setenv("LITMINE_EUTILS_URL", server.url)


@pytest.fixture
def archive(sample_data: Path) -> RecordArchive:
    """60 records, the last created three months ago."""
    source = sample_data / "pubmed" / "species800_articles.xml.gz"
    return RecordArchive([source], 60, last=eastern_today() - timedelta(days=90))


@pytest.fixture
def write_job(home: Path) -> Callable[..., Path]:
    """`write_job("mine", "about = 'x'", queries=["cells"], models=[])`: a file of a job; what it takes is JSON too."""

    def write(name: str, *lines: str, **values: object) -> Path:
        file = home / f"{name}.toml"
        said = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        file.write_text("\n".join([*said, *lines]), encoding="utf-8")
        return file

    return write

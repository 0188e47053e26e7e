"""Records in an answer that nobody requested are reported and not written, also after an interruption."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from litmine.errors import DONE, NEW_GAPS, SourceError
from litmine.lake.download_journal import open_journal
from litmine.lake.lake import Lake
from litmine.sources.entrez.client import EutilsClient
from litmine.sources.entrez.eutils_settings import EutilsSettings

Run = Callable[..., CompletedProcess[str]]
_ARTICLE = (
    b"<PubmedArticle><MedlineCitation><PMID>%d</PMID><Article><ArticleTitle>T</ArticleTitle></Article>"
    b"</MedlineCitation></PubmedArticle>"
)


def _set(*pmids: int, more: bytes = b"") -> bytes:
    return b"<PubmedArticleSet>" + b"".join(_ARTICLE % pmid for pmid in pmids) + more + b"</PubmedArticleSet>"


def _pmids(lake: Path) -> list[int]:
    return [pmid for (pmid,) in Lake(lake).rows("select pmid from articles order by 1")]


def test_they_are_reported_and_not_written(
    scripted: Any, response: Any, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temp_folder: Path
) -> None:
    assert temp_folder
    monkeypatch.setenv("LITMINE_EUTILS_URL", scripted.url)
    deletion = b"<DeleteCitation><PMID>9</PMID></DeleteCitation>"
    scripted.respond(response(_set(5, 6, 77, more=deletion)))
    (tmp_path / "pmids.txt").write_text("5\n6\n")
    ran = run("fetch", "--pmids", tmp_path / "pmids.txt", "--lake", tmp_path / "lake")
    assert ran.returncode == NEW_GAPS
    for pmid in (9, 77):
        assert f"PMID {pmid}: PubMed sent its record without a request for it" in ran.stderr
    assert _pmids(tmp_path / "lake") == [5, 6]
    ran = run("fetch", "--pmids", tmp_path / "pmids.txt", "--refresh", "--lake", tmp_path / "lake")
    assert ran.returncode == DONE
    assert "reported before" in ran.stderr


def test_an_interrupted_fetch_does_not_write_them_later(
    scripted: Any, response: Any, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temp_folder: Path
) -> None:
    assert temp_folder
    lake = Lake.create(tmp_path / "lake")
    with open_journal(lake.location, "0123456789abcdef") as journal:
        journal.save_response(_set(5, 77), datetime(2026, 1, 1, tzinfo=UTC), {77})
    monkeypatch.setenv("LITMINE_EUTILS_URL", scripted.url)
    scripted.respond(response(_set(6)))
    (tmp_path / "pmids.txt").write_text("6\n")
    assert run("fetch", "--pmids", tmp_path / "pmids.txt", "--lake", tmp_path / "lake").returncode == DONE
    assert _pmids(tmp_path / "lake") == [5, 6]
    assert list((tmp_path / "lake" / ".spool").iterdir()) == []


def test_an_answer_that_drips_is_given_up_in_time(scripted: Any, temp_folder: Path) -> None:
    assert temp_folder

    def drip(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n<PubmedArticleSet>")
        while not handler.server.stopping.wait(0.05):
            handler.wfile.write(b" ")

    scripted.respond(drip)
    client = EutilsClient(EutilsSettings(scripted.url, patience=1.0, read_seconds=0.5))
    began = time.monotonic()
    with pytest.raises(SourceError, match="took too long"):
        client.fetch([5])
    # Patience and one timeout; the rest is for a busy machine.
    assert time.monotonic() - began < 1.0 + 0.5 + 5.0

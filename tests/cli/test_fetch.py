"""Arguments that `fetch` refuses before its first request."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import FAILED

Run = Callable[..., CompletedProcess[str]]
WRONG_USAGE = 2
QUERY = ("--query", "penicillin")


@pytest.fixture(autouse=True)
def unreachable_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests would fail, and slowly; the tests expect none."""
    monkeypatch.setenv("LITMINE_EUTILS_URL", "http://127.0.0.1:9/")
    monkeypatch.delenv("NCBI_API_KEY", raising=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Give either --query TEXT or --pmids FILE"),
        ((*QUERY, "--pmids", "-"), "Give either --query TEXT or --pmids FILE"),
        (("--query", " \t "), "--query is empty"),
        (("--pmids", "-", "--since", "last"), "--since needs --query"),
        ((*QUERY, "--since", "yesterday"), "'yesterday' must be a date such as 2026-11-01, or 'last'"),
        ((*QUERY, "--since", "2026-02-30"), "'2026-02-30' must be a date"),
        ((*QUERY, "--since", str((datetime.now(UTC) + timedelta(days=2)).date())), "is in the future"),
        ((*QUERY, "--max", "0"), "0 is not in the range"),
        ((*QUERY, "--patience", "0"), "0.0 is not in the range"),
    ],
)
def test_bad_options_are_wrong_usage(run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run("fetch", "--lake", tmp_path / "lake", *arguments, stdin=b"1\n")
    assert done.returncode == WRONG_USAGE
    assert message in done.stderr
    assert not (tmp_path / "lake").exists()


def test_a_query_with_a_control_character_is_not_sent(run: Run, tmp_path: Path) -> None:
    done = run("fetch", "--lake", tmp_path / "lake", "--query", "aspirin \x1b[2J")
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert done.stderr == "litmine: the query has the control character U+001B; remove it\n"
    assert not (tmp_path / "lake").exists()


def test_a_file_without_a_pmid_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("PMID\nPMC1234\n\n")
    done = run("fetch", "--lake", tmp_path / "lake", "--pmids", tmp_path / "list.txt")
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert done.stderr == f"litmine: {tmp_path / 'list.txt'} has no PMID; put one on each line\n"


def test_a_missing_file_of_pmids_is_refused(run: Run, tmp_path: Path) -> None:
    done = run("fetch", "--lake", tmp_path / "lake", "--pmids", tmp_path / "list.txt")
    assert done.returncode == FAILED
    assert (
        done.stderr == f"litmine: {tmp_path / 'list.txt'} cannot be read (No such file or directory); check the path\n"
    )


def test_a_binary_file_of_pmids_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(bytes(range(128, 256)))
    done = run("fetch", "--lake", tmp_path / "lake", "--pmids", tmp_path / "list.txt")
    assert (done.returncode, len(done.stderr.splitlines())) == (FAILED, 1)


def test_a_missing_folder_for_the_gaps_is_refused(run: Run, tmp_path: Path) -> None:
    done = run("fetch", "--lake", tmp_path / "lake", *QUERY, "--gaps", tmp_path / "no" / "gaps.csv")
    assert done.returncode == FAILED
    assert f"the folder of --gaps, {tmp_path / 'no'}, does not exist" in done.stderr


def test_a_folder_that_is_not_a_lake_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").touch()
    done = run("fetch", "--lake", tmp_path, *QUERY)
    assert done.returncode == FAILED
    assert "is not empty and not a litmine lake" in done.stderr.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_missing_email_address_has_a_note(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NCBI_EMAIL", raising=False)
    done = run("fetch", "--lake", tmp_path / "lake", *QUERY, "--patience", "1")
    assert done.returncode == FAILED
    assert done.stderr.splitlines()[0] == "Set NCBI_EMAIL: NCBI asks callers for an e-mail address."

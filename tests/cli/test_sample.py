"""The command `sample` copies the sample data and never overwrites files."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import DONE, FAILED

Run = Callable[..., CompletedProcess[str]]


def test_the_sample_data_is_copied_once_and_never_overwritten(
    run: Run, sample_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("sample")
    assert (ran.returncode, ran.stdout, ran.stderr) == (DONE, "", "the sample data is in sample_data\n")
    copied = {path.relative_to("sample_data") for path in Path("sample_data").rglob("*") if path.is_file()}
    shipped = {path.relative_to(sample_data) for path in sample_data.rglob("*") if path.is_file()}
    assert {path.suffix for path in shipped - copied} <= {".py", ".sh", ".pyc"}
    assert Path("README.md") in copied
    assert copied <= shipped

    Path("sample_data/mine.txt").write_text("notes")
    again = run("sample")
    assert (again.returncode, again.stderr) == (FAILED, "litmine: sample_data is not empty; choose another folder\n")
    assert Path("sample_data/mine.txt").read_text() == "notes"


def test_a_file_as_the_folder_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = run("sample", tmp_path / "file")
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr

"""The nightly job: a gap or a lock in one step does not keep the other from running, and the worst code is kept."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from litmine.errors import DONE, FAILED, INTERRUPTED, LOCKED, NEW_GAPS

JOB = Path(__file__).parent.parent.parent / "jobs" / "nightly.sh"
PUBMED = JOB.parent.parent / "sample_data" / "pubmed"


def night(folder: Path, *arguments: str, bin_folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "LITMINE_LAKE": "lake"}
    job = ["sh", str(JOB), *arguments]
    return subprocess.run(job, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("imported", "annotated", "left"),
    [
        (DONE, DONE, DONE),
        (NEW_GAPS, DONE, NEW_GAPS),
        (DONE, NEW_GAPS, NEW_GAPS),
        (LOCKED, DONE, LOCKED),
        (LOCKED, NEW_GAPS, LOCKED),
        (FAILED, NEW_GAPS, FAILED),
        (NEW_GAPS, LOCKED, LOCKED),
        (DONE, FAILED, FAILED),
        (DONE, 137, 137),
    ],
)
def test_worst_code_of_both_steps(tmp_path: Path, imported: int, annotated: int, left: int) -> None:
    ran = _night_with_codes(tmp_path, imported, annotated)
    assert ran.returncode == left
    assert ran.stdout.split("\n") == ["import inbox", "annotate", ""]
    assert f"litmine import: exit {imported}" in ran.stderr
    assert f"litmine annotate: exit {annotated}" in ran.stderr


def test_an_interrupt_ends_the_night(tmp_path: Path) -> None:
    ran = _night_with_codes(tmp_path, INTERRUPTED, DONE)
    assert (ran.returncode, ran.stdout) == (INTERRUPTED, "import inbox\n")


def _night_with_codes(folder: Path, imported: int, annotated: int) -> subprocess.CompletedProcess[str]:
    """A night whose `litmine` says what it was asked and leaves with the code given for that step."""
    (folder / "inbox").mkdir()
    program = folder / "litmine"
    program.write_text(f'#!/bin/sh\necho "$@"\ncase $1 in import) exit {imported} ;; *) exit {annotated} ;; esac\n')
    program.chmod(0o755)
    return night(folder, bin_folder=folder)


def test_a_night_over_a_broken_file_annotates_the_good_ones(tmp_path: Path) -> None:
    inbox = tmp_path / "new files"
    inbox.mkdir()
    whole = gzip.compress((PUBMED / "odd" / "biopython_pubmed4.xml").read_bytes(), mtime=0)
    (inbox / "good.xml.gz").write_bytes(whole)
    (inbox / "broken.xml.gz").write_bytes(whole[:-2000])
    ran = night(tmp_path, "new files", bin_folder=Path(sys.executable).parent)
    assert ran.returncode == NEW_GAPS, ran.stderr
    assert "litmine annotate: exit 0" in ran.stderr
    assert list((tmp_path / "lake").glob("entities/model=*/*.parquet"))


def test_no_inbox_is_said_and_the_lake_still_annotated(tmp_path: Path) -> None:
    (tmp_path / "litmine").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "litmine").chmod(0o755)
    ran = night(tmp_path, "nowhere", bin_folder=tmp_path)
    assert (ran.returncode, ran.stdout) == (FAILED, "annotate\n")
    assert "there is no folder nowhere" in ran.stderr


def test_every_query_is_fetched(tmp_path: Path) -> None:
    """A query that fails does not keep the next from being fetched."""
    (tmp_path / "inbox").mkdir()
    (tmp_path / "queries.txt").write_text('# drugs\npenicillin allergy\n\n"drug eruptions"[mesh] AND $x *')
    (tmp_path / "litmine").write_text('#!/bin/sh\nprintf "%s|" "$@"\necho\ncase "$*" in *allergy*) exit 1 ;; esac\n')
    (tmp_path / "litmine").chmod(0o755)
    ran = night(tmp_path, bin_folder=tmp_path)
    assert ran.returncode == FAILED
    assert ran.stdout.splitlines() == [
        "import|inbox|",
        "fetch|--query|penicillin allergy|--since|last|",
        'fetch|--query|"drug eruptions"[mesh] AND $x *|--since|last|',
        "annotate|",
    ]

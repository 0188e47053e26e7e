"""An import that ends early, however it ends, is completed by the same command."""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from litmine.errors import DONE, FAILED, INTERRUPTED
from litmine.lake.articles import parts
from litmine.lake.lake import Lake

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]


@pytest.fixture
def words(tmp_path: Path, sample_data: Path) -> tuple[object, ...]:
    """The command: all sample records in parts of 10, dated, so that each import says the same."""
    return ("import", sample_data / "pubmed", "--lake", tmp_path / "lake", "--part-size", 10, "--as-of", "2026-01-01")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> pa.Table:
    """The articles of an undisturbed import."""
    from datetime import UTC, datetime

    from litmine.pipeline.import_files import ingest

    folder = tmp_path_factory.mktemp("whole")
    ingest(folder, [sample_data / "pubmed"], datetime(2026, 1, 1, tzinfo=UTC), part_size=10)
    return articles(folder)


def articles(lake: Path) -> pa.Table:
    return Lake(lake).sql("select * from articles order by pmid")


def check(lake: Path, expected: pa.Table) -> None:
    """The same articles, and every text new exactly once."""
    assert articles(lake).equals(expected)
    new = "select count(*), count(distinct (pmid, text_hash)) from article_versions where new_text"
    ((rows, texts),) = Lake(lake).rows(new)
    assert rows == texts == 391


def wait_for_parts(process: Popen[Any], lake: Path, least: int) -> None:
    """Until so many parts stand, or the run is over."""
    while process.poll() is None and len(parts(lake)) < least:
        time.sleep(0.001)


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.soak)])
def test_killed_at_any_moment(
    run: Run, start: Start, tmp_path: Path, words: tuple[object, ...], expected: pa.Table, kills: int
) -> None:
    lake = tmp_path / "lake"
    chance = random.Random(kills)
    for least in sorted(chance.sample(range(40), kills)):
        process = start(*words)
        wait_for_parts(process, lake, least)
        time.sleep(chance.random() * (0.02 if least else 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert all(pq.read_metadata(part).num_columns for part in parts(lake))
    ran = run(*words)
    assert ran.returncode == DONE, ran.stderr
    check(lake, expected)


def test_ctrl_c(
    run: Run, start: Start, tmp_path: Path, words: tuple[object, ...], expected: pa.Table, hold: Callable[..., Any]
) -> None:
    lake, next_part = tmp_path / "lake", hold("*/articles/[!_]*.parquet", 10)
    process = start(*words, **next_part.environment)
    next_part.wait(process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert process.returncode == INTERRUPTED
    assert said.strip() == "litmine: interrupted; finished work is kept, and the same command continues from there"
    assert len(parts(lake)) == 10
    assert list(lake.rglob("*.tmp*")) == []
    assert Lake(lake).rows("select command, outcome from runs") == [("import", "interrupted")]
    assert run(*words).returncode == DONE
    check(lake, expected)


@pytest.mark.parametrize("spare", [4, 60, 400])
def test_a_full_disk(run: Run, small_disk: Any, sample_data: Path, expected: pa.Table, spare: int) -> None:
    lake = small_disk.folder / "lake"
    words = ("import", sample_data / "pubmed", "--lake", lake, "--part-size", 10, "--as-of", "2026-01-01")
    small_disk.leave(spare)
    process = small_disk.start(*words)
    _, said = process.communicate()
    # A slow machine says before how far it is.
    (line,) = [line for line in said.splitlines() if not line.startswith("importing: ")]
    assert process.returncode == FAILED
    assert line.startswith(f"litmine: {lake}")
    assert "could not be written (" in line
    assert list(small_disk.folder.rglob("*.tmp*")) == []
    assert all(pq.read_metadata(part).num_columns for part in parts(lake))
    small_disk.grow()
    ran = run(*words)
    assert ran.returncode == DONE, ran.stderr
    check(lake, expected)


def test_the_sum_adds_up(run: Run, words: tuple[object, ...], tmp_path: Path) -> None:
    first, second = run(*words), run(*words)
    assert (first.returncode, first.stdout, second.returncode) == (DONE, "", DONE)
    assert first.stderr == (
        "446 records read from 10 files: 398 new, 10 revised, 8 deletions, 0 seen again, 30 unchanged,"
        " 0 superseded in their file; 391 new texts\n"
    )
    assert second.stderr == "10 files already imported, skipped\n"
    columns = "outcome, counts['read'], counts['texts'], counts['files'], models, active_models"
    assert Lake(tmp_path / "lake").rows(f"select {columns} from runs") == [("done", 446, 391, 10, [], None)]

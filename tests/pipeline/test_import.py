"""The same command completes an interrupted import, however it ended."""

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
from litmine.lake.articles import list_parts
from litmine.lake.lake import Lake

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Popen[Any]]


@pytest.fixture
def command(tmp_path: Path, sample_data: Path) -> tuple[object, ...]:
    """Import all sample records in parts of 10, with a fixed date, so that repeated imports are equal."""
    return ("import", sample_data / "pubmed", "--lake", tmp_path / "lake", "--part-size", 10, "--as-of", "2026-01-01")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> pa.Table:
    """The articles after an import without interruption."""
    from datetime import UTC, datetime

    from litmine.pipeline.import_files import import_files

    folder = tmp_path_factory.mktemp("whole")
    import_files(folder, [sample_data / "pubmed"], datetime(2026, 1, 1, tzinfo=UTC), part_size=10)
    return articles(folder)


def articles(lake: Path) -> pa.Table:
    return Lake(lake).sql("select * from articles order by pmid")


def check(lake: Path, expected: pa.Table) -> None:
    """Check that the articles are as expected, and that each text is marked as new once."""
    assert articles(lake).equals(expected)
    new = "select count(*), count(distinct (pmid, text_hash)) from article_versions where new_text"
    ((rows, texts),) = Lake(lake).rows(new)
    assert rows == texts == 398


def wait_for_parts(process: Popen[Any], lake: Path, least: int) -> None:
    """Wait until the lake has this many parts or the process has ended."""
    while process.poll() is None and len(list_parts(lake)) < least:
        time.sleep(0.001)


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.soak)])
def test_killed_at_any_moment(
    run: Run, start: Start, tmp_path: Path, command: tuple[object, ...], expected: pa.Table, kills: int
) -> None:
    lake = tmp_path / "lake"
    rng = random.Random(kills)
    for least in sorted(rng.sample(range(40), kills)):
        process = start(*command)
        wait_for_parts(process, lake, least)
        time.sleep(rng.random() * (0.02 if least else 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert all(pq.read_metadata(part).num_columns for part in list_parts(lake))
    ran = run(*command)
    assert ran.returncode == DONE, ran.stderr
    check(lake, expected)


def test_ctrl_c_keeps_finished_parts(
    run: Run,
    start: Start,
    tmp_path: Path,
    command: tuple[object, ...],
    expected: pa.Table,
    pause_before: Callable[..., Any],
) -> None:
    lake, next_part = tmp_path / "lake", pause_before("*/articles/[!_]*.parquet", 10)
    process = start(*command, **next_part.environment)
    next_part.wait(process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == INTERRUPTED
    assert stderr.strip() == "litmine: interrupted; finished work is kept, and the same command continues from there"
    assert len(list_parts(lake)) == 10
    assert list(lake.rglob("*.tmp*")) == []
    assert Lake(lake).rows("select command, outcome from runs") == [("import", "interrupted")]
    assert run(*command).returncode == DONE
    check(lake, expected)


@pytest.mark.parametrize("spare", [4, 60, 400])
def test_a_full_disk(run: Run, small_disk: Any, sample_data: Path, expected: pa.Table, spare: int) -> None:
    lake = small_disk.folder / "lake"
    command = ("import", sample_data / "pubmed", "--lake", lake, "--part-size", 10, "--as-of", "2026-01-01")
    small_disk.leave(spare)
    process = small_disk.start(*command)
    _, stderr = process.communicate()
    # On a slow machine, progress lines come first.
    (line,) = [line for line in stderr.splitlines() if not line.startswith("importing: ")]
    assert process.returncode == FAILED
    assert line.startswith(f"litmine: {lake}")
    assert "could not be written (" in line
    assert list(small_disk.folder.rglob("*.tmp*")) == []
    assert all(pq.read_metadata(part).num_columns for part in list_parts(lake))
    small_disk.grow()
    ran = run(*command)
    assert ran.returncode == DONE, ran.stderr
    check(lake, expected)


def test_the_summary_has_the_nonzero_counts_in_one_line(run: Run, command: tuple[object, ...], tmp_path: Path) -> None:
    first, second = run(*command), run(*command)
    assert (first.returncode, first.stdout, second.returncode) == (DONE, "", DONE)
    assert first.stderr == ("398 new, 10 revised, 8 deleted, 30 already present (446 records from 10 files)\n")
    assert second.stderr == "10 files skipped: already imported\n"
    columns = "outcome, counts['read'], counts['texts'], counts['files'], models, active_models"
    assert Lake(tmp_path / "lake").rows(f"select {columns} from runs") == [("done", 446, 398, 10, [], None)]

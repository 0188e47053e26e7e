"""Trials in a lake that other models have read: a killed run goes on, and the other tasks stay as they are."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from litmine import Lake
from tests.fixtures.killed_command import KILLED_COMMAND


def test_a_killed_run_goes_on_and_leaves_other_tasks_alone(annotated_lake: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(annotated_lake, tmp_path / "lake"))
    lake = Lake(folder)
    entities = lake.rows("select * from entities order by all")
    words = ["annotate", "--lake", str(folder), "--task", "trials", "--precision", "float32"]
    killed = subprocess.run([sys.executable, "-c", KILLED_COMMAND, "8", *words], cwd=tmp_path, check=False)
    assert killed.returncode == -signal.SIGKILL
    parts = len([*(folder / "articles").glob("[!_]*.parquet")])
    assert len([*folder.glob("trial_mentions/model=builtin-trials*/*.parquet")]) < parts
    assert lake.rows("select count(*) from trials") == [(0,)]
    again = subprocess.run([sys.executable, "-m", "litmine", *words], cwd=tmp_path, check=False, capture_output=True)
    assert again.returncode == 0, again.stderr
    assert len([*folder.glob("trial_mentions/model=builtin-trials*/*.parquet")]) == parts
    assert lake.rows("select count(*) > 100, count(distinct model) from trial_mentions") == [(True, 1)]
    assert lake.rows("select * from entities order by all") == entities

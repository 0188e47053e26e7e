"""The command `litmine train ner`, killed or with a full disk, resumes to the same model."""

import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest
from click.testing import CliRunner

from litmine.cli.main import cli
from litmine.errors import DONE, FAILED
from litmine.training.training_folder import SETTINGS_MARK

Start = Callable[..., Popen[Any]]
Run = Callable[..., CompletedProcess[str]]
Train = Callable[[Path, int], tuple[object, ...]]
PauseBefore = Callable[..., Any]

EPOCHS = 4
CHECKPOINT = "*/training.checkpoint"
# Folders, times and speeds are only in the card.
MADE = ("model.safetensors", "loss.tsv", "litmine.json", "recipe.json", "scores.json")


@pytest.fixture(scope="module")
def train(tiny_base: Path, sample_data: Path) -> Train:
    """`train(folder, epochs)`: the arguments of a training with six steps and a checkpoint per epoch."""

    def words(folder: Path, epochs: int) -> tuple[object, ...]:
        corpus = sample_data / "ner" / "BC5CDR"
        return (
            "train", "ner", "--base", tiny_base, "--corpus", corpus, "-o", folder, "--name", "mine",
            "--epochs", epochs, "--batch-tokens", 600, "--learning-rate", 2e-3, "--seed", 3,
        )  # fmt: skip

    return words


def make(words: tuple[object, ...]) -> None:
    assert CliRunner().invoke(cli, list(map(str, words)), catch_exceptions=False).exit_code == DONE


@pytest.fixture(scope="module")
def uninterrupted(train: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted") / "model"
    make(train(folder, EPOCHS))
    return folder


def wait_for_checkpoints(process: Popen[Any], folder: Path, number: int) -> None:
    """Wait until `number` new checkpoints are written, or the training ends."""
    file, seen = folder / "training.checkpoint", set[int]()
    before = file.stat().st_mtime_ns if file.exists() else None
    while len(seen) < number and process.poll() is None:
        if file.exists() and (written := file.stat().st_mtime_ns) != before:
            seen.add(written)
        time.sleep(0.001)


def assert_resumes(run: Run, words: tuple[object, ...], folder: Path, whole: Path) -> None:
    """The same command resumes from the last checkpoint and gives the same model as an uninterrupted run."""
    resumed = run(*words)
    assert resumed.returncode == DONE, resumed.stderr
    assert "resuming after step " in resumed.stderr
    for left in folder.glob(".training.checkpoint.*.tmp"):
        left.unlink()  # a partial file of the killed write; later runs delete old ones
    assert_equal(folder, whole)


def assert_equal(folder: Path, other: Path) -> None:
    assert {file.name for file in folder.iterdir()} == {file.name for file in other.iterdir()}
    for name in MADE:
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name


def test_the_same_seed_gives_the_same_model(train: Train, uninterrupted: Path, tmp_path: Path) -> None:
    make(train(tmp_path / "same", EPOCHS))
    assert_equal(tmp_path / "same", uninterrupted)


def test_a_kill_at_a_checkpoint_resumes(
    start: Start, run: Run, train: Train, uninterrupted: Path, tmp_path: Path, pause_before: PauseBefore
) -> None:
    folder, third_checkpoint = tmp_path / "killed", pause_before(CHECKPOINT, 2)
    process = start(*train(folder, EPOCHS), **third_checkpoint.environment)
    third_checkpoint.wait(process)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert_resumes(run, train(folder, EPOCHS), folder, uninterrupted)


@pytest.mark.soak
def test_a_kill_at_any_step_resumes(start: Start, run: Run, train: Train, tmp_path: Path) -> None:
    folder, whole, kills = tmp_path / "killed", tmp_path / "whole", 20
    make(train(whole, EPOCHS * kills))
    chance = random.Random()
    for kill in range(kills):
        process = start(*train(folder, EPOCHS * kills))
        wait_for_checkpoints(process, folder, chance.randint(1 if kill == 0 else 0, 4))
        time.sleep(chance.random() / 10)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert_resumes(run, train(folder, EPOCHS * kills), folder, whole)


@pytest.mark.skipif(sys.platform != "linux", reason="the limits of a running process can be set on Linux alone")
def test_a_full_disk_keeps_the_last_checkpoint(
    start: Start, run: Run, train: Train, uninterrupted: Path, tmp_path: Path, pause_before: PauseBefore
) -> None:
    folder, first_checkpoint = tmp_path / "full", pause_before(CHECKPOINT)
    process = start(*train(folder, EPOCHS), **first_checkpoint.environment)
    first_checkpoint.wait(process)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    first_checkpoint.release()
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout) == (FAILED, "")
    *_, message = stderr.splitlines()
    assert message == (
        f"litmine: {folder / 'training.checkpoint'} could not be written (File too large); free some space and run the"
        " command again: finished work is kept"
    )
    assert "Traceback" not in stderr
    assert {file.name for file in folder.iterdir()} == {"training.checkpoint", SETTINGS_MARK}
    assert (folder / "training.checkpoint").stat().st_size > 100_000
    assert_resumes(run, train(folder, EPOCHS), folder, uninterrupted)

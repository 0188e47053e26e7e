"""The output folder of a training: what it refuses, and what it leaves behind."""

import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from litmine.errors import DONE, FAILED, SettingError
from litmine.training.training_folder import SETTINGS_MARK, training_folder

Run = Callable[..., CompletedProcess[str]]
REFUSED = "is not empty, and what it holds is not a training with these settings; name another folder with -o"


@dataclass(frozen=True)
class Recipe:
    """The settings of a training."""

    epochs: int = 1


def train(folder: Path, recipe: Recipe, command: str = "ner", lake: str = "lake") -> None:
    with training_folder(folder, command, recipe, lake):
        (folder / "model.safetensors").write_text(str(recipe))


def test_a_training_with_the_same_settings_may_run_again(tmp_path: Path) -> None:
    out = tmp_path / "new" / "model"
    train(out, Recipe())
    train(out, Recipe())
    assert {file.name for file in out.iterdir()} == {"model.safetensors", SETTINGS_MARK}
    # Models are published, so the settings themselves are not there.
    assert set(json.loads((out / SETTINGS_MARK).read_text())) == {"command", "settings"}


@pytest.mark.parametrize("other", [{"recipe": Recipe(2)}, {"command": "qa"}, {"lake": "other"}])
def test_other_settings_are_refused(tmp_path: Path, other: dict[str, Any]) -> None:
    train(tmp_path / "model", Recipe())
    with pytest.raises(SettingError, match=REFUSED):
        train(tmp_path / "model", **{"recipe": Recipe(), **other})
    assert (tmp_path / "model" / "model.safetensors").read_text() == str(Recipe())


@pytest.mark.parametrize("name", ["README.md", ".hidden", SETTINGS_MARK + ".txt", "training.checkpoint"])
def test_foreign_files_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    for content in (None, "damaged", "null"):
        if content:
            (tmp_path / SETTINGS_MARK).write_text(content)
        with pytest.raises(SettingError, match=REFUSED):
            train(tmp_path, Recipe())
    assert (tmp_path / name).read_text() == "mine"
    assert not (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize("existed", [True, False])
def test_a_training_that_wrote_nothing_leaves_the_folder_as_it_was(tmp_path: Path, existed: bool) -> None:
    out = tmp_path / "model"
    if existed:
        out.mkdir()
    with pytest.raises(KeyboardInterrupt), training_folder(out, "ner", Recipe()):
        raise KeyboardInterrupt
    assert out.exists() == existed
    assert not (out / SETTINGS_MARK).exists()


def test_a_killed_process_that_wrote_nothing_leaves_the_folder_to_others(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_MARK).write_text(json.dumps({"command": "litmine train ner", "settings": "0" * 32}))
    (tmp_path / f".{SETTINGS_MARK}.0123.tmp").write_text("")
    train(tmp_path, Recipe())


@pytest.mark.parametrize(
    "words",
    [
        ("ner", "--base", "builtin", "--corpus", "corpus"),
        ("qa", "--base", "builtin", "--data", "data.json"),
        ("linking", "--data", "data.jsonl"),
        ("relations", "--data", "data.jsonl"),
        ("classification", "--data", "data.csv"),
        ("trials", "--base", "builtin", "--corpus", "corpus"),
        ("mlm", "--base", "builtin"),
    ],
    ids=lambda words: words[0],
)
def test_every_training_refuses_a_folder_with_other_files(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("README.md").write_text("mine")
    refused = run("train", *words, "--name", "mine", "-o", ".")
    assert refused.returncode == FAILED
    assert refused.stderr == f"litmine: . {REFUSED}\n"
    assert [file.name for file in tmp_path.iterdir()] == ["README.md"]


def test_a_killed_classifier_resumes_and_other_data_are_refused(
    start: Callable[..., Popen[Any]], run: Run, pause_before: Callable[..., Any], labelled: Path, tiny_trunk: Path,
    tiny_model: Path, tmp_path: Path,
) -> None:  # fmt: skip
    out, copy = tmp_path / "screen", tmp_path / "other.csv"
    copy.write_bytes(labelled.read_bytes())
    options = (
        "--trunk", tiny_trunk, "--first-layers", tiny_model, "--after", "1", "--folds", "0", "--epochs", "2",
        "--batch-tokens", "300", "-o", out,
    )  # fmt: skip
    pause = pause_before("*/training.checkpoint")
    process = start("train", "classification", "--data", labelled, *options, **pause.environment)
    pause.wait(process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    other = run("train", "classification", "--data", copy, *options)
    assert (other.returncode, other.stderr) == (FAILED, f"litmine: {out} {REFUSED}\n")
    resumed = run("train", "classification", "--data", labelled, *options)
    assert resumed.returncode == DONE, resumed.stderr
    finished = {file.name: file.read_bytes() for file in out.iterdir()}
    assert run("train", "classification", "--data", copy, *options).returncode == FAILED
    assert {file.name: file.read_bytes() for file in out.iterdir()} == finished

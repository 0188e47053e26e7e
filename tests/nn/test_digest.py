"""`name@digest` changes with everything that decides the results, and with nothing else."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from litmine.nn.weights import load_weights, save_weights
from litmine.tasks.registry import identify, load_model

Rewrite = Callable[[Path, Callable[[dict[str, torch.Tensor]], None]], None]


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "tiny"))


def change_settings(folder: Path, **change: object) -> None:
    file = folder / "litmine.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))


def test_a_copy_is_the_same_model(copy: Path, tiny_model: Path) -> None:
    assert identify(str(copy)) == identify(str(tiny_model))


def test_card_scores_device_and_precision_do_not_count(copy: Path, tiny_model: Path) -> None:
    (copy / "README.md").write_text("another card")
    (copy / "scores.json").unlink()
    (copy / "recipe.json").unlink()
    for precision in ("float32", "bf16"):
        assert load_model(str(copy), device="cpu", precision=precision).name == identify(str(tiny_model))
    assert load_model(str(copy), batch_tokens=64).name == identify(str(tiny_model))


def test_one_changed_weight_changes_the_digest(copy: Path, tiny_model: Path, rewrite_weights: Rewrite) -> None:
    def change(weights: dict[str, torch.Tensor]) -> None:
        weights["heads.bias"][0] += 1e-3

    rewrite_weights(copy, change)
    assert identify(str(copy)) != identify(str(tiny_model))


def test_int8_weights_have_another_digest(copy: Path, tiny_model: Path) -> None:
    save_weights(load_weights(tiny_model), copy, int8=True)
    assert identify(str(copy)) != identify(str(tiny_model))


@pytest.mark.parametrize("change", [{"window": 500}, {"overlap": 64}])
def test_window_and_overlap_count(copy: Path, tiny_model: Path, change: dict[str, int]) -> None:
    change_settings(copy, **change)
    assert identify(str(copy)) != identify(str(tiny_model))


def test_labels_and_default_heads_count(copy: Path, tiny_model: Path) -> None:
    heads = json.loads((copy / "litmine.json").read_text())["heads"]
    names = {identify(str(tiny_model))}
    change_settings(copy, heads=[heads[0] | {"default": False}, heads[1]])
    names.add(identify(str(copy)))
    change_settings(copy, heads=[heads[0] | {"labels": ["O", "B-Sign", "I-Sign"]}, heads[1]])
    names.add(identify(str(copy)))
    assert len(names) == 3


def test_the_name_is_no_part_of_the_digest(copy: Path, tiny_model: Path) -> None:
    change_settings(copy, name="other")
    assert identify(str(copy)) == f"other@{identify(str(tiny_model)).partition('@')[2]}"


def test_the_tokenizer_counts(copy: Path, tiny_model: Path) -> None:
    file = copy / "tokenizer.json"
    file.write_text(file.read_text().replace('"lowercase":true', '"lowercase":false'))
    assert identify(str(copy)) != identify(str(tiny_model))

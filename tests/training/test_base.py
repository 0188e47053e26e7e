"""A base has the weights that transformers loads, whatever their names in the file are."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from litmine.nn.hugging_face import auto_config, auto_encoder
from litmine.training.base import read_base

Rename = Callable[[str], str]
NAMES: dict[str, Rename] = {
    "plain names": lambda name: name,
    "names of a model with a head": lambda name: f"bert.{name}",
    "old names": lambda name: name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("Norm.bias", "Norm.beta"),
}


@pytest.mark.parametrize("names", NAMES)
def test_a_base_computes_the_same_as_transformers(
    names: str,
    tiny_base: Path,
    tmp_path: Path,
    rewrite_weights: Callable[[Path, Callable[[dict[str, Any]], None]], None],
) -> None:
    base = Path(shutil.copytree(tiny_base, tmp_path / "base"))

    def rename(weights: dict[str, Any]) -> None:
        renamed = {NAMES[names](name): weight for name, weight in weights.items()}
        weights.clear()
        weights.update(renamed)

    rewrite_weights(base, rename)
    ours, theirs = read_base(str(base), 64).encoder, auto_encoder(tiny_base, auto_config(tiny_base))
    ids = torch.tensor([[2, 17, 41, 3]])
    with torch.inference_mode():
        actual, expected = (encoder.eval()(input_ids=ids).last_hidden_state for encoder in (ours, theirs))
    torch.testing.assert_close(actual, expected)

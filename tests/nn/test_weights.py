"""Stored float32 weights are unchanged; int8 weights are within half a step of their row's scale."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from litmine.nn.weights import WEIGHTS_FILE, load_weights, save_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


MATRICES = st.lists(st.lists(st.floats(-1e4, 1e4, width=32), min_size=3, max_size=3), min_size=1, max_size=5)


@given(rows=MATRICES)
def test_int8_is_within_half_a_step(folder: Path, rows: list[list[float]]) -> None:
    matrix = torch.tensor(rows)
    save_weights({"matrix": matrix, "bias": matrix[0].clone()}, folder, int8=True)
    loaded = load_weights(folder)
    scale = matrix.abs().amax(dim=1, keepdim=True) / 127
    assert ((loaded["matrix"] - matrix).abs() <= scale * 0.5001 + 1e-12).all()
    assert torch.equal(loaded["bias"], matrix[0])


@given(rows=MATRICES)
def test_saving_int8_weights_again_changes_nothing(folder: Path, rows: list[list[float]]) -> None:
    save_weights({"matrix": torch.tensor(rows)}, folder, int8=True)
    once = load_weights(folder)["matrix"]
    save_weights({"matrix": once}, folder, int8=True)
    assert torch.allclose(load_weights(folder)["matrix"], once, rtol=1e-6, atol=0)


def test_float32_is_unchanged(folder: Path) -> None:
    torch.manual_seed(0)
    weights = {"matrix": torch.randn(5, 7), "bias": torch.randn(7), "turned": torch.randn(3, 4).T}
    save_weights(weights, folder, int8=False)
    loaded = load_weights(folder)
    assert loaded.keys() == weights.keys()
    assert all(torch.equal(loaded[name], weight) for name, weight in weights.items())


def test_int8_takes_a_quarter_of_the_bytes(folder: Path) -> None:
    save_weights({"matrix": torch.randn(100, 1000)}, folder, int8=True)
    assert load_file(folder / WEIGHTS_FILE)["matrix"].dtype == torch.int8
    assert (folder / WEIGHTS_FILE).stat().st_size < 1.01 * 100 * 1000


def test_a_row_of_zeros(folder: Path) -> None:
    save_weights({"matrix": torch.tensor([[0.0, 0.0], [1.0, -2.0]])}, folder, int8=True)
    assert torch.equal(load_weights(folder)["matrix"][0], torch.zeros(2))

"""Without torch's private functions, the public fallbacks compute the same values."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import litmine
from litmine.nn import torch_internals
from litmine.nn.devices import bfloat16_is_fast
from litmine.nn.kernel_selection import KernelCheck, fastest_kernels, select_cpu_kernels
from litmine.nn.kernels import PLAIN
from litmine.nn.kernels_cpu import FLOAT32
from litmine.tasks.registry import load_model

CPU = torch.device("cpu")
TEXT = "An allergy to penicillin can cause an anaphylactic reaction."


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    caches: list[Any] = [torch_internals.prepacked_linear_error, torch_internals.linear_gelu_error, fastest_kernels]
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def failing(*_: object, **__: object) -> Tensor:
    raise RuntimeError("not implemented")


def remove_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())


def break_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    operators = SimpleNamespace(_reorder_linear_weight=lambda weight, _: weight, _linear_pointwise=failing)
    monkeypatch.setattr(torch.ops, "mkldnn", operators)


def remove_gelu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "_addmm_activation")


def break_gelu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "_addmm_activation", failing)


@pytest.fixture
def dense() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(24, 40).requires_grad_(False)


@pytest.mark.parametrize("change", [remove_linear, break_linear])
@pytest.mark.parametrize("with_gelu", [False, True])
def test_prepacked_linear(
    dense: nn.Linear, with_gelu: bool, change: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = torch.randn(64, 24)
    expected = torch_internals.prepacked_linear(dense, with_gelu)(hidden)
    change(monkeypatch)
    torch_internals.prepacked_linear_error.cache_clear()
    assert torch_internals.prepacked_linear_error(torch.float32)
    torch.testing.assert_close(torch_internals.prepacked_linear(dense, with_gelu)(hidden), expected)


@pytest.mark.parametrize("change", [remove_gelu, break_gelu])
def test_linear_gelu(
    dense: nn.Linear, change: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = torch.randn(64, 24)
    assert torch_internals.linear_gelu_error(CPU, torch.float32) == ""
    expected = torch_internals.linear_gelu(dense)(hidden)
    change(monkeypatch)
    torch_internals.linear_gelu_error.cache_clear()
    assert torch_internals.linear_gelu_error(CPU, torch.float32)
    torch.testing.assert_close(torch_internals.linear_gelu(dense)(hidden), expected)


@pytest.mark.parametrize("change", [remove_linear, break_linear])
def test_a_model_finds_the_same_entities(
    change: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (expected,) = load_model("builtin", device="cpu", precision="float32").annotate([TEXT])
    assert expected
    assert capsys.readouterr().err == ""
    change(monkeypatch)
    torch_internals.prepacked_linear_error.cache_clear()
    fastest_kernels.cache_clear()
    (found,) = load_model("builtin", device="cpu", precision="float32").annotate([TEXT])
    assert found == expected
    assert [entity.score for entity in found] == pytest.approx([entity.score for entity in expected], abs=1e-4)
    if torch.backends.mkldnn.is_available():
        message = "litmine runs more slowly on this CPU, without prepacked weights: "
        assert capsys.readouterr().err.startswith(message)
        kernels = select_cpu_kernels(KernelCheck(CPU, torch.float32, 2, 16), FLOAT32)
        assert (kernels.product, kernels.attention) == (PLAIN.product, FLOAT32.attention)


def test_the_cpu_features_of_an_older_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """/proc/cpuinfo names the same features as torch."""
    if not Path("/proc/cpuinfo").is_file():
        pytest.skip("needs /proc/cpuinfo")
    expected = bfloat16_is_fast(CPU)
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert bfloat16_is_fast(CPU) == expected


def test_one_module_uses_private_functions() -> None:
    """Attributes such as `torch. ... ._name` are used only in `torch_internals`."""
    package = Path(litmine.__file__).parent
    users = {file.relative_to(package).as_posix() for file in package.rglob("*.py") if uses_private_torch(file)}
    assert users == {"nn/torch_internals.py"}


def uses_private_torch(file: Path) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and ast.unparse(node).startswith("torch.")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    )

"""A plain BERT of a Hugging Face folder is described and loaded as transformers does it, but without transformers."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from litmine.nn.hugging_face import auto_tokenizer
from litmine.nn.hugging_face_folder import describe_plain_bert
from litmine.nn.loading import hugging_face_labels, hugging_face_window
from litmine.nn.weights import WEIGHTS_FILE
from litmine.tasks.ner import folder as tagger_folder
from litmine.tasks.ner.settings import plain_settings
from litmine.tasks.registry import identify, load_model

TEXTS = ["An allergy to penicillin.", "", "Asthma and (hay) fever, 12 % of 𝛼-cells. " * 20]
Weights = dict[str, torch.Tensor]


@pytest.fixture
def copy(bert_classifier: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bert_classifier, tmp_path / "classifier"))


def change_json(file: Path, **change: object) -> None:
    settings = json.loads(file.read_text()) | change
    file.write_text(json.dumps({name: value for name, value in settings.items() if value is not None}))


def change_weights(folder: Path, change: Callable[[Weights], Weights]) -> None:
    weights = change(load_file(folder / WEIGHTS_FILE))
    save_file({name: weight.contiguous() for name, weight in weights.items()}, folder / WEIGHTS_FILE, {"format": "pt"})


def found(folder: Path) -> list[list[tuple[object, ...]]]:
    tagger = load_model(str(folder), device="cpu", precision="float32")
    return [
        [(one.start_char, one.end_char, one.entity_type, one.score) for one in of_text]
        for of_text in tagger.annotate(TEXTS)
    ]


def by_transformers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[object, ...]]]:
    with monkeypatch.context() as patch:
        patch.setattr(tagger_folder, "describe_plain_bert", lambda _folder: None)
        return found(folder)


def test_settings_are_those_of_transformers(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick, digest = plain_settings(copy, "a"), identify(str(copy))
    with monkeypatch.context() as patch:
        for module in ("litmine.nn.loading", "litmine.tasks.ner.settings"):
            patch.setattr(f"{module}.describe_plain_bert", lambda _folder: None)
        assert plain_settings(copy, "a") == quick
        assert identify(str(copy)) == digest
    assert quick.window == auto_tokenizer(copy).model_max_length == 64


@pytest.mark.parametrize("precision", [torch.float32, torch.float16])
def test_entities_are_those_of_transformers(
    copy: Path, monkeypatch: pytest.MonkeyPatch, precision: torch.dtype
) -> None:
    change_weights(copy, lambda weights: {name: weight.to(precision) for name, weight in weights.items()})
    quick = found(copy)
    assert sum(map(len, quick)) > 5
    assert by_transformers(copy, monkeypatch) == quick


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: {name.replace("LayerNorm.weight", "LayerNorm.gamma"): one for name, one in weights.items()},
        lambda weights: {name.removeprefix("bert."): one for name, one in weights.items()},
        lambda weights: weights | {"bert.embeddings.position_ids": torch.arange(64)[None]},
    ],
    ids=["old names", "no prefix", "more weights"],
)
def test_weights_under_other_names_give_the_same_entities(
    copy: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Weights], Weights]
) -> None:
    expected = found(copy)
    change_weights(copy, change)
    assert found(copy) == expected == by_transformers(copy, monkeypatch)


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_loaded_model_does_not_change_with_its_file(copy: Path, precision: str) -> None:
    tagger = load_model(str(copy), device="cpu", precision=precision)
    before = tagger.annotate(TEXTS)
    size = (copy / WEIGHTS_FILE).stat().st_size
    with (copy / WEIGHTS_FILE).open("r+b") as file:
        file.write(b"\0" * size)
    assert tagger.annotate(TEXTS) == before
    (copy / WEIGHTS_FILE).write_bytes(b"")
    assert tagger.annotate(TEXTS) == before


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"model_type": "roberta"}),
        ("config.json", {"auto_map": {"AutoModel": "x.Y"}}),
        ("tokenizer_config.json", {"model_max_length": None}),
        ("tokenizer_config.json", {"model_max_length": "64"}),
    ],
)
def test_only_transformers_describes_what_is_unusual(copy: Path, file: str, change: dict[str, object]) -> None:
    assert describe_plain_bert(copy) is not None
    change_json(copy / file, **change)
    assert describe_plain_bert(copy) is None


def test_labels_without_names_or_order_are_left_to_transformers(copy: Path) -> None:
    labels = ("O", "B-Disease", "I-Disease", "B-Chemical", "I-Chemical")
    described = describe_plain_bert(copy)
    assert described is not None
    assert described.labels == hugging_face_labels(copy) == labels
    change_json(copy / "config.json", id2label={"0": "O", "2": "I-Disease"})
    assert describe_plain_bert(copy).labels is None  # type: ignore[union-attr]
    (copy / "tokenizer.json").unlink()
    assert describe_plain_bert(copy) is None


def test_the_window_is_the_smaller_of_tokenizer_and_positions(copy: Path) -> None:
    change_json(copy / "tokenizer_config.json", model_max_length=10**30)
    positions = json.loads((copy / "config.json").read_text())["max_position_embeddings"]
    assert hugging_face_window(copy) == positions


def test_it_loads_without_transformers_and_compilers(copy: Path, tmp_path: Path) -> None:
    script = (
        f"import sys\nfrom litmine import load_model\nload_model({str(copy)!r}).annotate(['An allergy.'])\n"
        "print([name for name in ('transformers', 'torch._dynamo', 'sympy', 'scipy') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert ran.stdout == "[]\n"

"""A trunk and its tops compute what the complete model does, load once, and are refused if they do not fit together."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from litmine.errors import ModelError, SettingError
from litmine.nn.engine import Engine
from litmine.nn.loading import load_all_weights
from litmine.nn.trunk import LoadedTrunks
from litmine.nn.trunk_folder import TrunkSettings, trunk_digest
from litmine.nn.weights import load_stored_weights, load_weights, save_weights
from litmine.tasks.ner.folder import load_folder
from litmine.tasks.ner.split_tagger import split_tagger
from litmine.tasks.ner.tagger import Tagger
from litmine.tasks.registry import identify, load_model, load_reader, load_task_model, trunk_digest_of
from litmine.training.base import read_base
from litmine.types import Entity

Rewrite = Callable[[Path, Callable[[dict[str, Any]], None]], None]
TEXTS = [
    "An allergy to penicillin can cause an anaphylactic reaction.",
    "",
    "Familial adenomatous polyposis coli and hypotension, not aspirin. " * 80,
    "tumours of no kind",
]


@pytest.fixture(params=["float32", "int8"])
def whole(request: pytest.FixtureRequest, tiny_model: Path, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "whole"))
    if request.param == "int8":
        save_weights(load_weights(tiny_model), folder, int8=True)
    return folder


@pytest.fixture
def parts(tiny_model: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A trunk and a top on it, which tests may damage."""
    return split_tagger(tiny_model, tmp_path / "parts")


def found(tagger: Tagger) -> list[list[tuple[Entity, float]]]:
    return [[(entity, entity.score) for entity in entities] for entities in tagger.annotate(TEXTS)]


@pytest.mark.parametrize("layers", [0, 1])
def test_a_split_model_computes_the_same(whole: Path, tmp_path: Path, layers: int) -> None:
    """Bit for bit, also in int8, since the stored weights are copied."""
    trunk, top = split_tagger(whole, tmp_path / "parts", layers)
    first, then = load_model(str(whole), precision="float32"), load_model(str(top), precision="float32")
    assert found(then) == found(first)
    assert any(found(first))
    assert then.heads == first.heads
    assert (then.settings.window, then.settings.overlap) == (first.settings.window, first.settings.overlap)
    kept = load_stored_weights(whole)
    stored = {f"encoder.{name}": one for name, one in load_stored_weights(trunk).items()} | load_stored_weights(top)
    assert stored.keys() == kept.keys()
    assert all(torch.equal(one, kept[name]) for name, one in stored.items())
    weights, expected = load_all_weights(top), load_weights(whole)
    assert all(torch.equal(weights[name], expected[name]) for name in expected.keys() | weights.keys())
    assert sorted(file.name for file in top.iterdir()) == [
        "README.md",
        "litmine.json",
        "model.safetensors",
        "recipe.json",
        "scores.json",
    ]


def test_names(parts: tuple[Path, Path], tiny_model: Path) -> None:
    trunk, top = parts
    tagger = load_model(str(top), precision="float32")
    assert tagger.name == identify(str(top))
    assert tagger.name.startswith("tiny@")
    assert tagger.name != identify(str(tiny_model))
    assert tagger.trunk.digest == trunk_digest_of(str(top)) == trunk_digest(trunk)
    assert trunk_digest_of(str(tiny_model)) == ""
    assert tagger.name in (top / "README.md").read_text()
    assert f"tiny-trunk@{tagger.trunk.digest}" in (trunk / "README.md").read_text()
    assert "## Data and its terms" in (trunk / "README.md").read_text()


def test_the_trunk_is_identified_without_torch(parts: tuple[Path, Path]) -> None:
    code = (
        "import sys; from litmine.tasks.registry import identify, trunk_digest_of\n"
        f"print(identify({str(parts[1])!r}), trunk_digest_of({str(parts[1])!r}), 'torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == [identify(str(parts[1])), trunk_digest(parts[0]), "False"]


def test_a_trunk_is_loaded_once_for_all_models_on_it(parts: tuple[Path, Path]) -> None:
    trunks: LoadedTrunks = {}
    first = load_task_model(str(parts[1]), "ner", "cpu", "float32", trunks=trunks)
    second = load_task_model(str(parts[1]), "ner", "cpu", "float32", heads=["Chemical"], trunks=trunks)
    assert first.trunk is second.trunk
    assert load_task_model(str(parts[1]), "ner", "cpu", "bf16", trunks=trunks).trunk is not first.trunk
    assert load_task_model(str(parts[1]), "ner", "cpu", "float32").trunk is not first.trunk
    assert len(trunks) == 2
    read = first.read(TEXTS)
    labels = Engine(first.trunk, [first.top, second.top]).label(read)
    for tagger, own in zip((first, second), labels, strict=True):
        assert tagger.decode(TEXTS, read, own) == tagger.annotate(TEXTS)


def test_bf16_is_close(parts: tuple[Path, Path], tiny_model: Path) -> None:
    ours, theirs = (load_folder(folder, "a", "cpu", "bf16").annotate(TEXTS) for folder in (parts[1], tiny_model))
    assert [len(one) for one in ours] == [len(one) for one in theirs]
    assert load_folder(parts[1], "a", "cpu", "bf16").precision == "bf16"


def refusal(top: Path) -> str:
    """The error is the same for loading and identifying."""
    messages = set()
    for ask in (load_model, identify, trunk_digest_of):
        with pytest.raises(ModelError) as error:
            ask(str(top))
        messages.add(str(error.value))
    (sentence,) = messages
    assert "\n" not in sentence
    return sentence


def test_another_trunk_is_refused(parts: tuple[Path, Path], rewrite_weights: Rewrite) -> None:
    trunk, top = parts
    assert load_model(str(top)).annotate(TEXTS)
    digest = trunk_digest(trunk)

    def change(weights: dict[str, Any]) -> None:
        weights["embeddings.LayerNorm.bias"][0] += 1e-3

    rewrite_weights(trunk, change)
    assert trunk_digest(trunk) != digest
    sentence = refusal(top)
    assert f"needs the trunk ../trunk@{digest}, but {trunk.resolve()} holds {trunk_digest(trunk)}" in sentence
    assert sentence.endswith("restore that trunk, or train the model again on this one")


def test_another_window_is_another_trunk(parts: tuple[Path, Path]) -> None:
    trunk, top = parts
    settings = TrunkSettings.load(trunk)
    TrunkSettings(settings.name, settings.window, settings.overlap + 1).save(trunk)
    assert "restore that trunk" in refusal(top)


def test_a_missing_trunk_is_refused(parts: tuple[Path, Path]) -> None:
    shutil.rmtree(parts[0])
    assert "is missing; copy the trunk's folder to " in refusal(parts[1])


@pytest.mark.parametrize("link", [{"reference": "../trunk"}, "trunk", {"reference": 1, "digest": 2, "layers": 3}])
def test_an_incomplete_link_is_refused(parts: tuple[Path, Path], link: object) -> None:
    file = parts[1] / "litmine.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"trunk": link}))
    for ask in (load_model, identify, trunk_digest_of):
        with pytest.raises(ModelError):
            ask(str(parts[1]))


def test_a_model_in_place_of_a_trunk(parts: tuple[Path, Path], tiny_model: Path) -> None:
    shutil.rmtree(parts[0])
    shutil.copytree(tiny_model, parts[0])
    assert "trunk/litmine.json does not describe a trunk (task, name, window and overlap); copy it again" in refusal(
        parts[1]
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"layers": "1"}, "layers of its trunk must be 0 or more, not '1'"),
        ({"layers": -1}, "layers of its trunk must be 0 or more, not -1"),
        ({"after": 0}, "after of its trunk must be 1 or more, not 0"),
        ({"digest": 5}, "reference and digest of its trunk must be strings"),
        ({"layers": 0}, r"its files hold the weight encoder\.\S+, which its settings do not describe"),
        ({"layers": 2}, r"its settings describe the weight encoder\.\S+, which its files lack"),
    ],
)
def test_a_link_that_does_not_fit(parts: tuple[Path, Path], change: dict[str, object], sentence: str) -> None:
    file = parts[1] / "litmine.json"
    settings = json.loads(file.read_text())
    file.write_text(json.dumps(settings | {"trunk": settings["trunk"] | change}))
    with pytest.raises(ModelError, match=sentence):
        load_model(str(parts[1]))


def test_a_trunk_is_not_a_model(parts: tuple[Path, Path]) -> None:
    for ask in (load_model, load_reader, identify):
        with pytest.raises(ModelError, match=r"holds a trunk \(.*\), not a model; give a model on this trunk"):
            ask(str(parts[0]))


def test_training_starts_from_a_top_as_from_the_complete_model(parts: tuple[Path, Path], tiny_model: Path) -> None:
    ours, theirs = read_base(str(parts[1]), 64), read_base(str(tiny_model), 64)
    expected = theirs.encoder.state_dict()
    assert ours.encoder.state_dict().keys() == expected.keys()
    assert all(torch.equal(one, expected[name]) for name, one in ours.encoder.state_dict().items())
    config, expected_config = (one.config.to_dict() for one in (ours, theirs))
    for one in (config, expected_config):
        one.pop("_name_or_path")
    assert config == expected_config
    assert ours.tokenizer.to_str() == theirs.tokenizer.to_str()
    lower = read_base(str(parts[0]), 64)
    assert lower.config.num_hidden_layers == theirs.config.num_hidden_layers - 1
    assert all(torch.equal(one, expected[name]) for name, one in lower.encoder.state_dict().items())


@pytest.mark.parametrize("layers", [-1, 2, 9])
def test_a_model_cannot_be_split_at_these_layers(tiny_model: Path, tmp_path: Path, layers: int) -> None:
    with pytest.raises(SettingError, match="2 layers, and a top must have fewer"):
        split_tagger(tiny_model, tmp_path / "parts", layers)
    assert not (tmp_path / "parts").exists()


def test_a_top_cannot_be_split_again(parts: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be split, because its encoder is not a plain BERT of its own"):
        split_tagger(parts[1], tmp_path / "again")


def test_the_command(tiny_model: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "litmine.tasks.ner.split_tagger",
        str(tiny_model),
        str(tmp_path),
        "--name",
        "shared",
    ]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ran.stdout.split() == [str(tmp_path / "trunk"), str(tmp_path / "ner")]
    assert TrunkSettings.load(tmp_path / "trunk").name == "shared"
    assert load_model(str(tmp_path / "ner"), precision="float32").annotate(TEXTS)


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_top_continues_from_the_middle_of_a_trunk(tiny_model: Path, tmp_path: Path, precision: str) -> None:
    """A top with its own second layer, on the first of two trunk layers, computes what the complete model does."""
    _, one = split_tagger(tiny_model, tmp_path / "one", layers=1)
    trunk, _ = split_tagger(tiny_model, tmp_path / "none", layers=0)
    top = Path(shutil.copytree(one, tmp_path / "none" / "middle"))
    settings = json.loads((top / "litmine.json").read_text())
    link = {"reference": "../trunk", "digest": trunk_digest(trunk), "layers": 1, "after": 1}
    (top / "litmine.json").write_text(json.dumps(settings | {"trunk": link}))
    middle, whole = load_model(str(top), precision=precision), load_model(str(tiny_model), precision=precision)
    assert found(middle) == found(whole)
    assert any(found(whole))
    # At another layer of the same trunk, it is another model or an invalid one.
    (top / "litmine.json").write_text(json.dumps(settings | {"trunk": link | {"after": None}}))
    assert identify(str(top)) != middle.name
    with pytest.raises(ValueError, match="it continues after layer 3 of its trunk, which has 2 layers"):
        middle.trunk.layers(after=3)
    (top / "litmine.json").write_text(json.dumps(settings | {"trunk": link}))
    with pytest.raises(ModelError, match="continues from the middle of its trunk, so no training can start from it"):
        read_base(str(top), 64)

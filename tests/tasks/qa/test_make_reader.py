"""From a recipe to a reader's folder: it learns, a killed run ends as an undisturbed one, and the card tells all."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from litmine.errors import CorpusError, SettingError
from litmine.tasks.qa.evaluate import judge
from litmine.tasks.qa.make import make_reader
from litmine.tasks.qa.question_files import read_file
from litmine.tasks.qa.recipe import ReaderRecipe, Stage
from litmine.tasks.qa.train import train
from litmine.tasks.registry import load_reader


class KilledError(Exception):
    """The training is killed here."""


@pytest.fixture(scope="module")
def short(tiny_recipe: ReaderRecipe) -> ReaderRecipe:
    """The tiny recipe cut to an epoch a stage, with dropout."""
    stages = (replace(tiny_recipe.stages[0], epochs=1), replace(tiny_recipe.stages[1], epochs=1))
    return replace(tiny_recipe, stages=stages, dropout=0.2)


def test_it_learns_what_it_is_taught(tiny_reader: Path, question_files: Path) -> None:
    reader = load_reader(str(tiny_reader), precision="float32")
    bioasq = read_file(question_files / "bioasq.json")
    scores = judge(reader, bioasq, all_types=True).scores
    assert list(scores) == [
        "strict_accuracy", "lenient_accuracy", "mrr", "list_precision", "list_recall", "list_f1", "yesno_accuracy",
        "yesno_macro_f1",
    ]  # fmt: skip
    assert scores["strict_accuracy"] >= 50
    assert scores["list_recall"] >= 50
    assert scores["yesno_macro_f1"] > 50


def test_the_folder_holds_a_reader_and_nothing_else(tiny_reader: Path) -> None:
    assert {file.name for file in tiny_reader.iterdir()} == {
        "README.md", "config.json", "litmine.json", "loss.tsv", "model.safetensors", "recipe.json", "scores.json",
        "tokenizer.json",
    }  # fmt: skip


def test_scores_and_card(tiny_reader: Path, question_files: Path) -> None:
    record = json.loads((tiny_reader / "scores.json").read_text())
    reader = load_reader(str(tiny_reader), precision="float32")
    bioasq = read_file(question_files / "bioasq.json")
    dev = [asked for asked in bioasq.questions if asked.batch == "2B1"]
    assert judge(reader, bioasq, dev, all_types=True).scores == record["dev"]
    card = (tiny_reader / "README.md").read_text()
    assert card.startswith("# tiny-reader\n")
    assert f"`{reader.name}`" in card
    assert re.search(r"\| 1 \| squad2 \| \d+ \| 0 \| SQuAD, CC BY-SA 4.0 \|", card)
    assert re.search(r"\| 2 \| bioasq \| 1\d \| \d \| BioASQ, CC BY 2.5 \|", card)
    assert "these weights come under CC BY-SA" in card
    assert "bioasq, batches 2B (6 questions)" in card
    assert all(f"| {name} | {score:.2f} |" in card for name, score in record["dev"].items())
    assert not re.search(r"[{}]", card)
    assert str(tiny_reader.parent) not in card


def test_scores_are_calibrated_as_the_card_says(tiny_reader: Path) -> None:
    record = json.loads((tiny_reader / "scores.json").read_text())
    settings = load_reader(str(tiny_reader)).settings
    if record["calibration"] is None:
        assert (settings.temperature, settings.bias) == (1.0, 0.0)
        assert "Scores are not calibrated" in (tiny_reader / "README.md").read_text()
    else:
        assert settings.temperature == record["calibration"]["temperature"]
        assert settings.bias == record["calibration"]["bias"]


def test_a_killed_run_ends_as_an_undisturbed_one(
    short: ReaderRecipe, question_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a checkpoint a step, killed in the midst of every third, in both stages."""
    stages = [[read_file(question_files / name) for name in stage.data] for stage in short.stages]
    last = replace(short.stages[1], irrelevant=1)
    short = replace(short, batch_tokens=200, stages=(short.stages[0], last), averaged=2)
    undisturbed = train(short, stages, tmp_path / "undisturbed", lambda _: None)
    clip, calls, kills = torch.nn.utils.clip_grad_norm_, [0], 0
    said: list[str] = []

    def killing(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] % 3 == 0:
            raise KilledError
        return clip(*arguments)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", killing)
    while True:
        try:
            killed = train(short, stages, tmp_path / "killed", said.append, every=0)
            break
        except KilledError:
            kills += 1
    assert kills > 2
    assert any(line.startswith("stage 2 of 2") for line in said)
    assert "time 2 of 2" in said
    assert (killed.steps, killed.tokens) == (undisturbed.steps, undisturbed.tokens)
    ours, theirs = killed.network.state_dict(), undisturbed.network.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (tmp_path / "killed" / "loss.tsv").read_bytes() == (tmp_path / "undisturbed" / "loss.tsv").read_bytes()


def test_the_last_stage_is_trained_several_times_and_averaged(
    short: ReaderRecipe, question_files: Path, tmp_path: Path
) -> None:
    """From the same first stage, one run whose last stage is trained twice is the mean of what each time gives."""
    stages = [[read_file(question_files / name) for name in stage.data] for stage in short.stages]
    averaged = train(replace(short, averaged=2), stages, tmp_path / "both", lambda _: None)
    weights = []
    for place in ("stage-2", "stage-2-2"):
        with safe_open(tmp_path / "both" / place / "training.checkpoint", framework="pt") as kept:
            weights.append({name: kept.get_tensor(f"weight/{name}") for name in averaged.network.state_dict()})
    alone = train(short, stages, tmp_path / "one", lambda _: None).network.state_dict()
    assert all(torch.equal(alone[name], weights[0][name]) for name in alone)
    assert not torch.equal(weights[0]["span.weight"], weights[1]["span.weight"])
    for name, mean in averaged.network.state_dict().items():
        torch.testing.assert_close(mean, (weights[0][name] + weights[1][name]) / 2)
    assert len((tmp_path / "both" / "loss.tsv").read_text().splitlines()) == averaged.steps + 1


def test_eight_bits_a_pruned_vocabulary_and_no_yes_no_head(short: ReaderRecipe, tmp_path: Path) -> None:
    recipe = replace(short, stages=short.stages[:1], dev=None, vocabulary=500, int8=True, yes_no_weight=0.0)
    assert make_reader(recipe, tmp_path, lambda _: None) == {}
    assert json.loads((tmp_path / "config.json").read_text())["vocab_size"] < 500
    assert "8 bits, a scale a row" in (tmp_path / "README.md").read_text()
    reader = load_reader(str(tmp_path))
    assert not reader.settings.yes_no
    assert reader.answer([("Which drug was given?", "It was heparin.")])[0].yes is None


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"dev": "nowhere.json"}, CorpusError, r"nowhere\.json is not here; say where .* with --data-folder"),
        ({"dev_batches": ("9B",)}, CorpusError, "holds no question of 9B"),
        ({"vocabulary": 500, "unlabelled": "nowhere.jsonl"}, SettingError, "name a JSONL of abstracts"),
        ({"stages": (Stage(("pubmedqa.json", "missing.json")),)}, CorpusError, r"missing\.json is not here"),
    ],
)
def test_what_does_not_go_together_is_found_before_the_training(
    short: ReaderRecipe, tmp_path: Path, change: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        make_reader(replace(short, **change), tmp_path / "mine", lambda _: None)
    assert not (tmp_path / "mine").exists()


def test_squad_is_judged_by_its_own_measures(tiny_reader: Path, question_files: Path) -> None:
    reader = load_reader(str(tiny_reader), precision="float32")
    first, second = (judge(reader, read_file(question_files / f"squad{version}.json")) for version in (1, 2))
    assert list(first.scores) == list(second.scores) == ["exact_match", "f1"]
    # Version 1.1 has an answer to every question, and is given one.
    assert all(given.answers for given in first.given)


def test_nothing_is_printed(short: ReaderRecipe, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_reader(replace(short, stages=short.stages[:1]), tmp_path, lambda _: None)
    assert capfd.readouterr() == ("", "")

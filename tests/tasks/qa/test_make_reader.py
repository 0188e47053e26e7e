"""Making a reader: it learns, a killed run gives the same weights, and the card is complete."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from litmine.errors import CorpusError, SettingError
from litmine.nn.weights import load_weights
from litmine.tasks.qa.evaluate import predict
from litmine.tasks.qa.make import make_model
from litmine.tasks.qa.question_files import read_question_file
from litmine.tasks.qa.recipe import ReaderRecipe, ReaderStage
from litmine.tasks.qa.train import train
from litmine.tasks.registry import load_reader


class KilledError(Exception):
    """Raised to simulate a kill."""


@pytest.fixture(scope="module")
def short(tiny_recipe: ReaderRecipe) -> ReaderRecipe:
    """The tiny recipe with one epoch per stage, and dropout."""
    stages = (replace(tiny_recipe.stages[0], epochs=1), replace(tiny_recipe.stages[1], epochs=1))
    return replace(tiny_recipe, stages=stages, dropout=0.2)


def test_the_reader_learns_its_questions(tiny_reader: Path, question_files: Path) -> None:
    reader = load_reader(str(tiny_reader), precision="float32")
    bioasq = read_question_file(question_files / "bioasq.json")
    scores = predict(reader, bioasq, all_types=True).scores
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


def test_the_card_has_the_data_and_the_scores(tiny_reader: Path, question_files: Path) -> None:
    record = json.loads((tiny_reader / "scores.json").read_text())
    reader = load_reader(str(tiny_reader), precision="float32")
    bioasq = read_question_file(question_files / "bioasq.json")
    dev = [question for question in bioasq.questions if question.batch == "2B1"]
    assert predict(reader, bioasq, dev, all_types=True).scores == record["dev"]
    card = (tiny_reader / "README.md").read_text()
    assert card.startswith("# tiny-reader\n")
    assert f"`{reader.name}`" in card
    assert re.search(r"\| 1 \| squad2 \| \d+ \| 0 \| SQuAD, CC BY-SA 4.0 \|", card)
    assert re.search(r"\| 2 \| bioasq \| 1\d \| \d \| BioASQ, CC BY 2.5 \|", card)
    assert "These weights are licensed under CC" in card
    assert "bioasq, batches 2B (6 questions)" in card
    assert all(f"| {name} | {score:.2f} |" in card for name, score in record["dev"].items())
    assert not re.search(r"[{}]", card)
    assert str(tiny_reader.parent) not in card


def test_the_calibration_is_in_settings_and_card(tiny_reader: Path) -> None:
    record = json.loads((tiny_reader / "scores.json").read_text())
    settings = load_reader(str(tiny_reader)).settings
    if record["calibration"] is None:
        assert (settings.temperature, settings.bias) == (1.0, 0.0)
        assert "Scores are not calibrated" in (tiny_reader / "README.md").read_text()
    else:
        assert settings.temperature == record["calibration"]["temperature"]
        assert settings.bias == record["calibration"]["bias"]


def test_a_killed_run_resumes_to_the_same_weights(
    short: ReaderRecipe, question_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a checkpoint per step, and a kill in every third step of both stages."""
    stages = [[read_question_file(question_files / name) for name in stage.data] for stage in short.stages]
    last = replace(short.stages[1], irrelevant=1)
    short = replace(short, batch_tokens=200, stages=(short.stages[0], last), averaged=2)
    undisturbed = train(short, stages, tmp_path / "undisturbed", lambda _: None)
    clip, calls, kills = torch.nn.utils.clip_grad_norm_, [0], 0
    messages: list[str] = []

    def killing(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] % 3 == 0:
            raise KilledError
        return clip(*arguments)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", killing)
    while True:
        try:
            killed = train(short, stages, tmp_path / "killed", messages.append, checkpoint_seconds=0)
            break
        except KilledError:
            kills += 1
    assert kills > 2
    assert any(line.startswith("stage 2 of 2") for line in messages)
    assert "run 2 of 2" in messages
    assert (killed.steps, killed.tokens) == (undisturbed.steps, undisturbed.tokens)
    ours, theirs = killed.network.state_dict(), undisturbed.network.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (tmp_path / "killed" / "loss.tsv").read_bytes() == (tmp_path / "undisturbed" / "loss.tsv").read_bytes()


def test_the_last_stage_is_the_mean_of_its_runs(short: ReaderRecipe, question_files: Path, tmp_path: Path) -> None:
    """Both runs of the last stage start from the same first stage."""
    stages = [[read_question_file(question_files / name) for name in stage.data] for stage in short.stages]
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


def test_int8_weights_a_pruned_vocabulary_and_no_yes_no_head(short: ReaderRecipe, tmp_path: Path) -> None:
    recipe = replace(short, stages=short.stages[:1], dev=None, vocabulary=500, int8=True, yes_no_weight=0.0)
    assert make_model(recipe, tmp_path, lambda _: None) == {}
    assert json.loads((tmp_path / "config.json").read_text())["vocab_size"] < 500
    assert "8 bits with one scale per row" in (tmp_path / "README.md").read_text()
    reader = load_reader(str(tmp_path))
    assert not reader.settings.yes_no
    assert reader.answer([("Which drug was given?", "It was heparin.")])[0].yes is None


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"dev": "nowhere.json"}, CorpusError, r"nowhere\.json does not exist; name the folder .* with --data-folder"),
        ({"dev_batches": ("9B",)}, CorpusError, "has no question of 9B"),
        ({"vocabulary": 500, "unlabelled": "nowhere.jsonl"}, SettingError, "name a JSONL of abstracts"),
        ({"stages": (ReaderStage(("pubmedqa.json", "missing.json")),)}, CorpusError, r"missing\.json does not exist"),
    ],
)
def test_invalid_recipes_fail_before_training(
    short: ReaderRecipe, tmp_path: Path, change: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        make_model(replace(short, **change), tmp_path / "mine", lambda _: None)
    assert not (tmp_path / "mine").exists()


def test_squad_files_are_scored_with_squad_measures(tiny_reader: Path, question_files: Path) -> None:
    reader = load_reader(str(tiny_reader), precision="float32")
    first, second = (predict(reader, read_question_file(question_files / f"squad{version}.json")) for version in (1, 2))
    assert list(first.scores) == list(second.scores) == ["exact_match", "f1"]
    # In version 1.1 every question has an answer, so the best span counts however probable it is that there is none.
    for predictions, counts_always in ((first.predictions, True), (second.predictions, False)):
        outputs = reader.answer([(one.gold.question, one.gold.texts[0]) for one in predictions])
        for prediction, output in zip(predictions, outputs, strict=True):
            best = tuple(span.answer for span in output.spans[:1])
            assert prediction.answers == (best if counts_always or output.no_answer < 0.5 else ())
    assert any(prediction.answers for prediction in first.predictions)


def test_nothing_is_printed(short: ReaderRecipe, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_model(replace(short, stages=short.stages[:1]), tmp_path, lambda _: None)
    assert capfd.readouterr() == ("", "")


def test_a_base_that_is_a_reader_keeps_its_outputs(tiny_reader: Path, short: ReaderRecipe, tmp_path: Path) -> None:
    """With a learning rate near zero, the reader that continues finds what its base finds."""
    stage = replace(short.stages[1], learning_rate=1e-12)
    recipe = replace(short, base=str(tiny_reader), vocabulary=0, stages=(stage,), averaged=2, dropout=0.0)
    scores = make_model(recipe, tmp_path / "again", lambda _: None)
    assert scores == json.loads((tiny_reader / "scores.json").read_text())["dev"]
    card = (tmp_path / "again" / "README.md").read_text()
    assert "was trained before, on squad2, bioasq" in card
    assert "weighted mean" not in card
    assert "These weights are licensed under CC" in card


def test_a_share_of_the_bases_weights_stays(tiny_reader: Path, short: ReaderRecipe, tmp_path: Path) -> None:
    recipe = replace(short, base=str(tiny_reader), vocabulary=0, dropout=0.0, int8=False)

    def outputs(share: float, name: str) -> torch.Tensor:
        make_model(replace(recipe, base_weight_share=share), tmp_path / name, lambda _: None)
        return load_weights(tmp_path / name)["span.weight"]

    base, trained, mixed = load_weights(tiny_reader)["span.weight"], outputs(0.0, "none"), outputs(0.25, "quarter")
    assert not torch.allclose(base, trained)
    assert torch.allclose(mixed, 0.25 * base + 0.75 * trained, atol=1e-6)
    assert "weighted mean: 25% base" in (tmp_path / "quarter" / "README.md").read_text()
    with pytest.raises(SettingError, match="base_weight_share needs a base that is a reader"):
        make_model(replace(short, base_weight_share=0.5), tmp_path / "refused", lambda _: None)

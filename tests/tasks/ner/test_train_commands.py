"""The commands `litmine train ner` and `litmine evaluate ner`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from litmine.cli.main import cli
from litmine.errors import LitmineError


def litmine(*arguments: str | Path | int) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture(scope="module")
def trained(tiny_model: Path, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The tiny model's encoder, trained for one epoch, and the output of the command."""
    folder = tmp_path_factory.mktemp("commands") / "mine"
    corpus = sample_data / "ner" / "NCBI-disease"
    result = litmine(
        "train", "ner", "--base", tiny_model, "--corpus", corpus, "-o", folder, "--map", "Disease=Illness",
        "--epochs", 1, "--batch-tokens", 1000, "--seed", 3,
    )  # fmt: skip
    return folder, result


def test_train_makes_a_model_and_reports_on_stderr(trained: tuple[Path, Result]) -> None:
    folder, result = trained
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "NCBI-disease: 60 passages annotated with Illness" in result.stderr
    assert "epoch 1 of 1 is done" in result.stderr
    assert f"the model is in {folder}; its card is {folder / 'README.md'}" in result.stderr
    recipe = json.loads((folder / "recipe.json").read_text())
    assert (recipe["name"], recipe["seed"], recipe["epochs"]) == ("mine", 3, 1)


def test_evaluate_prints_the_documented_json_keys(tiny_model: Path, sample_data: Path) -> None:
    data = sample_data / "ner" / "BC5CDR" / "train.tsv"
    result = litmine("evaluate", "ner", "--model", tiny_model, "--data", data, "--format", "json")
    scores = json.loads(result.stdout)
    assert list(scores) == ["Chemical", "Disease", "micro"]
    assert all(set(score) == {"precision", "recall", "f1", "support"} for score in scores.values())
    assert scores["micro"]["f1"] > 80
    assert scores["micro"]["support"] == 131


def test_evaluate_renames_types_and_scores_those_of_the_file(trained: tuple[Path, Result], sample_data: Path) -> None:
    data = sample_data / "ner" / "BC5CDR" / "dev.tsv"
    renamed = ("--map", "Disease=Illness", "--map", "Chemical=-")
    result = litmine("evaluate", "ner", "--model", trained[0], "--data", data, *renamed, "--format", "json")
    assert list(json.loads(result.stdout)) == ["Illness", "micro"]


def test_evaluate_prints_a_table_and_scores_a_named_head(tiny_model: Path, sample_data: Path) -> None:
    data = sample_data / "ner" / "BC5CDR" / "dev.tsv"
    result = litmine(
        "evaluate", "ner", "--model", tiny_model, "--data", data, "--head", "Disease", "--map", "Chemical=-"
    )
    title, header, *rows = result.stdout.splitlines()
    assert title.startswith("BC5CDR: 40 sentences, tagged by tiny@")
    assert header.split() == ["precision", "recall", "F1", "95", "%", "interval", "support"]
    assert [row.split()[0] for row in rows] == ["Disease", "micro"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--data", "nowhere.tsv"), "nowhere.tsv does not exist; a corpus is a file"),
        (("--data", "{data}", "--map", "Disease"), "--map takes NAME=TYPE, not 'Disease'"),
        (("--data", "{data}", "--head", "Gene"), "has no head 'Gene'; it has Disease, Chemical"),
        (("--data", "{data}", "--map", "Disease=-", "--map", "Chemical=Drug"), "annotates Drug, but"),
    ],
)
def test_invalid_evaluations_are_refused(
    tiny_model: Path, sample_data: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    data = sample_data / "ner" / "BC5CDR" / "dev.tsv"
    with pytest.raises(LitmineError, match=sentence):
        litmine("evaluate", "ner", "--model", tiny_model, *(one.format(data=data) for one in arguments))

"""Recipe files: the shipped ones are valid, errors are one sentence, and flags override the file."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from litmine.cli.main import cli
from litmine.errors import SettingError
from litmine.specs import TASKS, TaskSpec, spec_by_name
from litmine.training.recipe import make_recipe, read_recipe, recipe_names

NER = spec_by_name("ner")


@pytest.mark.parametrize(
    ("spec", "name"), [(spec, name) for spec in TASKS if spec.recipe for name in recipe_names(spec)]
)
def test_every_shipped_recipe_is_valid(spec: TaskSpec, name: str) -> None:
    recipe = make_recipe(spec, {"name": "mine", **read_recipe(spec, name)})
    # What it starts from: an encoder, the trunk below a top, or for a linker a vocabulary.
    assert recipe.vocabulary if spec.vocabulary else recipe.base or recipe.trunk


def test_the_recipes_of_the_upper_layers_have_the_settings_of_the_built_in_model(checkout: Path) -> None:
    last = json.loads((checkout / "litmine" / "models" / "builtin" / "ner" / "recipe.json").read_text())
    first = last.pop("first")
    for name, stored in (("upper-layers", first), ("upper-layers-mean", last)):
        recipe = make_recipe(NER, read_recipe(NER, name))
        settings = {setting: getattr(recipe, setting) for setting in stored}
        assert json.loads(json.dumps(settings)) == stored


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        (
            "epoch = 3",
            r"unknown setting epoch \(did you mean epochs\?\); the settings of a recipe are name, .*corpora, .*, then",
        ),
        (
            "often = {BC5CDR = 2}\nkeep = 0.5",
            r"sets often \(now corpus_weights\), keep \(now base_weight_share\)",
        ),
        ("epochs = 'three'", "epochs must be a whole number, not 'three'"),
        ("epochs = true", "epochs must be a whole number, not True"),
        ("int8 = 1", "int8 must be true or false, not 1"),
        ("learning_rate = '1'", "learning_rate must be a number"),
        ("corpora = 'BC5CDR'", "corpora must be a list of names in quotes"),
        ("type_map = ['a']", "type_map must be a table of types"),
        (
            "corpus_weights = {BC5CDR = 'twice'}",
            r"corpus_weights must be a table of numbers: \[corpus_weights\] and lines like BC5CDR = 2",
        ),
        ("tags = 'bio'", "tags must be one of auto, iob2, iob1, iobes, not 'bio'"),
        ("epochs = ", "cannot be read as TOML"),
        (f"epochs = {'[' * 2000}{']' * 2000}", "cannot be read as TOML"),
    ],
)
def test_an_error_in_a_file_is_one_sentence(tmp_path: Path, toml: str, sentence: str) -> None:
    (tmp_path / "mine.toml").write_text(toml)
    with pytest.raises(SettingError, match=sentence) as error:
        read_recipe(NER, str(tmp_path / "mine.toml"))
    assert "\n" not in str(error.value)


def test_an_unknown_recipe_name_lists_the_known_ones() -> None:
    with pytest.raises(
        SettingError,
        match=r"no recipe 'bulitin' \(did you mean builtin\?\); give adverse-effects, biobert, builtin, ",
    ):
        read_recipe(NER, "bulitin")


def test_flags_override_the_file(tiny_base: Path, sample_data: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    corpus = sample_data / "ner" / "NCBI-disease"
    file.write_text(
        f"corpora = ['{corpus}']\nepochs = 1\nbatch_tokens = 900\nlearning_rate = 1\nwarmup = 0.5\n"
        "ema_decay = 0.5\nint8 = true\n[type_map]\nDisease = 'Illness'\n[corpus_weights]\nNCBI-disease = 2\n"
    )
    options = ["train", "ner", "--recipe", file, "--base", tiny_base, "--learning-rate", "1e-3", "-o", tmp_path / "out"]
    result = CliRunner().invoke(cli, [*map(str, options), "--no-int8"], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    saved = json.loads((tmp_path / "out" / "recipe.json").read_text())
    assert (saved["name"], saved["epochs"], saved["batch_tokens"]) == ("out", 1, 900)
    assert (saved["learning_rate"], saved["warmup"], saved["int8"]) == (1e-3, 0.5, False)
    assert saved["type_map"] == [["Disease", "Illness"]]
    assert (saved["ema_decay"], saved["corpus_weights"]) == (0.5, [["NCBI-disease", 2.0]])


def test_a_command_without_recipe_and_base_is_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["train", "ner", "-o", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "Give --base and --corpus, or a --recipe." in result.stderr


def test_a_missing_file_of_unlabelled_texts_is_refused(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from litmine.tasks.ner.make import make_model

    monkeypatch.chdir(tmp_path)
    recipe = make_recipe(NER, {**read_recipe(NER, "builtin"), "base": str(tiny_base)})
    with pytest.raises(SettingError, match=r"texts\.jsonl\.gz, which does not exist; name a JSONL"):
        make_model(recipe, tmp_path / "out", lambda _: None)

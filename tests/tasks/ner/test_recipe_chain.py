"""Recipes that continue from each other: one command gives the result of two, and errors come first."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from litmine.cli.main import cli
from litmine.errors import CorpusError, LitmineError, SettingError
from litmine.specs import spec_by_name
from litmine.tasks.ner.make import make_model
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.tasks.ner.recipe_chain import next_recipe
from litmine.training.recipe import make_recipe, read_recipe

NER = spec_by_name("ner")
MADE = ("model.safetensors", "litmine.json", "scores.json", "loss.tsv")
Write = Callable[..., TaggerRecipe]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A corpus of two sentences that only the second recipe uses."""
    file = tmp_path / "own" / "train.tsv"
    file.parent.mkdir()
    file.write_text("asthma\tB-Disease\nhurts\tO\n\naspirin\tB-Chemical\nhelps\tO\n")
    return file.parent


@pytest.fixture
def write(tiny_base: Path, sample_data: Path, own: Path, tmp_path: Path) -> Write:
    """`write(epochs=2)`: a recipe on BC5CDR, and `then.toml`, a recipe with these settings that continues from it."""
    corpus = str(sample_data / "ner" / "BC5CDR")

    def recipe(**settings: object) -> TaggerRecipe:
        own_settings = {"corpora": [corpus, str(own)], "epochs": 1, "seed": 2, "ema_decay": 0.5} | settings
        file = tmp_path / "then.toml"
        file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in own_settings.items()))
        first = TaggerRecipe("m", str(tiny_base), (corpus,), epochs=1, learning_rate=1e-3, batch_tokens=600, int8=True)
        return replace(first, then=str(file))

    return recipe


def test_one_command_gives_the_result_of_two(write: Write, own: Path, tmp_path: Path) -> None:
    recipe, messages = write(base_weight_share=0.5), list[str]()
    make_model(recipe, tmp_path / "one", messages.append)
    make_model(replace(recipe, then=""), tmp_path / "first", lambda _: None)
    second = make_recipe(
        NER, read_recipe(NER, recipe.then) | {"name": "m", "base": str(tmp_path / "first"), "int8": True}
    )
    make_model(second, tmp_path / "two", lambda _: None)
    for name in MADE:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    assert {file.name for file in (tmp_path / "one").iterdir()} == {file.name for file in (tmp_path / "two").iterdir()}
    assert len([line for line in messages if line.startswith("BC5CDR dev: ")]) == 1, "the first model is not scored"
    assert len([line for line in messages if line.startswith("BC5CDR: 60 passages")]) == 1

    saved, first, two = (json.loads((tmp_path / name / "recipe.json").read_text()) for name in ("one", "first", "two"))
    assert saved == two | {"first": first | {"then": "then.toml"}}
    card = (tmp_path / "one" / "README.md").read_text()
    assert "Base `tiny-base`; 1 epoch, " in card
    assert "learning rate\n0.001, dropout 0.1, seed 1; all settings are in `recipe.json`, under `first`. " in card
    assert "Then continued from the weights and heads of that model; 1 epoch, " in card
    assert "The final weights are a weighted mean: 50% base, the rest trained." in card
    assert "| tiny-base (base encoder) |" in card
    assert "| BC5CDR | 60 |" in card
    assert f"| {own.name} | 2 | 2 |" in card
    assert str(tmp_path) not in card + json.dumps(saved)


def test_a_killed_chain_resumes(write: Write, tmp_path: Path) -> None:
    recipe = replace(write(epochs=2), teachers=1)
    make_model(recipe, tmp_path / "whole", lambda _: None)

    def killed(line: str, made: TaggerRecipe = recipe) -> list[str]:
        messages: list[str] = []

        def say(now: str) -> None:
            messages.append(now)
            if now.startswith(line):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            make_model(made, tmp_path / "killed", say)
        return messages

    assert not any(line.startswith("epoch") for line in killed("teacher 1 of 1: epoch 1 of 1"))
    messages = killed("epoch 1 of 2 is done")
    assert "teacher 1 of 1" in messages
    assert "teacher 1 of 1: resuming after step " in " ".join(messages)
    assert any(line.startswith("training the first model in") for line in messages)
    messages = []
    make_model(recipe, tmp_path / "killed", messages.append)
    assert not any("teacher" in line or line.startswith("training the first model") for line in messages)
    assert any(line.startswith("resuming after step ") for line in messages)
    for name in MADE:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert [path.name for path in (tmp_path / "killed").iterdir() if path.is_dir()] == []


def test_a_changed_first_recipe_trains_the_second_again(write: Write, tmp_path: Path) -> None:
    recipe, messages = write(epochs=2), list[str]()

    def kill(line: str) -> None:
        if line.startswith("epoch 1 of 2 is done"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_model(recipe, tmp_path / "m", kill)
    make_model(replace(recipe, learning_rate=2e-3), tmp_path / "m", messages.append)
    assert not any(line.startswith("resuming after step ") for line in messages)


def test_corpus_paths_come_from_the_command(sample_data: Path) -> None:
    paths = {name: str(sample_data / "ner" / name) for name in ("BC5CDR", "Allergy")}
    recipe = make_recipe(
        NER, {**read_recipe(NER, "builtin"), "corpora": (paths["BC5CDR"], f"Allergy={paths['Allergy']}")}
    )
    corpora = next_recipe(recipe, Path("made")).corpora
    assert paths["BC5CDR"] in corpora
    assert f"Allergy={paths['Allergy']}" in corpora
    assert "JNLPBA" in corpora


def test_the_shipped_recipes_form_a_chain() -> None:
    """`builtin` is followed by `finish`, unchanged."""
    finish = make_recipe(NER, read_recipe(NER, "finish"))
    assert next_recipe(make_recipe(NER, read_recipe(NER, "builtin")), Path("made")) == replace(finish, base="made")


def test_the_second_recipe_keeps_heads_and_windows(write: Write, tmp_path: Path) -> None:
    recipe = replace(write(window=100), int8=False, window=150, overlap=20, type_map=(("Disease", "Illness"),))
    make_model(recipe, tmp_path / "m", lambda _: None)
    settings = json.loads((tmp_path / "m" / "litmine.json").read_text())
    assert (settings["name"], settings["window"], settings["overlap"]) == ("m", 150, 20)
    assert [head["name"] for head in settings["heads"]] == ["Chemical", "Illness"]
    assert json.loads((tmp_path / "m" / "recipe.json").read_text())["int8"] is False


REFUSED: dict[str, tuple[dict[str, object], type[LitmineError], str]] = {
    "a corpus that is not here": (
        {"corpora": ["BC5CDR", "nowhere/Allergy"]}, CorpusError,
        r"nowhere/Allergy does not exist; .*skip it with --then none"
    ),
    "a head that would be lost": (
        {"corpora": ["own"], "type_map": {"Chemical": "-"}}, SettingError,
        "has no corpus with Chemical, so the model would lose"
    ),
    "a share of a head that is not there": (
        {"corpora": ["BC5CDR", "own"], "base_weight_share": 0.5, "type_map": {"own:Disease": "Illness"}}, SettingError,
        "keeps a share of the first model's weights, but that model has no head for Illness",
    ),
    "a recipe that is followed by a further one": (
        {"then": "finish"}, SettingError, "is itself followed by finish, but only one recipe can follow"
    ),
    "a corpus that is read more often and not at all": (
        {"corpus_weights": {"NCBI-disease": 2}}, SettingError,
        r"--corpus-weight NCBI-disease is not a corpus of .*then\.toml follows",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_invalid_chains_fail_at_the_start(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    settings, error, messages = REFUSED[kind]
    monkeypatch.chdir(tmp_path)
    recipe = write(**{name: value for name, value in settings.items() if not isinstance(value, dict)})
    with Path(recipe.then).open("a") as file:
        for name, value in settings.items():
            if isinstance(value, dict):
                file.write(f"[{name}]\n" + "".join(f'"{key}" = {json.dumps(one)}\n' for key, one in value.items()))
    with pytest.raises(error, match=messages) as raised:
        make_model(recipe, tmp_path / "m", lambda _: None)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "m").exists()


def test_the_then_option(write: Write, tmp_path: Path, tiny_base: Path) -> None:
    recipe = write()
    first = tmp_path / "first.toml"
    first.write_text(f"corpora = {json.dumps(recipe.corpora)}\nepochs = 1\nthen = {json.dumps(recipe.then)}\n")

    def train(folder: str, *options: str) -> dict[str, object]:
        out = tmp_path / folder
        words = ["train", "ner", "--recipe", str(first), "--base", str(tiny_base), "-o", str(out), *options]
        ran = CliRunner().invoke(cli, words, catch_exceptions=False)
        assert ran.exit_code == 0, ran.stderr
        saved: dict[str, object] = json.loads((out / "recipe.json").read_text())
        return saved

    assert "first" in train("m")
    assert "first" not in train("alone", "--then", "none")
    (tmp_path / "m" / "first").mkdir()
    (tmp_path / "m" / "first" / "done.json").write_text("damaged")
    assert "first" in train("m", "--no-resume")
